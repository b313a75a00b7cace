// Package stream is what connections of DNS messages have in common, over TCP and over TLS
// (RFC 7766, RFC 7858): each message has its length before it, queries follow each other
// without waiting for replies, and replies come in any order.
//
// [Serve] serves a listener's connections. A driver tells a connection what came
// (epoll_linux.go; portable.go elsewhere), a layer takes TLS off (record.go for TLS 1.3,
// standard for 1.2 in shake.go), conn.go takes messages apart, has them answered, and
// gathers the replies. What has to wait is done by a goroutine of its own (query.go). At
// the other end [Pool] keeps connections to servers, for the clients of do53 and dot.
//
// # Decisions
//
// All queries that one read brings are answered into one buffer, which is written with one
// call: a million cached answers cost 1.1 s of processor time over TCP and 2.2 s over TLS
// where a bare echo over UDP costs 1.8 s in the same run, and unbound 5.3 s and 7.6 s
// (dnsperf, ten connections, policy, three lists and metrics on). Nothing is allocated for
// a cached answer, in the whole process.
//
// On Linux connections are bare descriptors, told of by a few epoll instances that the
// runtime's poller watches in turn. One that is idle has no goroutine and no buffer: 720
// octets over TCP, 5.4 KB over TLS, garbage included (bench/crowd). Package net has each
// connection's descriptor in the runtime's poller, which would wake for it a second time;
// so the listener is duplicated, for package net does not let anybody wait at it either. A
// loop parks after each round, as the runtime looks at its poller only then, and the other
// doors must have their turn.
//
// The handshake of TLS is crypto/tls's, the records after it are ours, with the keys that
// crypto/tls gives a KeyLogWriter; each connection has one of its own, and nothing is
// written anywhere. crypto/tls allocates at each read from the network, reads 500 octets
// at a time, and keeps 5 KB more for each connection. What is ours is small: one AEAD a
// direction, KeyUpdate, alerts, padding. Records are counted to go on with the right
// number; a test holds both sides against crypto/tls. During the handshake crypto/tls is
// given single records, so that it never takes what follows. Refused: a fork of crypto/tls,
// which would have to be kept up with; kernel TLS, which hosts lack. TLS 1.2 stays
// crypto/tls's altogether.
//
// A handshake has a goroutine from its first octet to its last, and as many compute at a
// time as there are processors: whoever floods us with them delays nobody by more than one.
// A connection that sends nothing has none.
//
// Who does not take its replies is not read from. What is kept for it is one piece (16 KB)
// of replies, one of input, and the replies to queries that waited, 256 KB of those at
// most; after five seconds it is cut. A message has five seconds from its first octet, and
// so has a record, however the octets come. With 10,000 connections that read nothing, cut
// and opened anew all the time, a question over any door took 0.1 ms, and 8 ms at the most
// (bench/crowd --slow).
//
// How long a connection may be idle falls with the share of connections that are free, from
// all of it at half to a second when nearly none is, and so does what clients are told of
// it (RFC 7828). When descriptors run out the same holds until there are some. Both are
// looked at sixteen times a second, in a sixteenth of all connections each: a timer for each
// would cost more than the connection.
//
// Where too many queries wait in all, one more fails, and the connection stays: it may have
// others for which the answer is kept.
//
// Closing reads on for an instant, since a client that has just connected has its query on
// the way; then it waits for what was read to be answered, for less than a second.
//
// Clients that ask one server at the same time wait for one handshake in place of having
// one each; a query goes out with others that are written at the same time. A connection
// that ended while it was idle is replaced once.
package stream
