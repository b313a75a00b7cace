package transportstest

import (
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// Counts keeps what an observer is told. The zero value is ready.
type Counts struct {
	by [16][16]atomic.Int64 // by door and outcome
}

// Answered is told of queries that have come to their end.
func (c *Counts) Answered(_ uint32, door resolver.Door, outcome transports.Outcome, queries int, _ time.Duration) {
	c.by[door][outcome].Add(int64(queries))
}

// At is how many ended so at one door.
func (c *Counts) At(door resolver.Door, outcome transports.Outcome) int64 {
	return c.by[door][outcome].Load()
}

// Of is how many ended so at all doors.
func (c *Counts) Of(outcome transports.Outcome) int64 {
	total := int64(0)
	for door := range c.by {
		total += c.by[door][outcome].Load()
	}
	return total
}

// All is how many have ended, in whatever way.
func (c *Counts) All() int64 {
	total := int64(0)
	for outcome := range c.by[0] {
		total += c.Of(transports.Outcome(outcome))
	}
	return total
}
