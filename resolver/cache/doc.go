// Package cache keeps answers for their TTL, and somewhat longer where the world
// fails, and lets one resolution serve all who ask the same question meanwhile.
//
// It gives two stages of the chain. [Cache.Lookup] answers from what is kept and
// never waits. [Cache.Flight] below it is the first stage that has to wait: it
// resolves a question once, packs and keeps the answer, and hands the same answer
// to everyone who asked in the meantime.
//
// keep.go and shard.go hold answers, failure.go why there is none, stale.go answers
// past their TTL, refresh.go and background.go what is asked again with nobody
// waiting, alias.go links that other questions go on from, flush.go, dump.go and
// load.go the tools. The package denials below holds proofs of absence.
//
// # The dump
//
// A dump is text. Its first line is "recourse-cache 1" and the basis in hex; its last
// "end", how many answers there are, and the SHA-256 sum of all lines before. Between
// them each line is one answer in 13 fields: name, seconds left (below zero: stale),
// CLASS and number, type, response code, cd=0 or cd=1, unchecked or insecure or
// secure, stored=, expires= (both RFC 3339), ttl= (nanoseconds), zone=, ede= (code and
// hex of the text, by commas), and the message without OPT in base 64. The seconds and
// the response code are for people; reading takes them from the times and the message.
//
// # Decisions
//
// A look-up takes no lock. Buckets are chains of nodes behind atomic pointers;
// writers hold their shard's mutex and unlink a node while readers may still stand
// on it, which the garbage collector makes safe. A read-write mutex was refused:
// its reader count is one cache line that all cores write.
//
// Eviction is SIEVE (Zhang et al., NSDI 2024): a node that was asked for again is
// passed over once, a scan of random names is evicted first. It needs one bit a
// hit, written only when it changes, where LRU needs a lock.
//
// The bound is in octets, counted with what Go adds around them, since a count of
// answers says nothing about memory when an attacker chooses their size.
//
// There are messages and no layer of RRsets below them. All that is kept came from
// the answer or as the denial of the zone that was asked, and was validated: it has
// one rank (RFC 2181, section 5.4.1), the highest. Glue and authority records, which
// would need lower ranks, live in resolver/recurse and are never given to a client.
// What RRsets would be shared for, aliases and denials, is kept in ways of its own.
//
// An alias is kept as the answer to a question for it, if its standing is known by
// itself. Another type of the same name then begins at the alias's end, which halves
// the work for the A and AAAA of a content network. No flight waits for another there,
// since two that did could wait for each other.
//
// Answers for CD=1 are kept apart, since nobody validated them. One that was proved
// serves CD=1 as well, with AD: nothing was withheld from it.
//
// Failures are kept too (RFC 9520), for five seconds, twice as long each time in a
// row up to five minutes, and say so with Extended DNS Error 13; without that, one
// broken zone costs its whole work at every query. A failure never takes the place
// of an answer that can still be given.
//
// An answer past its TTL is given when the client has waited long enough or the
// refresh fails, and 30 seconds after a failure without another try (RFC 8767). One
// that validation found bogus (EDE 6 to 12, 25) is not masked by an older one: the
// client must see that. That no keys could be had (EDE 5) is an outage like others.
// TTLs of such answers are never above what the zone set.
//
// An inline pass starts no refresh, although it could: policy probes the cache before
// it judges, and a blocked question must not leave the machine. So an answer near its
// end, or past it, sends a few queries on to come again when they may wait. Where none
// gets through, for load, the kept answer is given all the same.
//
// Expiry is reckoned from the query's own time at each look-up. No timer sleeps for
// it, and what a clock that was set back since has stored is not believed.
//
// A dump is taken whole or not at all, and only under the basis that it was made
// under: validated is what the anchors of that day proved. A start takes the file
// away, so that after a crash nothing older than the last clean end comes back.
package cache
