package fetch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Refresher asks the sources of lists again, each when it is due.
type Refresher struct {
	store    *Store
	observer Observer
	log      *slog.Logger
	asking   chan struct{} // as many places as sources are asked at once

	mu    sync.Mutex
	kicks map[blocklists.ListID]chan struct{}
}

// Observer is told how each asking went. It must not block.
type Observer interface {
	Fetched(list blocklists.ListID, outcome Outcome)
}

// Outcome is how asking a source went.
type Outcome string

// The outcomes, a closed set: they are values of a label.
const (
	Changed   Outcome = "changed"
	Same      Outcome = "unchanged"
	Failed    Outcome = "failed"
	Cancelled Outcome = "cancelled"
)

// maxAsking bounds how many sources are asked at once.
const maxAsking = 4

// NewRefresher makes a refresher over the store. The observer may be nil.
func NewRefresher(store *Store, observer Observer, log *slog.Logger) *Refresher {
	return &Refresher{store: store, observer: observer, log: log, asking: make(chan struct{}, maxAsking), kicks: make(map[blocklists.ListID]chan struct{})}
}

// Kick has a list asked at once, whatever the time: its file changed, its primary sent a
// NOTIFY, a person wants it. A list that is not being refreshed is left alone.
func (r *Refresher) Kick(list blocklists.ListID) {
	r.mu.Lock()
	kick := r.kicks[list]
	r.mu.Unlock()
	select {
	case kick <- struct{}{}:
	default: // it is about to be asked anyway, or nobody asks it
	}
}

// Run refreshes the lists until the context ends, and says after each change that there
// is something to be read: the callers' one place to compile in. Changes that come while
// changed runs are told once, after it. With hurry all lists are asked at once.
func (r *Refresher) Run(ctx context.Context, lists []*blocklists.Manifest, hurry bool, changed func(context.Context)) {
	ctx, end := context.WithCancel(ctx)
	news := make(chan struct{}, 1)
	var work sync.WaitGroup
	defer work.Wait()
	defer end()
	r.mu.Lock()
	r.kicks = make(map[blocklists.ListID]chan struct{}, len(lists))
	for _, m := range lists {
		kick := make(chan struct{}, 1)
		r.kicks[m.ID] = kick
		if hurry {
			kick <- struct{}{}
		}
		work.Go(func() { r.follow(ctx, m, kick, news) })
	}
	r.mu.Unlock()
	work.Go(func() { r.watch(ctx, lists) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
			changed(ctx)
		}
	}
}

// follow is the life of one list: wait until it is due, grows stale or is kicked.
func (r *Refresher) follow(ctx context.Context, m *blocklists.Manifest, kick <-chan struct{}, news chan<- struct{}) {
	stale := r.store.isStale(m)
	var last time.Time
	for {
		forced := r.wait(ctx, m, kick)
		if forced {
			rest(ctx, time.Until(last.Add(kickPause)))
		}
		if ctx.Err() != nil {
			return
		}
		last = time.Now()
		tell := false
		if forced || !time.Now().Before(r.store.Due(m)) {
			tell = r.ask(ctx, m, forced)
		}
		if now := r.store.isStale(m); now != stale {
			stale, tell = now, true
		}
		if tell {
			select {
			case news <- struct{}{}:
			default: // told already
			}
		}
	}
}

// wait says whether the list was kicked.
func (r *Refresher) wait(ctx context.Context, m *blocklists.Manifest, kick <-chan struct{}) bool {
	at := r.store.Due(m)
	if stale := r.store.staleAt(m); stale.After(time.Now()) && stale.Before(at) {
		at = stale
	}
	timer := time.NewTimer(max(time.Until(at), minPause))
	defer timer.Stop()
	select {
	case <-kick:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// kickPause is between two askings, however often a list is kicked: a NOTIFY is easily forged.
const kickPause = 2 * time.Second

// rest waits for a time, or for the end of the context.
func rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// minPause is between two askings of one list, whatever the clock and the note say.
const minPause = 100 * time.Millisecond

// ask says whether the source has something new.
func (r *Refresher) ask(ctx context.Context, m *blocklists.Manifest, forced bool) bool {
	if m.Source.File != "" && !forced && !r.store.Moved(m) && !r.store.inTrouble(m) {
		r.store.looked(m)
		return false
	}
	select {
	case r.asking <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-r.asking }()
	was := r.store.Status(m)
	status, err := r.store.Fetch(ctx, m)
	switch {
	case ctx.Err() != nil:
		r.tell(m, Cancelled)
		return false
	case err != nil:
		r.tell(m, Failed)
		r.complain(m, &was, &status, err)
		return false
	case status.Changed:
		r.tell(m, Changed)
		return true
	}
	r.tell(m, Same)
	if was.Err != nil {
		r.log.Info("list: the source can be used again", "list", m.ID, "since", was.Since)
	}
	return false
}

func (r *Refresher) tell(m *blocklists.Manifest, outcome Outcome) {
	if r.observer != nil {
		r.observer.Fetched(m.ID, outcome)
	}
}

// complain says a trouble when it begins, changes or grows stale, and not at each retry.
func (r *Refresher) complain(m *blocklists.Manifest, was, is *Status, err error) {
	if !is.StaleSince.IsZero() && was.StaleSince.IsZero() {
		what := "the last good copy stays in force"
		if _, stops := m.Staleness(); stops {
			what = "the list stops"
		}
		r.log.Error("list: the source has been silent for too long; "+what, "list", m.ID, "purpose", m.Purpose, "since", is.Since, "error", err)
		return
	}
	if was.Err == nil || was.Err.Error() != err.Error() {
		r.log.Warn("list: the source cannot be used, the last good copy stays", "list", m.ID, "source", m.Source.String(), "error", err)
	}
}

func (s *Store) isStale(m *blocklists.Manifest) bool {
	return s.Status(m).State == Stopped
}

func (s *Store) inTrouble(m *blocklists.Manifest) bool {
	status := s.Status(m)
	return status.Err != nil && !errors.Is(status.Err, errNoCopy)
}

// looked takes down that a file is as it was, without reading it.
func (s *Store) looked(m *blocklists.Manifest) {
	k, done, err := s.keeper(m)
	if err != nil {
		return
	}
	defer done()
	_ = k.confirm(0) // it has no trouble, so there is none to return
}

func (s *Store) staleAt(m *blocklists.Manifest) time.Time {
	k, done, err := s.keeper(m)
	if err != nil {
		return time.Time{}
	}
	defer done()
	return k.staleAt()
}
