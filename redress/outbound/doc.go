// Package outbound connects to hosts that a stranger has named, without doing harm to who
// is behind us: it is the one place where the rules against server-side request forgery
// stand. Proofs of control, new tests of a site and webhooks all go through it.
//
// A [Dialer] turns a host into addresses, judges each and dials the very address that it
// judged. A [Client] is HTTP over it: bounded in time, size and ports, without
// credentials, cookies, proxies and decompression.
//
// # Decisions
//
// The address is judged where it is dialled, below HTTP, and no name is resolved after
// that. To look at the address in the URL first and to connect by name later was refused:
// the name may mean something else a moment after (rebinding), and each redirection would
// need the same look again.
//
// One bad address spoils none beside it: a name with a public and a private address is
// dialled at the public one. What was refused is said, so that an operator whose server
// is meant to be private learns what to write.
//
// Redirections stay on the host, and there they may only change path, or go from plain
// HTTP to HTTPS. A redirection to another host says who controls that host.
//
// A certificate is not asked to be good where plain HTTP would be taken as well
// ([Config.AnyCertificate]): who could forge one could forge the other, and a shop whose
// certificate ended last week is still its owner's. Webhooks do check it.
//
// Encoded replies are refused, though nobody asked for one. To decode them under a bound
// is possible, but no server needs it who reads what we accept.
package outbound
