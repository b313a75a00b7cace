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
package doh
