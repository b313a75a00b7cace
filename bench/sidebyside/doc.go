// Command sidebyside asks our resolver and four others the same questions about
// the same miniature Internet (`recourse lab`) and tells where they differ.
//
//	sidebyside --recourse FILE [--questions 20000] [--details FILE]
//
// Each question goes out with DO and AD set. Two answers are alike if RCODE, AD
// and the data of the answer section are: owner, type and rdata of each record,
// without order, TTL and signatures. A question on which somebody differs from us
// is asked of all again, alone, so that a time-out under load does not count.
//
// expected.txt lists the differences that are understood; docs/differences.md
// explains each under the same name. Any other difference is printed and ends the
// program with status 1. It is to run in a network namespace of its own
// (sidebyside.sh makes one): the servers of the miniature Internet take port 53.
//
// # Decisions
//
// Only ours is compared with the others, each with each other is not: four
// programs disagree among themselves a lot, and the question here is whether we
// are where nobody else is. The table shows who sides with whom all the same.
//
// Expectations name outcomes and not records. An expectation that repeats records
// breaks whenever the miniature Internet grows; one that says "NXDOMAIN with AD
// against NXDOMAIN without, from that resolver, for these names" does not.
//
// The first answer counts where it is a wrong one: if ours first gave data or AD
// and then other data or AD, that is listed too. Only a SERVFAIL or a silence that
// goes away is taken for load.
package main
