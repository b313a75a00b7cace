// Package denials remembers what signed zones proved not to exist, and which data their
// wildcards gave, and answers further questions with that instead of asking again.
//
// [Store.Learn] takes the NSEC and NSEC3 records out of answers that validated;
// [Store.Answer] puts them together for another question: NXDOMAIN or NODATA,
// with the same records and signatures, so that a client that validates can check
// the answer as if it had come from the zone (RFC 8198, "aggressive use"). A name
// that was proved absent stands for all names below it (RFC 8020).
//
// Where a wildcard stood in, its records answer for any other name of a gap, with the
// record of the gap as the proof that nothing stands nearer (RFC 8198, section 5.3).
//
// Everything is kept by signer. A record speaks for the zone that signed it and for
// no other, and each zone has a bound of its own: no zone can push another's
// proofs out.
//
// zone.go holds one zone's records in canonical order, nsec.go and nsec3.go read
// proofs from them, wildcard.go data, learn.go takes them in, answer.go makes the
// reply, store.go and the package sieve decide what goes when there is no more room.
//
// # Decisions
//
// Only what came up as [resolver.Secure] is learnt. A secure answer holds nothing
// that was not proved, so this package verifies no signature; it checks again that
// owner and next name lie in the signer's zone (the lesson of CVE-2026-13321), and
// that no wildcard made the record.
//
// An opt-out span proves nothing here (RFC 8198, section 5.2): unsigned names may
// stand in it. Nor does a record at a delegation or a DNAME say anything of names
// below it (RFC 6840, section 4.1).
//
// A proof lives as long as its records, the SOA record and the SOA's MINIMUM allow,
// whichever ends first (RFC 9077, section 3). Without a SOA record of the same zone
// nothing is denied. A wildcard's answer brings none and needs none; once the zone's is
// known its MINIMUM bounds the proofs of wildcards, too.
//
// The nearest known zone above a name alone is asked. The zone above it could only
// say that there is a delegation, which is no answer.
//
// Zones that sign minimal lies (RFC 4470, RFC 9824) send a record that fits one
// name. Such a record is of no use for another, so it is not kept.
//
// NSEC3 is used while its hashing stays cheap: [maxHashes] for one question. PowerDNS
// draws the line at the same cost. Beyond that it is better to ask.
//
// RFC 8020 is followed for secure answers only, as Unbound, PowerDNS and Knot do:
// old servers say NXDOMAIN for empty non-terminals, and signed zones cannot.
//
// A denial goes before a wildcard's data where both can be had: they contradict each
// other, and the data would have been asked for only where the denial was not known.
//
// A wildcard's alias answers questions for CNAME alone. To go on from its end would need
// a wait, which this package never does, or a kept alias with a proof for each name,
// which is what it would save.
package denials
