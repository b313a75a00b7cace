// Command lists generates blocklists and questions to measure the bundle with.
//
//	lists --dir DIR [--names 1000000] [--recourse BINARY --benchmarks BINARY]
//
// It writes twenty lists of as many names each, in the format domains, and three
// files of a million questions. With the two binaries it measures: the index by the benchmarks of
// blocklists/bundle, and all else by the server over sockets, with everything as it is by default, the safeguards
// among it. `make bench-lists` does so at 1M and 10M names and prints each figure beside its target.
//
// Names are made of syllables, words, numbers and top-level domains as real lists have
// them, with a mean of 20 octets; one in seven is a host below a name. A name is a
// function of its number, so that every run has the same.
//
// The reference mix is what a resolver is asked: ranks of a million popular names by
// Zipf's law with the exponent 1.05, of which one rank in twenty is listed, whichever it is. The
// uniform mix asks for listed names only, each as often as any other: the worst case for
// what is kept in memory. The absent mix has a host below a name that is in no list.
//
// # Decisions
//
// What is asked while lists are reloaded is asked as long without a reload in the same run, since the difference
// says what a reload costs and the figure alone says what else the machine does. Of processor time the
// sides take turns, batch by batch, and the middle of the ratios counts.
//
// Measured in November 2026 on two cores of an Intel Xeon that others used too (load 10 to 19), 10M names in
// 20 lists; processor time where the clock says more about the others:
//
//	                                              measured        target
//	resident octets an entry, reference mix           3.2         12, aim 8
//	resident octets an entry, uniform mix             3.2         20 (one octet more where entries came at several times)
//	server with the lists over one without            3.0         12; 57 MB in all
//	octets an entry on the disk                      18.5         30
//	lookup, absent, every label                      0.35 µs      0.5 µs (0.22 µs of processor)
//	lookup, present, uniform                         4.3 µs       3 µs: missed here (2.7 µs of processor)
//	compile 1M from text                             1.1 to 3.3 s 0.5 s: missed (0.6 s of processor)
//	compile 1M by the child, with safeguards         1.2 to 4.0 s 0.5 s: missed (0.9 s of processor)
//	compile 10M from text                            6.8 s        8 s, peak 540 MiB
//	compile 10M by the child, with safeguards        25 s         8 s: missed (9.7 s of processor, at idle priority)
//	start with a bundle of 10M, until ready          0.081 s      0.1 s (on one core)
//	reload of 10M at 1,000 q/s on the same core      none of 25,796 lost; slowest 156 ms, and 358 ms without
//	                                                 a reload, so the target of 10 ms was not to be seen here
//	reload of 100,000, on a calmer machine           slowest 5.0 ms, and 2.7 ms without a reload
//	one name lifted by a decision                    34 ms        100 ms
//	one name laid on top of 10M (With)               0.6 ms       100 ms; no command does it yet
//	one name added to a list's file of 500k          1.9 s        of it 0.5 s for the file to rest
//	cached name, 20 lists over none                  -0.9 %       5 % (3.0 µs and 3.1 µs)
//	blocked name over a cached one                   +20 %        0: missed (3.8 µs; 463 % before questions were remembered)
//
// The benchmarks of the index are in blocklists/bundle, because this module imports nothing of ours.
package main
