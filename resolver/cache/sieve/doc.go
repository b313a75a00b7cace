// Package sieve decides what goes when there is no more room (SIEVE, Zhang et al.,
// NSDI 2024): a hand moves from old to new, passes over once what was asked for
// again, and gives up the first that nobody asked for.
//
// A type that wants to stand in a [Queue] embeds a [Place].
//
// # Decisions
//
// The queue is intrusive: the place is part of what is queued, so that a look-up
// touches one cache line and an insert allocates nothing more. A list of entries that
// hold values was refused, for it costs both.
//
// A hit writes one bit, and only when it changes. LRU was refused: it moves what was
// hit, under a lock, and a scan of random names empties it.
package sieve
