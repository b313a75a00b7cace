// Package doq is DNS over QUIC (RFC 9250): the server that clients ask, and the client that
// asks other servers. Connections and streams are transports/overquic's; here is what a stream
// carries, and what a peer does wrong on it.
//
// # Decisions
//
// What the RFC calls fatal ends the connection with DOQ_PROTOCOL_ERROR (section 4.3.3): an ID
// that is not 0, a second query, an end before the query's, none within five seconds,
// edns-tcp-keepalive. Messages that are wrong in DNS alone are answered in DNS. What gets no
// reply anywhere, a response or what the policy drops, ends its stream with
// DOQ_UNSPECIFIED_ERROR; who finds no place to wait is told DOQ_EXCESSIVE_LOAD on the stream, and
// may ask again.
//
// Transfers and NOTIFY work as over TCP, the messages of a transfer on one stream. In early
// data queries and NOTIFY are answered, a transfer is refused as Too Early (section 4.5):
// somebody else may have sent it again, and it is long.
//
// The client pads queries to 128 octets, keeps connections for 15 seconds and comes back with
// its session, and without early data. A connection that ended unnoticed is replaced; a query
// is not asked twice of a server that has answered badly.
package doq
