package main

import (
	"context"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/passing"
	"github.com/recourse-dns/recourse/redress/portal"
	public "github.com/recourse-dns/recourse/redress/report"
)

// countInterval is how often what the query path counted is written down, by day.
const countInterval = time.Minute

// dayCounter writes down how much lists withheld a day. The query path adds to counters of its own,
// a row for each worker; here they are summed.
type dayCounter struct {
	node     *node
	database *store.DB
	name     string // of this node
	counts   *metrics

	last    map[string]int64               // totals as they were
	pending map[time.Time]map[string]int64 // not written down yet
}

// startCounting publishes heads, and counts: the log for the report, and by day what lists withhold. A server
// with a desk does; a node without one has nowhere to write to, and a command ends too soon.
func (n *node) startCounting(ctx context.Context, counts *metrics) {
	if n.audit.books == nil {
		return
	}
	n.alone(func(ctx context.Context) {
		for begun := n.audit.begun; begun != nil && ctx.Err() == nil; begun = n.audit.publisher.Begin(ctx) { // no head before its key
			pause(ctx, keepUpRetry)
		}
		n.audit.publisher.Run(ctx)
	})
	n.alone(func(ctx context.Context) { n.audit.books.Run(ctx, bookInterval) })
	counter := &dayCounter{node: n, database: n.audit.database, name: n.config.nodeName(), counts: counts, last: map[string]int64{}, pending: map[time.Time]map[string]int64{}}
	n.background(ctx, counter.run)
}

func (c *dayCounter) run(ctx context.Context) {
	ticker := time.NewTicker(countInterval)
	defer ticker.Stop()
	for {
		if err := c.publish(ctx, time.Now()); err != nil && ctx.Err() == nil {
			c.node.logger.Error("counts of a day are not in the log yet", "error", err)
		}
		select {
		case <-ctx.Done():
			last, end := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
			defer end()
			if err := c.write(last, time.Now()); err != nil {
				c.node.logger.Warn("what was counted in the last minute is lost", "error", err)
			}
			return
		case now := <-ticker.C:
			if err := c.write(ctx, now); err != nil && ctx.Err() == nil {
				c.node.logger.Error("counts wait in memory until the database can be reached", "error", err)
			}
		}
	}
}

// write adds what was counted since to the day.
func (c *dayCounter) write(ctx context.Context, now time.Time) error {
	c.take(now.UTC().Truncate(24 * time.Hour))
	if len(c.pending) == 0 {
		return nil
	}
	err := c.database.Tx(ctx, func(tx *store.Tx) error {
		for day, counts := range c.pending {
			if err := public.AddBlocked(ctx, tx, c.name, day, counts); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		clear(c.pending)
	}
	return err
}

// take reads the counters. Of secret lists nothing is taken.
func (c *dayCounter) take(day time.Time) {
	totals := c.counts.blocks.totals()
	for list := range totals {
		if !c.mayCount(blocklists.ListID(list)) {
			delete(totals, list)
		}
	}
	totals[public.AllAnswers], totals[public.PassesUsed] = c.counts.queries.total(), c.node.passes.used.Load()
	for list, total := range totals {
		if added := total - c.last[list]; added > 0 {
			if c.pending[day] == nil {
				c.pending[day] = map[string]int64{}
			}
			c.pending[day][list] += added
		}
		c.last[list] = total
	}
}

// mayCount says whether the blocks of a list may be counted by day: those of lists that are not secret, and
// of what profiles ask for by themselves, all of them together.
func (c *dayCounter) mayCount(list blocklists.ListID) bool {
	switch list {
	case policy.OwnList, policy.ServiceList, policy.SearchList, policy.OfflineList:
		return true
	}
	manifest := c.node.catalog().List(list)
	return manifest != nil && manifest.Disclosure != blocklists.Secret
}

// publish appends the events of days.
func (c *dayCounter) publish(ctx context.Context, now time.Time) error {
	shown := func(list string) bool {
		manifest := c.node.catalog().List(blocklists.ListID(list))
		return manifest != nil && manifest.Disclosure != blocklists.Secret
	}
	if err := public.PublishBlocked(ctx, c.database, c.node.config.Report, now, shown); err != nil {
		return err
	}
	return public.PublishLists(ctx, c.database, now, func() []audit.ListCount {
		snapshot := c.node.importer.current.Load()
		return standOf(snapshot.Bundle, snapshot.Guard.Ledger(), now)
	})
}

// standOf is how the lists of a bundle stand that are not secret.
func standOf(in *bundle.Bundle, ledger *guard.Ledger, now time.Time) []audit.ListCount {
	lists := in.Lists()
	counts := make([]audit.ListCount, len(lists))
	for _, group := range in.Groups() {
		count := &counts[group.List]
		if group.Standing == blocklists.Held {
			count.Held += group.Count
			continue
		}
		count.Active += group.Count
		days := max(1, (now.Unix()-int64(group.Seen))/86400)
		count.Ages[min(bits.Len64(uint64(days-1)), len(count.Ages)-1)] += group.Count
	}
	reviews := guard.Reviews(in, ledger, now)
	var shown []audit.ListCount
	for i := range lists {
		manifest := lists[i].Manifest
		if lists[i].Kind != bundle.Feed || manifest == nil || manifest.Disclosure == blocklists.Secret {
			continue
		}
		count := &counts[i]
		count.List, count.Purpose, count.Category, count.Scope = string(manifest.ID), manifest.Purpose.String(), manifest.Category, manifest.Scope.String()
		count.Review, count.Detected = reviews[i].Overdue, string(policy.DetectionOf(manifest))
		if manifest.Expires.IsZero() && manifest.ReviewEvery == 0 {
			count.NoEnd = count.Active
		}
		if !manifest.Expires.IsZero() && !now.Before(manifest.Expires) {
			count.Expired, count.Active = count.Active, 0
		}
		shown = append(shown, *count)
	}
	return shown
}

// countedPasses counts those that were given.
type countedPasses struct {
	portal.Passes
	used *atomic.Int64
}

// Redeem implements [portal.Passes].
func (c countedPasses) Redeem(ctx context.Context, label string, from netip.Addr) passing.Result {
	result := c.Passes.Redeem(ctx, label, from)
	if result.Outcome == passing.Granted {
		c.used.Add(1)
	}
	return result
}
