// Package recurse answers questions from the authoritative servers, from the
// root down. It is the last handler of the chain.
//
// [Resolver.Resolve] starts at the deepest zone cut that it remembers
// (delegation.go), else at the root (hints.go, priming.go). It asks the zone's
// servers (iterate.go, nameservers.go), reads what a reply is good for
// (bailiwick.go, referral.go, alias.go), goes down one cut at each referral, and
// follows aliases from zone to zone until the question is answered or denied
// (answer.go). [Upstreams] is the part below: it puts one question to several
// servers in the best order (upstreams.go, servers.go) and knows what counts as
// a reply (exchange.go); resolver/forward asks through it too. Sockets are
// behind [Exchanger].
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
// TsuNAME compose what is bounded one by one. Lookups run one after the other;
// racing them would win milliseconds and spend the budget of others.
//
// A reply speaks only of names at or below the zone that it was asked for. An
// alias that leads out of the zone is looked up anew, even where the server sent
// its target along. Glue is believed below the zone that the referral came from,
// whose servers could delegate those names anyway, and for that delegation only;
// addresses found by own lookups are kept apart. Refused: glue below the
// delegated zone only, which costs a lookup for every sibling at a registry.
//
// Delegations come from the parent alone. NS records of the child, which ride on
// every positive answer, are never read: they are what promiscuous-NS attacks and
// ghost domains live on. A cut ends with the shortest TTL of its NS and glue.
//
// The CNAME of a DNAME is always made here. It bears no signature; a server's
// own one could only be equal or wrong.
//
// A packet that is not a whole, well-formed reply to this very question does not
// end the wait, or whoever sends garbage first could stop a resolution. A server
// that is asked again without EDNS must have said FORMERR or NOTIMP without OPT,
// or BADVERS; silence is no reason, since forged silence would strip DNSSEC.
//
// A reply with RA but without AA is from a resolver that was named as authority;
// it is lame. One without both is believed: such servers are many, harmless, and
// checked by DNSSEC where it matters.
//
// Minimised names will come between closest and step, and mixed case into
// encode; nothing else knows what exactly was sent.
package recurse
