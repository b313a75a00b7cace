// Package transports is what all doors share: running the chain on one packet,
// writing the reply, and the limits on what strangers may ask and hold. Each
// folder below is one protocol, its server and its client side by side. No policy
// lives here: who is admitted is told by [Clients], and what is withheld is decided in
// the chain.
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
// another client's options. What is in it was asked for: nothing is sent to those who
// sent none, and an option that means nothing here is not sent back. The size is 1,232
// whatever resolver.edns_size says, which is for the servers that we ask.
//
// A packet that cannot be read is answered by the book: FORMERR; NOTIMP to another opcode,
// as a header alone, since nobody knows what the rest means; BADVERS; NOTAUTH to a key that
// nobody here has; nothing to a response or to less than a header. Such a reply is never
// longer than the packet, so it has no cookie, name or reason in it.
//
// Every door asks one gate ([Gate]) before it does anything: who is admitted, how much it
// asks, how much it holds. Access control also stands in the chain, which needs the row of
// the client anyway; the gate's is there so that a refusal costs neither chain nor message, and
// an encrypted door no handshake. A few connections over plain TCP are kept for strangers,
// who are told why there as they are over UDP.
//
// Who cannot have forged its address, by a cookie (RFC 7873) or by any door but UDP, is
// told with REFUSED and Prohibited that it asks too much; and has the whole limit by itself.
// Others are dropped, but for one in so many that gets TC or, if it knows cookies, BADCOOKIE
// and one for the next time: a forger gains nothing by either. Without need no cookie
// is asked for (section 5.2.3). Refused: an Extended DNS Error of rate limits' own, since RFC
// 8914 has none, and its 18 is for what local policy refuses to a client.
//
// Replies are counted over UDP also where nobody configured a limit ([rate.Replies]):
// failures, denials and large answers, since these are what queries are forged for. Ordinary
// answers are not: a popular name is asked for by everybody behind one address. Loopback
// is exempt, where nothing is forged but by the operator's own.
//
// Places to wait in are shared out by how many are free: one client may have half as many,
// so that some are left for who comes new, and no number has to be chosen for small and
// large resolvers. A kept answer needs no place, so an overload leaves it alone.
//
// A reply that does not fit loses first of structured errors what their draft gives up, then
// the text and then the codes of its Extended DNS Errors, these two with TC set (RFC 8914,
// section 3), then all its records. Policy gives all forms of a text, and the door, which
// alone knows the room, picks one: so one answer that is kept serves every size. Cutting records off one by one saves
// nobody a round trip: a client that sees TC asks again over TCP.
//
// Who asks for structured errors, by either sign, is told of no forged answer
// (draft-ietf-dnsop-structured-dns-error, section 5.2): the door keeps to that whoever made the
// error, an upstream too. The option is not sent back, since the draft defines it for queries.
package transports
