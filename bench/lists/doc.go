// Command lists generates blocklists and questions to measure the bundle with.
//
//	lists --dir DIR [--names 1000000]
//
// It writes twenty lists of as many names each, in the format domains, and three
// files of a million questions. `make bench-lists` compiles the lists and asks the
// questions, at 1M and 10M names, and prints what that cost beside the targets.
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
// Measured on two cores of an Intel Xeon that others used too (load 4 to 5), 10M names in
// 20 lists; processor time where the clock says more about the others:
//
//	                                              measured        target
//	resident octets an entry, reference mix           3.3         12, aim 8
//	resident octets an entry, uniform mix             3.2         20
//	octets an entry on the disk                      18.5         30
//	lookup, absent, every label                      0.21 µs      0.5 µs
//	lookup, present, uniform                         3.0 µs       3 µs (2.7 µs of processor)
//	compile 1M from text                             0.75 s       0.5 s: missed (0.88 s of processor)
//	compile 10M from text                            7.1 s        8 s, peak 590 MiB
//	start with a bundle of 10M                       0.055 s      0.1 s
//	one name added to 10M (With)                     0.4 ms       100 ms
//	one list of 500k read anew among 10M             1.1 s        only what changed
//	resident memory of a server with 10M entries     52 MB in all after the start, 80 MB after a reload
//	reload of 10M at 1,000 q/s on the same core      none of 30,000 lost; slowest 272 ms, and 128 ms without
//	                                                 a reload, so the target of 10 ms was not to be seen here
//
// The benchmarks are in blocklists/bundle, because this module imports nothing of ours.
package main
