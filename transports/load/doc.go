// Package load loads a DNS server through any door and reports what came back: the
// load generator behind `recourse bench`.
//
// [Run] opens connections, keeps so many queries under way on each (a closed loop), or
// sends at a fixed rate whatever comes back, until a time or a number of queries is used
// up. A reply counts as an answer if it is a response to the question asked under its ID
// or on its stream; latency is kept in a [Histogram].
//
// [Hold] opens connections and keeps them, to see what a server pays for those that are silent.
//
// A lane is one connection with its table of queries under way; a carrier moves packets
// for it in batches. There is a carrier for each way of framing: datagrams (UDP),
// messages (TCP, TLS), exchanges (HTTP/2), streams (QUIC and, on it, HTTP/3).
//
// # Decisions
//
// Everything is done in batches, with packets written beforehand and nothing allocated
// once a run goes on: a generator that costs more than the server measures itself.
// dnsperf is that from 80,000 queries a second on.
//
// At a fixed rate latency counts from when a query was due. Counted from when it could be
// sent, a server that stands still for a second spoils one query in place of all that
// were due in it (coordinated omission).
//
// HTTP/2 is spoken on frames alone, with the header fields that all requests share in the
// server's table since the first, as a browser has them there; a client library costs more
// than the server. QUIC has to come from a library, whose client costs about what its server
// does: so what such a door costs is read off the server's processor time, never off the rate.
//
// A query that is not answered in time is lost, and its reply, should it come, is counted
// as stray; nothing is sent again. The histogram is ours, since all that is wanted of one
// is fifty lines: fixed memory, and an error below one in a hundred.
package load
