// Package links knows by which of its own addresses this machine can be reached by a client.
//
// # Decisions
//
// A client gets the addresses of the link that it is on, by the networks of the interfaces: those of
// another link may not be reached from there, or only by way of the world. A client on no link of ours is
// behind a router, and gets the address that the kernel would send from; to ask for that sends nothing.
//
// Link-local addresses of IPv6 are never given, since they mean nothing without a zone. Where a link has
// addresses of a local network (fc00::/7) those alone are given: the public ones change with the
// provider's leases.
//
// The interfaces are asked for at most once every few seconds: to list them takes several system calls, and
// whoever asks may ask often.
package links
