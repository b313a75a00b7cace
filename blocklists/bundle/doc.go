// Package bundle is the compiled, immutable index of all lists of one generation.
//
// [Folder.Write] reads every list of a catalog through its store, adds the names that are no
// list's (profiles, operator exceptions), and writes one file; [Folder.Open] opens it. [Compile]
// does the same in memory. [Bundle.Match] gives the ids of all entries that cover a name,
// [Bundle.MatchAddress] those whose prefix has an address, [Bundle.MatchServer] those of name servers; an id
// and a generation together mean an entry. [Bundle.Terms] and [Bundle.ListIndex] say what decides about it and
// cost an access to memory, [Bundle.Entry] gives a copy of all of it. [Bundle.Below] gives what lies below a name. Who is asking, what is in force where, and
// which match wins are policy's business: a bundle knows names and prefixes only.
//
// A file has the names in the order of their labels from the top, front-coded in blocks of
// one page: a name and its parents lie together, and prefixes are keys like names. Beside them lie columns by
// id: kind (list, scope, action, standing, dates), line, first seen. A filter of twelve bits a name and the least key of
// each block are held in memory. A lookup hashes the labels from the top down and asks the filter for each;
// what that does not call absent is looked up by the whole name. A false positive of the filter costs a
// microsecond and decides nothing.
//
// A compile is external: rows are gathered by the half million, sorted by counting, and packed into runs of
// fourteen octets a row; the runs are merged with the bundle before, from which come the times
// of first seeing and the lists that need not be read, into a writer that streams on another core. A [Job] has it done
// by another process. A file may lie on others: then it has the lists that changed, and hides these lists
// in the files below ([Folder.Write] decides, and starts anew when what lies above
// has a quarter of the entries). [Bundle.With] and [Bundle.Lay] lay entries on top in memory, [Delta] and [Folder.Apply] carry a
// generation to another node, [Folder.WriteCodes] keeps public codes beside the files.
//
// # Decisions
//
// One index for all lists, and not one a list: the common answer is *no*, and it
// should cost the same with twenty lists as with one. Profile and operator names are in it
// too, so that *no ids* means that there is nothing to judge for anybody.
//
// Measured, 10M names of 20 octets in 20 lists, two busy cores of a Xeon, every label looked up:
//
//	                                              octets an entry   absent    present
//	vellum over reversed labels, names alone          14.0         1.5 µs    1.9 µs
//	blocks without the filter, read                    1.1         24 µs     8.8 µs (while others worked)
//	filter in memory, blocks mapped                   15.4         0.31 µs   2.6 µs
//	filter in memory, blocks read                      3.2         0.21 µs   2.7 µs
//
// The last is what there is. The automaton takes 25 s to build, on one core and after sorting, all of it is touched by any
// mix, and the entries of a name need a second structure beside it. A static function was not built: it would spare the search for the block, which is not
// what a confirmation costs, and it needs all names at once to be built.
//
// Names are read (pread), and not mapped, although a mapping spares a call to the system: the kernel maps sixteen pages
// around each fault, so that soon all of it is resident (15.4 octets an entry in any mix, and twelve are
// allowed); a page that is missing stops a thread that the scheduler thinks is running; and a file that
// somebody cuts short, or a disk that fails, is a signal and no error. Pages
// asked for twice in a row stay in memory, 512 a file, so that popular blocked names need no call. What a
// lookup needs always lies in anonymous memory, in large pages where there are some, and is populated by
// being read: 26 MB at 10M, checked on two cores on the way; opening takes 55 ms. When an entry was
// first seen decides too, since reviews count from it, and lies there with it: nothing where all came at once,
// one octet an entry for up to 255 times, two for more.
//
// What works in the process that answers goes in turns with it ([Folder.InTurns], [Bundle.Groups]): a third of a
// millisecond, and then as long asleep. Stepping back was not enough. On one processor Go's scheduler looks for
// packets only where nothing else is to be run, or every ten milliseconds.
//
// Every page has a CRC32C, checked whenever it is read and not only the first time: that costs a tenth of the
// read. A page that is wrong is an error of what was asked, and is told once to [Folder.Tell]; the
// caller refuses the question and goes back to the generation before. Nothing that could not be
// read ever means that nothing matches. Files are opened once, never written again by
// this program, and closed when the collector finds that nobody can read them any more.
//
// The seed of the hash is drawn anew for each compile. Who writes a list chooses its names, and
// must not be able to choose names that collide. Layers share it, so that a name is hashed once.
//
// What lies below a name is walked through, since the order of the names has it together, and nothing is kept for
// it: who asks is a person with a case. The walk is bounded by owners, wanted or not, so that a name above
// millions of others costs no more, and the caller says what counts before anything is counted. A count
// kept for each name was refused: every import would make it anew for nobody.
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
//
// First-seen is joined from the bundle before while merging, by name, scope, action and dates. A table
// beside the lists with a hash a name, as there was, took longer than all the rest. Where the
// bundle before is lost names count as new, which is wrong in the harmless direction.
//
// Rows that say the same are one entry, the first line's, but rows of local data are joined. Rows with
// different dates or actions are different entries: a name may be listed twice for two terms.
//
// A delta is exact, lines among it, and is proved by a digest of all entries before and after. A feed
// that inserts a line at its top moves all others, and is in the delta whole; guessing at lines was refused.
//
// Codes of entries are 32 bits and an id, and are only candidates: the code is made anew with the key and
// compared. A table in memory took 160 MB at 10M; this takes nothing but the disk.
package bundle
