// Package do53 is DNS over UDP and TCP on one port (RFC 1035, RFC 7766): the
// server that clients ask, and the client that asks other servers.
//
// # Decisions
//
// UDP has one socket a core with SO_REUSEPORT, each read by one goroutine that
// runs the chain inline. What has to wait is copied out of the read buffer and
// answered from a goroutine of its own, whose number the service bounds.
//
// TCP is opened last, since those who wait for a server to start try to connect: a
// question over UDP in the instant between the two was refused by the kernel, and on a busy
// machine the instant was long enough for a whole test. That another server has the port
// then shows only after UDP was shared with it for that instant; the lock on the state
// directory keeps a second one of ours from getting so far.
//
// A socket on an unspecified address learns from the kernel to which address a
// query came, and the reply leaves from there; a multi-homed host would otherwise
// answer from an address that the client did not ask.
//
// Connections are served by transports/stream, which DNS over TLS shares, and those to
// servers are kept by its pool.
//
// A query that has to wait finds a goroutine that has waited before, if one rests:
// 128 do at most. A new one has a small stack, which grows three times in a resolution;
// that was 9 % of the cost of a cold one.
//
// The client gives each query a socket of its own, connected, on a port drawn from
// 1024 to 65535: a pool of sockets would be cheaper, and easier to hit with forged
// replies. A reply that is not accepted is passed over, and the wait goes on.
//
// On Linux those sockets are bare descriptors, watched by one epoll instance that the
// runtime's poller watches in turn. One through package net takes twelve system calls
// and 25 allocations where these take seven and six: an exchange with an echo costs
// 11.1 µs of processor time through net, 9.0 µs so, both ends counted. Refused: a
// goroutine that blocks in epoll_wait, for waking its thread costs more than the
// reply; sockets bound anew after connect(AF_UNSPEC), which the kernel gives ports
// from its own, smaller range; io_uring, which hosts forbid more often than not.
// Elsewhere it is package net.
//
// TCP connections to servers are kept for five seconds after their last query and
// take others meanwhile, without waiting for replies (RFC 7766, section 6.2.1): a
// zone whose answers do not fit UDP costs one handshake, not one a question.
package do53
