// Package do53 is DNS over UDP and TCP on one port (RFC 1035, RFC 7766): the
// server that clients ask, and the client that asks other servers.
//
// # Decisions
//
// UDP has one socket a core with SO_REUSEPORT, each read by one goroutine that
// runs the chain inline. What has to wait is copied out of the read buffer and
// answered from a goroutine of its own, whose number the service bounds.
//
// On Linux a socket is read and written in batches of up to 64 packets, by recvmmsg and
// sendmmsg on a non-blocking socket, through the runtime's poller and past package net and
// its addresses; a reply's address is the octets that the kernel wrote. A read that did not fill
// the batch has emptied the socket, so the poller is waited for without a read in vain. The
// scheduler is not told of the calls, since neither waits: a call of 64 packets is over before
// the processor could be handed on and back, and a collection of garbage waits no longer than
// that. With three lists, policy and metrics an answer costs 1.13 times an echo that does
// nothing else, 0.84 of Unbound and 0.72 of what a packet a call cost (bench/udp.sh, two virtual
// cores of a Xeon, a thousand questions under way; with other programs on the same cores 1.20 to
// 1.38 times the echo, for what they push out of the caches, and as much beside Unbound). Refused: x/net's ReadBatch, which
// makes addresses; a blocking socket on a thread of its own; io_uring, as below; several replies as
// one with UDP_SEGMENT, for they seldom go to one client and have one length.
//
// The clock is looked at twice a batch. Each query of a batch counts as having taken as long as the
// batch, which is what its client waited; the counts are written before the replies are sent, so
// that who has an answer finds it counted.
//
// A burst of thousands is read off in milliseconds. Who has more to read for 100 ms on end is
// overloaded, and then sheds what has to be resolved where 256 queries wait already: one
// resolution costs as much as a hundred kept answers. Refused: to tell it from how long packets lay
// in the socket, which costs a control message for each.
//
// A reply that the system does not take, for a filter, a route or memory, is passed over, and the
// rest of the batch sent. One for which the socket has no room waits 20 ms for the poller. Reads that
// fail rest for 10 ms. Each is logged at once and then once a minute, with how often. What the kernel
// dropped before it was read only the kernel knows; it is asked at each scrape.
//
// The interface by which a query came is not asked for again, for the way back may be another;
// of a link-local address it is part.
//
// Beyond two cores, on paper: a kept answer writes no line that another core reads or writes, but for
// the mark of an entry that was not asked for since the hand passed (resolver/cache/sieve), once. Sockets,
// buffers, counters (resolver/tally) and the lock of proofs (resolver/cache/denials) are a core's own;
// processor time for an answer is the same on one core and on two (go test -bench Answer -cpu 1,2
// ./cmd/recourse). What cores share is on the way of what is not kept: the places of those who wait and the
// flights of the cache, a mutex each; a shard of 64 for each insert; the counters of a staged list; and, where
// they are configured, the tables of rate limits. The kernel hashes clients to sockets, so one client that
// asks for half of all loads one core; more sockets than cores would not help it.
//
// AF_XDP would take the kernel's part away, four fifths of the cost here: the ring of one queue of the
// card a core instead of a socket, 64 frames read in place and turned round. It would change the reader
// alone: [reader.answer] takes octets and an address. But then ARP, routes, fragments, checksums and filters
// are ours, a card that can do it and a capability are needed, and a resolver at home or beside others has
// neither. Not before somebody needs a million answers a second of one machine.
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
