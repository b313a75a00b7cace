// Command work measures what a cold resolution costs: upstream queries a name and
// processor time per 1,000 names, for our resolver and four others in one run.
//
//	work --recourse FILE [--names 20000] [--rounds 3] [--only recourse,unbound] [--worlds plain]
//
// The world has three levels and is made anew at each start: a root, twenty
// top-level domains, and a zone of its own for each name, with its name server
// inside it and glue for that. It comes plain, and signed with ECDSA P-256 and
// NSEC, each zone with a key of its own. Every name is asked once, a fixed number
// of them at a time, of a resolver that has just started and knows the top-level
// domains only.
//
// The resolver is pinned to core 0; this program, which asks and also is the
// authority, is to be pinned to core 1 (`make bench-peers` does it, in a network
// namespace of its own). Processor time is what /proc says of the resolver's
// process; so neither the load nor the authority is in it.
//
// # Decisions
//
// Resolvers take turns within a round, and the table has the median of the rounds.
// On a shared machine the same work costs more or less from hour to hour; only
// ratios within one run mean something, hence the column that compares with Unbound.
//
// All that a resolver needs for the names asked is signed before it starts. What
// else a resolver asks for is signed on demand, and that is its authority's time,
// not its own.
//
// Queries are counted at the authority and not read from the resolvers' own
// statistics, which do not count the same things.
package main
