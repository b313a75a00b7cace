// Package volume fills a database with as much as a large provider's desk has after years, for
// benchmarks: a million cases and twenty million events, whose chain of hashes holds.
//
//	go test -run '^$' -bench Volume -timeout 2h ./redress/store/volume
//
// fills one of a hundredth of that, unless RECOURSE_CASES says how many; RECOURSE_POSTGRES names
// a server in place of the one that the benchmark starts, and RECOURSE_VOLUME a folder in which
// the SQLite file stays for the next run.
package volume
