// Package turns lets long work take turns with answers that somebody waits for, in one
// process and on as little as one processor.
//
// # Decisions
//
// The unit of rest is the time that the work took, so that all such work together has half of
// a processor at the most. Refused: runtime.Gosched, after which the scheduler runs the same
// goroutine again before it looks for packets; a lower priority, which Go gives to no thread.
package turns
