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
// [resolver.Failure] with the reason as an Extended DNS Error, 5 to 12 or 25. A secure
// answer holds nothing that was not proved, and no TTL that outlives a signature.
// With CD set nothing is tried and the answer stays [resolver.Unchecked].
//
// The files follow the course of a proof: validator.go is the stage, retry.go
// takes a second look, answer.go and alias.go walk the answer, validation.go tells one
// RRset's standing, zone.go and delegation.go find the zone, keys.go proves its keys,
// verify.go checks signatures with canonical.go, crypto.go and rsa.go, denial.go with
// nsec.go and nsec3.go what does not exist. Where trust begins and ends is in
// anchors.go and negative.go. [Validator.Run] follows the keys of the anchors as they roll
// (RFC 5011): run.go looks, follow.go has the states, following.go the file. Clock
// tells when the time itself cannot be believed.
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
// All algorithms that RFC 8624 and its successors want are verified. Those with
// SHA-1 are too, unless a policy key says otherwise (RFC 9905): calling them
// unsupported makes zones insecure that an attacker still cannot forge. A DS with a
// SHA-1 digest is followed where the zone has no better one.
//
// The budget for signatures counts what they cost: two for keys that take several
// times as long, and three times more where one does not hold. Honest zones have few
// that do not; KeyTrap and its kin have nothing else. Refused: a lower budget for all,
// which a chain of aliases over signed zones needs, and a bound on failures for each
// reply, which attacks compose.
//
// RSA is verified with math/big, from 512 to 4096 bits (RFC 5702), by building the
// one right encoding and comparing. Refused: rsa1024min, which would weaken TLS in
// the same process. The signed data is built here as well, once per RRset: a
// library that does both knows neither small keys nor Ed448.
//
// A signed name in a zone that is not known yet takes three verifications, and that
// is the floor: its DS, its DNSKEY and its own set, each once. Refused: to let the DS
// vouch for a DNSKEY set of one key, since RFC 4035, section 5.2, wants the set signed.
//
// P-256 keys that verify a lot, those of top-level domains, get a table of multiples
// (tables.go): 0.4 of the time for one of the three. Its group arithmetic is nistec,
// the library's own; what is ours is the sum over a table and ECDSA's few lines, held
// to crypto/ecdsa by tests and a fuzzer. Refused, for all other keys: arithmetic in
// Go, which is half as fast as the library's assembly and so gains nothing by being
// allowed to vary in time; and to halve the scalars, which saves as many doublings as
// it adds. Half of the time of a verification is the 255 doublings that remain.
//
// What failed is asked for anew with Fresh set, from the same budget: one bad server
// of a zone, or keys that rolled without overlap, must not break it. Broken keys and
// delegations are learnt anew under the answer at hand; an answer that does not hold
// under good keys is asked for again, and only then its keys. Refused: both at once,
// for each second look may meet the one bad server, and two must not have to be lucky.
// What was broken then too is not tried again for five seconds, and never replaces
// keys that were proved. Lookups that got no answer are not repeated: those below
// have done so.
//
// The response code is not signed. NXDOMAIN with a proof of NODATA by NSEC becomes
// NOERROR, for servers err so at empty non-terminals; by NSEC3, which has a record for
// each, it stays bogus, as NOERROR with a proof of NXDOMAIN does. NXNAME (RFC 9824)
// leaves the code NOERROR, since clients that validate share the answer with those
// that do not.
//
// A wildcard's answer without proof is bogus with code 6, or 10 where the proof has no
// signatures. Code 12, which one peer of three gives, is about data that was missing,
// and here none was (RFC 8914, section 4.13).
//
// An ANY question that gets no data at a name that has some is insecure, not bogus:
// RFC 8482 lets servers keep silent. A DNAME that came from a wildcard is bogus; what
// it stands for is not defined (RFC 4592, section 4.4).
//
// Anchors that are named in the configuration stay trusted beside those that were
// followed until the key is seen revoked, so that a key which is configured before
// its zone publishes it counts at once (RFC 7958). An anchor with no algorithm that
// is supported makes its zone insecure with a warning: it must not keep a server
// from starting.
//
// A clock is doubted only against the past: the build's time and the time saved
// last, both read at the start. A clock that jumps later is believed. While it is
// doubted everything but the time servers is withheld, for an old clock takes old
// signatures.
//
// No allowance is made for clocks that are wrong: an hour of grace, as some peers
// give, is an hour in which withdrawn data can be replayed.
//
// Signed records of a zone's parent side and its child side are told apart by who
// signed them: DS, and its denial, must be signed above the name. Then no record
// of the child can speak for the delegation, whatever its types say.
//
// A denial under opt-out is insecure, but one with the SOA of a secure zone comes from
// that zone, and what is wrong with it is bogus. Only without would it leave room for
// an unsigned zone that spoke.
//
// The NSEC3 limit of 50 iterations turns a zone insecure and not bogus, as
// RFC 9276 prefers; it holds for proofs of delegations as well (CVE-2026-1519).
package dnssec
