// Package local answers what needs no network: the special-use names of RFC 6761
// and its followers, the reverse zones of RFC 6303, resolver.arpa (RFC 9462), and
// questions that must not be recursed for at all (RD=0, zone transfers, other
// classes than IN).
//
// # Decisions
//
// A special name that must not be asked of the world is NXDOMAIN or NODATA with a
// synthetic SOA, so that stubs cache it, and is never signed: a validating client
// treats these names as insecure by its own configuration.
//
// RD=0 is REFUSED with Extended DNS Error 20 rather than answered from the cache:
// what others asked before is nobody's business (cache snooping).
package local
