// Package proxy reads the header that a load balancer puts before what a client says, so
// that the client is known by its own address (PROXY protocol, version 2, by HAProxy).
//
// # Decisions
//
// The header is a claim, so it is read from the addresses alone that the configuration
// names, and there it must be: a connection that comes from a load balancer without one
// would be judged as if the load balancer itself had asked, for whatever jurisdiction and
// profile its own address has. The text form (version 1) has no length before its end and
// is not read. The header is taken from the connection to the octet, with nothing read
// beyond it, so what follows, TLS or DNS, needs no wrapping. Refused: pires/go-proxyproto,
// which reads through a buffer of its own and would stay in the way of every later read.
package proxy
