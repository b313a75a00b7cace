// Package kit reads the verdict kit, a folder of plain text files with lists, clients and
// the answers that they must get, and says what is wrong with an answer. Any resolver can be
// held to it: the files say what is asked and what is wanted, and nothing of who is asked.
//
// Policy knows no sockets and so does this: who sends the questions is `recourse kit`.
// The folder is policy/testdata/kit; its README is for people who have another resolver.
//
// # Decisions
//
// There are levels, since a resolver without purposes can still be held to RCODE and
// records, one with Extended DNS Errors also to these, and only one with structured errors
// to all. A case names what a resolver must be able to do for it, so that a lack is a case
// left out and not a failure; what is left out is counted and said.
//
// A case looks at the records of the asked type, RCODE, Extended DNS Error and flags, not at
// wording, TTLs of what passes, nor at what stands in the authority section beyond the SOA
// record: two lawful resolvers may differ there.
//
// Columns in plain text rather than JSON or YAML: a lawyer can read a line, and a shell
// script can run it.
package kit
