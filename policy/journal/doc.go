// Package journal remembers the last changes of something in memory, for whoever follows it: the
// nodes of a fleet, which had it whole once and need no more than what is new.
//
// # Decisions
//
// It is bounded by number. Who was away for too long has the whole once more. Nothing
// of it is on a disk: what it follows is, sealed, and a second copy of personal data is one too many.
package journal
