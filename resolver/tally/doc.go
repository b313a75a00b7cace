// Package tally counts what the query path does, and keeps those who count apart: each worker
// adds in lines of the processor's cache that are its own, and a reader sums over all of them.
//
// # Decisions
//
// A counter that all cores add to is one line that travels between them: 50 to 100 ns a query
// where an addition to a line of one's own is five. So each [Set] has a row for each processor,
// padded to 128 octets, since processors fetch lines in pairs. Who adds says which worker it is,
// a number that its door was given once. Refused: the runtime's own idea of the processor, which it does
// not tell; plain numbers with one writer, for an atomic store costs what an atomic addition does.
//
// Two workers may have one row, as those that have no number do: an addition is atomic, so
// that only speed is lost. A sum over rows that change meanwhile is that of no one moment, and never
// goes back, which is all that who scrapes needs.
package tally
