package dnssec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Clock knows a time that is surely past, and so when the machine's clock is not
// to be believed: a machine without a battery starts in 1970, where no signature
// is valid yet, and cannot look up the servers that would set its clock. It may be
// used by any number of goroutines.
type Clock struct {
	path  string
	floor time.Time
}

// keepClock is how often the time is written down.
const keepClock = time.Hour

// OpenClock reads the time that was written down last; the built time, when the
// program was made, holds where there is none or where it is later. What is wrong
// with the file is said and does no harm.
func OpenClock(path string, built time.Time, logger *slog.Logger) *Clock {
	clock := &Clock{path: path, floor: built}
	saved, err := readClock(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		logger.Warn("the saved time is not used", "file", path, "error", err)
	case saved.After(built):
		clock.floor = saved
	}
	return clock
}

func readClock(path string) (time.Time, error) {
	const longest = 64
	data, err := readAll(path, longest)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, strings.TrimSpace(string(data)))
}

// Believed says whether the time can be true. The moment from which on it must be
// is fixed at the start: a clock that jumps while running is believed.
func (c *Clock) Believed(now time.Time) bool { return !now.Before(c.floor) }

// Run writes the time down every hour and at the end, where it can be believed.
func (c *Clock) Run(ctx context.Context, logger *slog.Logger) {
	ticks := time.NewTicker(keepClock)
	defer ticks.Stop()
	for {
		if err := c.save(time.Now()); err != nil {
			logger.Warn("the time was not saved", "error", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Clock) save(now time.Time) error {
	if !c.Believed(now) {
		return nil
	}
	if err := replaceFile(c.path, []byte(now.UTC().Format(time.RFC3339)+"\n")); err != nil {
		return fmt.Errorf("clock %q: %w", c.path, err)
	}
	return nil
}

// doubt is what is done while the clock cannot be believed. The zero value never doubts.
type doubt struct {
	clock *Clock
	names []wire.Name
}

func (d doubt) about(now time.Time) bool { return d.clock != nil && !d.clock.Believed(now) }

// answer lets the names of time servers through, unproved, and nothing else: an old
// clock would take old signatures.
func (d doubt) answer(query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	if slices.Contains(d.names, query.Question.Name) {
		unproved := marked(answer, resolver.Insecure)
		unproved.TTL = min(unproved.TTL, keepDoubted)
		return unproved, nil
	}
	return nil, resolver.Fail(resolver.NotReady, "the clock shows a time that is past; nothing can be validated until it is set")
}

// keepDoubted bounds how long an unproved answer is kept, so that it is proved soon
// after the clock is set.
const keepDoubted = time.Minute
