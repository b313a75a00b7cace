// Package doh is DNS over HTTPS (RFC 8484): the server that clients ask, and the client
// that asks other servers.
//
// What is the same in every version of HTTP stands in files of its own: request.go reads a
// message out of path, query or body, status.go is what the door says in HTTP,
// freshness.go for how long a reply may be kept, handler.go puts them together for what
// comes by way of net/http.
//
// HTTP/2 (RFC 9113) is spoken here, on the framer and the header decoder of
// golang.org/x/net. A [Server] takes connections, shakes hands and hands each to who
// speaks what was agreed on (server.go). A connection has one goroutine (connection.go),
// which reads frames (frames.go), headers (fields.go, blocks.go) and streams (streams.go),
// and answers at once what can be answered at once; the rest is brought by workers.go.
// All write through output.go. What strangers may cost is bounded by budget.go, by the
// times and sizes in connection.go and output.go, and by the service's gate.
//
// # Decisions
//
// Answers are gathered and written when all that has come was dealt with, just before the
// read that might wait: so many streams cost one read and one write. With policy, three
// lists and metrics, on one core, a cached answer takes 7.1 µs of processor time with 50
// streams on each of 4 connections, 13 µs (GET) and 17 µs (POST) with one on each of 20;
// plain UDP took 6.9 µs in the same runs (dnsperf; November 2026, a shared machine).
//
// Each answer is a TLS record of its own within that write. dnsperf hears only the first
// answer in a record, and one record for all would save 0.27 µs an answer.
//
// Response headers are encoded ahead, without the table of RFC 7541: the same octets for
// every connection and no state to keep. A cached answer allocates twice, both times in the
// library: the frame of its header and the string of its path. To parse the header where it
// lies would spare both, and was not worth a second decoder.
//
// Where a body is awaited the kernel is told to acknowledge at once. Clients whose kernel
// gathers small writes sent header and body 40 ms apart.
//
// A request that is refused is answered when its body has ended, not before: many clients
// read nothing until they have sent everything. The body is passed over; its stream's
// window, which is never opened further, bounds it. It is also the largest message's size.
//
// What costs a client nothing and us something is counted: frames that ask nothing, and
// streams that end before their answer, by the client's act (CVE-2023-44487) or by ours for
// a fault of its (CVE-2025-8671). Both budgets come back with time; who spends more is told
// ENHANCE_YOUR_CALM. A stream that was given up keeps its place until its worker has done,
// so that resets buy no work beyond the 128 streams.
//
// A connection has a minute from its last request, whatever else it sends, less when many
// are open; a frame, a header, a body, and the taking of what is due have five seconds from
// their beginning. Of what is not taken, 64 KiB may lie in the client's windows and as much
// before the socket. A stalled stream ends its connection: both are one client's.
//
// h2spec passes whole, also with --strict. The dependencies of RFC 7540 are read for their
// form alone, as RFC 9113 allows.
//
// HTTP/1.1, and what says nothing by ALPN, is served by net/http with bounds of its own.
// Such clients are few.
//
// HTTP's status speaks of HTTP alone: every response code of DNS comes with 200 (RFC 8484,
// section 4.2.1). What cannot be answered in DNS, being no query, is 400; a query that the
// chain drops is 403, since a request must end and another status would have it sent again.
//
// Every reply is `private`: a cache that serves several clients must not give one the
// verdict on another. It is kept for the least TTL of its answer section, a negative one
// for what its SOA says (section 5.1); failures and truncated replies are `no-store`.
//
// There is no Access-Control-Allow-Origin. With one, the scripts of any web page could read
// the names of the house and what its profiles block; browsers themselves need none.
//
// Base64url with padding is refused, as the RFC rules it out: one message, one address.
//
// The host of a request names the client's way to us before the server name of TLS does,
// since one connection may serve several names (RFC 9113, section 9.1.1).
//
// A door that closes says so twice (RFC 9113, section 6.8): streams that were on their way
// before the client could know are answered, and the client shows by a PING that it knows.
//
// The client is net/http's: there each query is a miss, and a library's HTTP/2 is good
// enough. It dials the address that the configuration has, heeds neither proxies of the
// environment nor redirections, sends no cookie and no name of itself, and asks once more
// where a connection that was kept has ended meanwhile.
//
// HTTP/3 has frames and headers of its own (files http3…) on connections of
// transports/overquic. net/http's way, by http3.Server, makes a request, a response and a dozen
// small things of each question. There is no table for header fields (QPACK's dynamic one, by our
// settings), so that a header is decoded where it lies and a response is made of blocks that are
// the same for all connections; the door costs as much as DNS over QUIC does. Fields, paths and
// statuses are judged by the same code as in HTTP/2. What servers never want is not read: streams
// of QPACK, pushes, unknown frames. The client's HTTP/3 is the library's.
//
// Early data (0-RTT) is answered: a question does no harm when it is asked twice.
package doh
