// Package dnssec proves answers: it follows the chain of trust from an anchor
// down to the zone that signed them, and wants a proof for everything that is
// said not to exist.
//
// The stage stands above whatever resolves, searcher or forwarder. It lets the
// answer come up, with all signatures and proofs in it, and works from the bottom
// up: a signature names its zone; the zone's keys are proved by its DS record; the
// DS record is signed by the zone above, and so on to an anchor. DS and DNSKEY are
// asked of the same handler below. Where there is no signature, it looks for the
// proof that there need not be one: a delegation that its parent signs as
// unsigned. An answer is as secure as its weakest part.
//
// What goes up is [resolver.Secure], [resolver.Insecure] or a
// [resolver.Failure] with the reason as an Extended DNS Error, 5 to 12. A secure
// answer holds nothing that was not proved, and no TTL that outlives a signature.
// With CD set nothing is tried and the answer stays [resolver.Unchecked].
//
// The files follow the course of a proof: validator.go is the stage, answer.go
// and alias.go walk the answer, validation.go tells one RRset's standing, zone.go
// and delegation.go find the zone, keys.go proves its keys, verify.go checks
// signatures, denial.go with nsec.go and nsec3.go what does not exist.
//
// # Decisions
//
// Everything that is learnt of a zone is kept as one finding (secure, insecure,
// inside another zone, broken) in one bounded memory: DNSKEY sets alone would
// leave the costly part, proofs of insecure delegations, to be done again. What is
// broken is kept for five seconds only.
//
// Only facts about data are remembered. Whatever one query could bring about by
// itself, a spent budget, a client that left, an error from below, is its own
// failure: else anybody could make a TLD bogus for all by asking greedily.
//
// The hint of which zone answered is used to choose what to ask first. It cannot
// change the outcome: the hinted zone is proved like any other, and a hint that
// does not fit the name is dropped.
//
// RSASHA512 is verified beside the four algorithms that are in use, because
// RFC 8624 demands it. Algorithms with SHA-1 (RFC 9905) and Ed448 count as
// unsupported, which makes a zone insecure and never bogus; a DS with a SHA-1
// digest is followed where the zone has no better one.
//
// No allowance is made for clocks that are wrong: an hour of grace, as some peers
// give, is an hour in which withdrawn data can be replayed.
//
// Signed records of a zone's parent side and its child side are told apart by who
// signed them: DS, and its denial, must be signed above the name. Then no record
// of the child can speak for the delegation, whatever its types say.
//
// The NSEC3 limit of 50 iterations turns a zone insecure and not bogus, as
// RFC 9276 prefers; it holds for proofs of delegations as well (CVE-2026-1519).
package dnssec
