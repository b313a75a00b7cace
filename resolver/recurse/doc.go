// Package recurse answers questions from the authoritative servers, from the
// root down. It is the last handler of the chain.
//
// [Resolver.Resolve] starts at the deepest zone cut that it remembers or that is
// configured (delegation.go, configured.go), else at the root (hints.go,
// priming.go). It asks the zone's servers (iterate.go, nameservers.go) no more of
// the name than they need (minimise.go), finds those without an address, and
// others where none gives an answer (hunt.go), leaves those alone that have all
// failed a moment ago (failing.go), looks up what a referral said where that is wanted
// (path.go), reads what a reply is good for
// (bailiwick.go, referral.go, alias.go), goes down one cut at each referral, and
// follows aliases from zone to zone until the question is answered or denied
// (answer.go, denied.go, sections.go), and has another server of the parent heard where a delegation
// leads to nobody (misled.go). Who told what is remembered for a while, in case it does not
// validate (trail.go). [Upstreams] is the part below: it puts one question to
// several servers in the best order (upstreams.go, asking.go, servers.go,
// order.go) and knows what counts as a reply (exchange.go, cookie.go, casing.go);
// resolver/forward asks through it too. Sockets are behind [Exchanger].
//
// An answer carries the whole alias chain with its signatures; as authority it
// has the SOA where the chain ends without data, and every NSEC and NSEC3 with
// signatures that any link brought, since a validator needs the proofs of earlier
// wildcards. Nothing here validates.
//
// The question for a DS set belongs to the parent's side of a cut. A referral
// brings the set, or the proof that there is none; both are kept with the
// delegation and answer that question without another query, with the parent as
// the Answer's Zone. Where the parent is not signed such an answer is empty.
//
// # Decisions
//
// One budget for everything. All that a client's query causes is taken from its
// resolver.Work, lookups of name-server addresses included, and all bounds on
// those lookups belong to the query, not to the lookup: NXNSAttack, CAMP and
// TsuNAME compose what is bounded one by one. A second lookup begins beside the
// first only when that takes long. AAAA is asked for when A did not help: racing
// both would double the questions of every glueless name, and one address that works
// is enough. Which of both is asked first follows from which family leads somewhere.
//
// A family is learnt to lead nowhere from strangers: behind one that is silent comes
// one of the other family, and its answer counts against the first (RFC 8305 has the
// aim). Two zones tell. Refused: to ask both at once, which doubles what is sent.
//
// Packets that fit no question are taken from the octets of the query that waits for
// a reply, 64 at least. Who can send them could send false replies as well; what he
// must not get is a thousand looks at each of a hundred questions. A reply with more
// than 512 records is not read: reading them is dear, and none that answers has them.
//
// A zone whose servers all failed is known for it, five seconds to five minutes
// (RFC 9520, section 3.2). A question then costs one or two tries, so that recovery
// shows at once. Where nothing at all came back one question does so for all that
// wait. Where servers replied, their failure may be one of the name, and each question
// tries for itself. Refused: to fail at once, which holds names down that would resolve.
//
// A delegation whose servers disown the zone may be the error of one server of the
// parent, whatever it made up. Once for each delegation another one is asked, and where it
// tells the same nobody is asked again. Refused: to doubt it also where the servers are
// silent, which is common and would double the questions to the parent; and to doubt
// whoever told in other queries, since names in lame zones are easy to have.
//
// harden.referral_path is done for questions of clients, once a cut, and with at most
// half of what the query may ask. It asks through validation, which is above: the
// handler is given. A validator of its own below would prove every zone twice.
//
// A reply speaks only of names at or below the zone that it was asked for. An
// alias that leads out of the zone is looked up anew, even where the server sent
// its target along. Glue is believed below the zone that the referral came from,
// whose servers could delegate those names anyway, and for that delegation only;
// addresses found by own lookups are kept apart. Refused: glue below the
// delegated zone only, which costs a lookup for every sibling at a registry.
//
// Delegations come from the parent. NS records of the child, which ride on every
// positive answer, are never read: they are what promiscuous-NS attacks and ghost
// domains live on. Only where all servers that the parent names have failed is the
// zone asked for its own, and sibling glue looked up; what that finds ends with the
// delegation. A cut ends with the shortest TTL of its NS and glue, five seconds at
// least.
//
// With Full (minimal_responses: false) a positive answer carries the NS records of the
// authority section and addresses of the additional one that the same servers may speak
// of. They live and end with that answer, and are never read again: not as a delegation,
// not as an address, not for another question. A message that they would make larger
// than a datagram goes without.
//
// The CNAME of a DNAME is always made here. It bears no signature; a server's
// own one could only be equal or wrong.
//
// A packet that is not a whole, well-formed reply to this very question does not
// end the wait, or whoever sends garbage first could stop a resolution. A server
// that is asked again without EDNS must have said FORMERR or NOTIMP without OPT,
// or BADVERS; silence is no reason, since forged silence would strip DNSSEC.
//
// A reply with RA but without AA is from a resolver that was named as authority:
// it is lame, and so is one with nothing in it, or a denial in the name of some other
// zone. Such a reply is taken only where no server gives a better one, a denial as one
// that is not kept: SERVFAIL helps nobody, and all peers answer. A referral downwards
// is followed whatever its flags. One without RA and AA is believed: such servers are
// many, harmless, and checked by DNSSEC where it matters.
//
// NXDOMAIN beside an alias, without proof, does not count for the alias's target,
// which is asked for by itself. It costs a question for each alias to nothing, and
// reaches names that servers with rewriting front ends deny. All peers do so.
// Beside an alias that was asked for by itself the code says the same, and is passed on
// where it is so; else the alias is the answer. Peers do this, or leave the code out, or
// fail. What is proved already of a target's absence is not asked for: the cache above
// is given, as an alias must not make names cost more than they do by themselves.
//
// Parts of names are asked with type NS: it is what the answer is wanted for, and
// small. A zone whose servers choke on it is asked with A, then for whole names,
// for ten minutes. Refused: A at once, which brings addresses and aliases of names
// that nobody asked for. Names that are no cuts are remembered, so that minimising
// costs a name below a known zone nothing.
//
// A UDP reply that fits but for its casing or its missing server cookie is a
// forger's or that of a server which changed. TCP tells: it is asked there, and
// what it shows is believed for a quarter of an hour. Refused: to believe the
// second such reply, which a forger can send as well.
//
// Doubt needs no word from the validator: a Fresh question that was answered
// seconds ago can only mean that the answer did not hold. Whoever told any part of
// it, the referrals included, then comes after all others, even those whose
// addresses must be looked up first.
//
// Silence is noted before it is certain: the next server is asked while the last
// one is listened to, and the sooner the more were silent. A server heard within the
// minute is held for lossy rather than dead, so that loss does not turn all servers of
// a zone away; it is asked three times over UDP and once over TCP (RFC 9520, section
// 3.1). A stranger gets TCP after two packets: with half of all packets lost a third
// one tells little, and TCP repeats by itself.
//
// The first server of a question is asked from the caller's own goroutine, and only
// one that takes long brings a second one in, which asks others beside it. With a
// goroutine and a context more for each question a cold resolution cost 15 % more.
// Refused: deadlines without timers of their own, in a context that has a Deadline
// but is not Done at it; every other exchanger would have to know.
//
// Stub zones are delegations that the operator made, and forwarded ones are handlers
// by name. Both stand in lookup, not in a stage above: an alias or a name server
// may lead into such a zone from anywhere, and must get there.
package recurse
