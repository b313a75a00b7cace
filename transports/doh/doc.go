// Package doh is DNS over HTTPS (RFC 8484): the server that clients ask, and the client
// that asks other servers.
//
// What is the same in every version of HTTP stands in files of its own: request.go reads a
// message out of path, query or body, status.go is what the door says in HTTP,
// freshness.go for how long a reply may be kept.
//
// # Decisions
//
// HTTP's status speaks of HTTP alone: every response code of DNS comes with 200 (section
// 4.2.1). What cannot be answered in DNS, being no query, is 400; a query that the chain
// drops is 403, since a request must end and another status would have it sent again.
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
