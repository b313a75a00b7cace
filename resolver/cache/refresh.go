package cache

import (
	"context"

	"github.com/recourse-dns/recourse/resolver"
)

// nudges is how many inline passes may be sent on to be judged before a refresh. If
// none of them starts one, the answer is given until its TTL ends and then missed.
const nudges = 8

// prefetch refreshes what is asked for near its end. An inline pass starts nothing:
// policy may yet block the question, and what is blocked must not leave the machine;
// true then says that the query shall come again when it may wait.
func (f *flights) prefetch(query *resolver.Query, kept *node) bool {
	if f == nil || kept.refreshing.Load() || kept.postponed(query.Now.UnixNano()) != nil {
		return false
	}
	if query.Inline {
		return kept.nudged.Add(1) <= nudges
	}
	if f.refresh(kept, true) {
		f.stats.Prefetches.Add(query.Worker, 1)
	}
	return false
}

// settled says whether an answer past its TTL can be given now, with nobody waiting:
// a refresh has failed lately, or one is under way and clients need not wait for it.
// A pass that may wait starts it; an inline one starts nothing, for the reason above.
func (f *flights) settled(query *resolver.Query, kept *node) bool {
	if f == nil || !query.RecursionDesired() {
		return false
	}
	if kept.postponed(query.Now.UnixNano()) != nil {
		return true
	}
	if f.config.Stale.After > 0 {
		return false
	}
	if kept.refreshing.Load() {
		return true
	}
	if query.Inline {
		return false
	}
	if f.refresh(kept, false) {
		f.stats.Refreshes.Add(query.Worker, 1)
	}
	return true
}

// refresh resolves a kept question anew in the background, once at a time.
func (f *flights) refresh(kept *node, anew bool) bool {
	if !kept.refreshing.CompareAndSwap(false, true) {
		return false
	}
	started := f.background.start(func(ctx context.Context) {
		defer kept.refreshing.Store(false)
		f.lead(ctx, question(kept.key), anew)
	})
	if !started {
		kept.refreshing.Store(false)
	}
	return started
}

// lead flies, unless a flight is under way.
func (f *flights) lead(ctx context.Context, query *resolver.Query, anew bool) {
	f.flightsMu.Lock()
	if f.flights[keyOf(query)] != nil {
		f.flightsMu.Unlock()
		return
	}
	own := f.board(keyOf(query))
	f.flightsMu.Unlock()
	f.fly(ctx, query, own, anew)
}
