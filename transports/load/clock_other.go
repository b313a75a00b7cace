//go:build !linux

package load

import "time"

// clock wakes at a steady rate, as exactly as the runtime does.
type clock struct{ ticker *time.Ticker }

func newClock(every time.Duration) (*clock, error) { return &clock{time.NewTicker(every)}, nil }

// wait returns when the next time has come, or has passed already.
func (c *clock) wait() error {
	<-c.ticker.C
	return nil
}

// Close ends the clock.
func (c *clock) Close() error {
	c.ticker.Stop()
	return nil
}
