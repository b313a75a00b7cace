// Package guard stops what a list brings before it can do harm, and says what an import
// would change before it does.
//
// A [Guard] judges each entry by itself ([Guard.Inspect]: protected names, public
// suffixes, popular names, networks) and each list as a whole ([Guard.Weigh]: growth,
// shrinking, header, serial). What it stops is held until people release it, which the
// [Ledger] knows. [Compare] holds the bundle of an import against the bundle in force and
// gives a [Plan]; [Alarms] are what somebody has to be told.
//
// A stage is halted on a spike: when in one minute the staged entries of a list block
// more than its halt_above, and more than three times what the list blocked in its busiest
// minute before, both reckoned up from the share to all clients. package policy counts it.
//
// # Decisions
//
// Entries are compared by list, name and scope, and not by line: a list that was only
// sorted anew changes nothing. Whether a removed name stays blocked by another entry, or an
// added one was blocked before, is counted apart. A plan that said *unblocks* of a
// name that another list still blocks would mislead the person who reads it.
//
// A safeguard of entries depends on the entry alone and on files, never on what was in force:
// the same list gives the same holds on every node and after every restart. The one exception
// is law: an order that is in force is lifted by people only. Refused: letting known
// entries pass, which would make yesterday's mistake today's excuse.
//
// A protected name is protected with what lies below it, up to a public suffix. Where other
// owners begin, a hosting service's own name must not shield the phishing of its tenants.
//
// The ledger has the first 10,000 held entries of a list, since more is no work for people but
// a wrong file. The others are held by the bundle alone, and a person who names one finds it.
//
// Popular names hold security alone. What a household wants filtered is popular by its nature,
// and an order names what it names.
//
// The library of the public suffix list is asked for a label below the name, so that one
// question finds a suffix and a wildcard rule. It has no way to list its rules, so the 400
// names above suffixes are in a file, which a test makes of the library's own tables and
// compares with them. Refused: a second library with a list of its own, of another day.
//
// Growth holds all that is new, and not what is beyond the limit: nobody can say which part
// of a wrong file is right. A list that shrank stays as it was, whole, for the same reason.
// It lapses by itself for security after an hour, because a block too long is the harm there,
// once the source is known to mean it. A file that lies there since a job broke off says nothing
// by being read again.
//
// A release is of list and subject, and not of the safeguard: the person has seen the name.
// What was released of a list's growth is its size, so that it cannot grow on without limit.
//
// Licences are files of names beside the lists and change no verdict. An allow list that
// silently lifted blocks would be a fourth purpose.
//
// Samples are bounded, but for what is held, and the first in order of the alphabet, so that the same two bundles give
// the same plan. The counts are of everything.
package guard
