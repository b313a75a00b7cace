// Package transports is what all doors share: running the chain on one packet,
// writing the reply, and the limits on what strangers may keep waiting. Each
// folder below is one protocol, its server and its client side by side. No policy
// lives here: who is admitted, and what is withheld, is decided in the chain.
//
// # Decisions
//
// [Service.Answer] is the one place where a packet becomes a reply, on the fast
// path and off it. A door first runs the chain inline, with the query reused from
// packet to packet; when a stage would have to wait, the door copies the packet
// and runs the same chain on a bounded worker. There is no second pipeline.
//
// Service.Answer takes the time and counts; [Service.Reply] under it does neither. A door that reads
// several packets at once looks at the clock once for all of them and counts them together ([Round]):
// a look costs 41 ns, and a kept answer 160 between the system calls. Counters have a row for each worker ([Service.Worker],
// [resolver.Query.Worker]); who takes no number writes the first row.
//
// What concerns zones as such is between servers and goes past the chain: transfers to who
// serves zones, NOTIFY to who transfers them ([Zones]). Both decide by themselves whom they
// hear, by key or address; they run on workers, and where there are none the check is one comparison.
//
// The door alone writes OPT ([AppendReply]), so that a kept answer never carries
// another client's options.
//
// A reply that does not fit loses its Extended DNS Errors first, with TC set (RFC
// 8914, section 3), then all its records. Cutting records off one by one saves
// nobody a round trip: a client that sees TC asks again over TCP.
package transports
