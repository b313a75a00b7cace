// Package bundle is the compiled, immutable index of all lists of one generation.
//
// [Compile] reads every list of a catalog through its store, adds the names that are no
// list's (profiles, operator exceptions), and gives one [Bundle]. [Bundle.Match]
// gives the ids of all entries that cover a name; an id and a generation together mean an
// entry, and [Bundle.Entry] gives a copy of it with its provenance. Who is asking, what is in
// force where, and which match wins are policy's business: a bundle knows names only.
//
// Names lie one after another in one arena, in wire form, each once. A hash table
// of slots (fingerprint and owner) finds them, and a hit is confirmed by the whole
// name. Entries stand in the order of their owners, so an owner's entries are a range
// of ids. A match tries the name and each parent, longest first: as many probes as the
// name has labels, however many lists there are.
//
// # Decisions
//
// One index for all lists, and not one a list: the common answer is *no*, and it
// should cost the same with twenty lists as with one. Profile and operator names are in it
// too, so that *no ids* means that there is nothing to judge for anybody.
//
// An open table over an arena, and not a Go map: a map of strings costs more than
// a hundred octets an entry and makes the collector walk it. Here it is about sixty with provenance, without a
// pointer in it. An automaton would be smaller; it comes with the mapped file, behind this API.
//
// The seed of the hash is drawn anew for each bundle. Who writes a list chooses its names, and
// must not be able to choose names that collide.
//
// Only ids leave the package, and copies. What memory an index lies in can then change
// without a caller that holds on to a part of it.
//
// A list that cannot be had is left out with a report, and the others load. One list's
// publisher must not be able to lift another's blocks. If the bundle before still
// has the list, its entries are carried over: that is the last good copy where the disk has none.
//
// Safeguards of whole lists are asked when all is merged, since only then it is known how
// much a list grew or lost. Where they change what was written it is written once more, with
// the runs that are still in memory: that is rare, and cheaper than to count beforehand each time.
package bundle
