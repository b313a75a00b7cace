// Package cache keeps answers for their TTL, and somewhat longer where the world
// fails, and lets one resolution serve all who ask the same question meanwhile.
//
// It gives two stages of the chain. [Cache.Lookup] answers from what is kept and
// never waits. [Cache.Flight] below it is the first stage that has to wait: it
// resolves a question once, packs and keeps the answer, and hands the same answer
// to everyone who asked in the meantime.
//
// keep.go and shard.go hold answers, sets.go parts of them that answer for themselves,
// failure.go why there is none, stale.go and proved.go answers past their TTL,
// refresh.go and background.go what is asked again with nobody waiting, alias.go the
// kept CNAMEs and DNAMEs that a question goes on from, join.go what comes of that,
// crowd.go bounds who waits for one resolution, flush.go, dump.go and load.go are the tools. The package denials below holds proofs of
// absence and wildcards, the package sieve decides what goes when there is no room.
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
// Memory is what a hit waits for. So a node begins with the line that finding it reads, its name is the one in the
// question of its answer, and a shard's buckets lie apart from what inserts write. Refused: node, name and message in
// one piece of memory, which Go has no type for; reading ahead for a whole batch, as long as the chain knows one query at a time.
//
// The bound is in octets, counted with what Go adds around them, since a count of
// answers says nothing about memory when an attacker chooses their size. Answers,
// aliases, sets and failures share it, proofs have an eighth beside. A test holds the
// heap to what is counted.
//
// What is kept are messages, and the sets of an answer that leads over aliases each as
// a message of its own: the same look-up finds them, one bound holds for them. A layer
// of RRsets that messages refer to was refused: a hit would put its answer together
// anew. The price is that an older message may differ from a newer set, never longer
// than the TTL that the zone gave the older data; a refresh takes the newer set.
//
// There are two ranks (RFC 2181, section 5.4.1): the answer to a question, its first
// alias and whatever signatures prove; and what came unsigned further down the aliases,
// which never displaces the former and goes into no dump. Nothing of an authority or
// additional section is kept for clients: glue lives in resolver/recurse. Sets whose
// standing is not known by itself are not kept: parts of a mixed answer, what a
// wildcard made, answers with an Extended DNS Error.
//
// A question begins at the end of its kept aliases, which halves the work for the A and
// AAAA of a content network. No flight waits for another there, since two that did could
// wait for each other. Eleven aliases are the most, kept and new ones together. None
// leads from a private name to another or back: that would be a way around rebinding
// protection, which goes by the question's name.
//
// A DNAME answers for all names below it (RFC 6672) only if it was proved: for an
// unsigned one each name is asked for, since one forged reply must not be worth a
// subtree. Unbound does the same. A flush of a name also drops the DNAMEs above it.
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
// refresh fails, and 30 seconds after a failure without another try (RFC 8767). TTLs of
// such answers are never above what the zone set. A refresh begins at the aliases that
// last; one before the end of the TTL asks for all anew.
//
// A refresh that is bogus (EDE 6 to 12, 25) is a refresh that failed, if what is kept was
// proved: else whoever can spoof one reply could take a name away that is known to be
// right. RFC 8767 does not tell; Unbound keeps the proved answer too. The answer names
// the fault beside EDE 3. It ends with its signatures: what none proves any more is
// bogus itself. What was never proved gives way to SERVFAIL, for the zone claims now to
// be signed. To show SERVFAIL always was refused, as was to serve stale data that no
// signature covers any more.
//
// Whether the kept answers outlive a restart is the operator's choice (persist_cache),
// and they do where the file does not say: they name no client, and a resolver that
// starts empty asks the world for everything again. An upstream's block is not kept at
// all: it may be lifted any moment.
//
// An inline pass starts no refresh, although it could: policy probes the cache before
// it judges, and a blocked question must not leave the machine. So an answer near its
// end, or past it, sends a few queries on to come again when they may wait. Where none
// gets through, for load, the kept answer is given all the same.
//
// Of the datagrams that wait for one resolution a thousand are answered, and a hundred
// where it took longer than 1.9 s: whoever asks in another's name would else have all
// replies leave in one burst (DNSBomb). Refused: to leave every late question without a
// reply, as Unbound does; where servers are slow the first answer may well be late, and
// clients wait for it longer than that.
//
// Expiry is reckoned from the query's own time at each look-up. No timer sleeps for
// it, and what a clock that was set back since has stored is not believed.
//
// A dump is taken whole or not at all, and only under the basis that it was made
// under: validated is what the anchors of that day proved. A start takes the file
// away, so that after a crash nothing older than the last clean end comes back.
package cache
