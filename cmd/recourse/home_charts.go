package main

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/household/pages"
)

// homeCharts counts for a home what its filters withheld, by category and week, while somebody wants
// that. It adds up what is counted anyway, by list and for all clients together: it knows no device and no name.
type homeCharts struct {
	database *store.DB
	sums     func() map[string]int64 // by category, since the start
	logger   *slog.Logger

	on, known atomic.Bool
	mu        sync.Mutex
	last      map[string]int64 // of what is in the database already
}

const (
	chartsSetting = "charts"
	// chartWeeks is how many weeks are kept and shown.
	chartWeeks = 12
	// chartEvery is how often counts are written down.
	chartEvery = 15 * time.Minute
)

func newHomeCharts(database *store.DB, sums func() map[string]int64, logger *slog.Logger) *homeCharts {
	return &homeCharts{database: database, sums: sums, logger: logger, last: sums()}
}

// recall reads, until that has worked once, whether somebody wanted counts when the last start
// ended. Before that none are shown or written down.
func (c *homeCharts) recall(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.Load() {
		return nil
	}
	value, err := c.database.Setting(ctx, chartsSetting)
	if err == nil {
		c.on.Store(value == "on")
		c.known.Store(true)
	}
	return err
}

// On implements [pages.Charts].
func (c *homeCharts) On() bool { return c.on.Load() }

// Switch implements [pages.Charts]. Switched off, what was counted is gone.
func (c *homeCharts) Switch(ctx context.Context, by string, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, value := time.Now(), "off"
	if on {
		value = "on"
	}
	err := c.database.Tx(ctx, func(tx *store.Tx) error {
		if !on {
			if err := tx.ForgetCounts(ctx, now.AddDate(1, 0, 0)); err != nil {
				return err
			}
		}
		return tx.Set(ctx, chartsSetting, value, by, now)
	})
	if err == nil {
		c.last = c.sums()
		c.on.Store(on)
		c.known.Store(true)
	}
	return err
}

// monday is when the week of a time began.
func monday(at time.Time) time.Time {
	year, month, day := at.UTC().Date()
	return time.Date(year, month, day-(int(at.UTC().Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
}

// write adds what was counted since the last time to this week.
func (c *homeCharts) write(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on.Load() {
		return nil
	}
	now, sums := time.Now(), c.sums()
	more := make(map[string]int64)
	for category, sum := range sums {
		if added := sum - c.last[category]; added > 0 {
			more[category] = added
		}
	}
	err := c.database.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.ForgetCounts(ctx, monday(now).AddDate(0, 0, -7*chartWeeks)); err != nil {
			return err
		}
		return tx.AddCounts(ctx, monday(now), more)
	})
	if err == nil {
		c.last = sums
	}
	return err
}

// Run writes counts down, until the context ends and then once more.
func (c *homeCharts) Run(ctx context.Context) {
	for ctx.Err() == nil && c.recall(ctx) != nil {
		pause(ctx, settleInterval) // that the database is away is said already
	}
	ticker := time.NewTicker(chartEvery)
	defer ticker.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		if err := c.write(context.WithoutCancel(ctx)); err != nil {
			c.logger.Error("what the charts of the home count is not written down yet", "error", err)
		}
	}
}

// Weeks implements [pages.Charts]. What is not written down yet is among it.
func (c *homeCharts) Weeks(ctx context.Context) ([]pages.Week, error) {
	if err := c.write(ctx); err != nil {
		return nil, err
	}
	first := monday(time.Now()).AddDate(0, 0, -7*(chartWeeks-1))
	counts, err := c.database.Counts(ctx, first)
	if err != nil {
		return nil, err
	}
	weeks := make([]pages.Week, chartWeeks)
	for i := range weeks {
		weeks[i] = pages.Week{Start: first.AddDate(0, 0, 7*i), Counts: make(map[string]int)}
	}
	for _, one := range counts {
		if at := int(one.Week.Sub(first) / (7 * 24 * time.Hour)); at >= 0 && at < chartWeeks {
			weeks[at].Counts[one.Category] = int(one.Count)
		}
	}
	return weeks, nil
}

// withheldByCategory sums up, since the start, what was withheld because a home asked for it.
func (n *node) withheldByCategory(counts policy.Counter) map[string]int64 {
	sums := make(map[string]int64)
	add := func(list blocklists.ListID, category string) {
		counter := counts.Blocked(list, blocklists.User)
		sums[category] += counter.Load()
	}
	for _, manifest := range n.profiles.rules().offered {
		if manifest.Purpose == blocklists.User {
			add(manifest.ID, manifest.Category)
		}
	}
	for _, own := range []blocklists.ListID{policy.ServiceList, policy.SearchList, policy.OfflineList, policy.OwnList} {
		add(own, string(own))
	}
	return maps.Clone(sums)
}
