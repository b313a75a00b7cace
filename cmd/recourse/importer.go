package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
)

// rules is what a configuration says for policy: lists, profiles, clients, operator.
type rules struct {
	catalog  *blocklists.Catalog
	own      []bundle.Own
	clients  *profile.Table
	operator policy.Operator
	guard    *guard.Guard
	keep     int // generations to go back to
}

// newRules compiles them. The configuration was validated, so a problem here is one
// that check has missed.
func newRules(config *Config) (*rules, error) {
	catalog, err := config.Catalog()
	if err != nil {
		return nil, err
	}
	profiles, problems := profile.NewProfiles(config.Profiles, config.Blocklists)
	clients, more := profile.NewTable(config.Clients, profiles)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, fmt.Errorf("%s %s", problems[0].Key, problems[0].Text)
	}
	safeguards, err := newGuard(config)
	if err != nil {
		return nil, err
	}
	made := &rules{catalog: catalog, clients: clients, operator: config.Operator, guard: safeguards, keep: int(config.Bundle.Keep)}
	for _, p := range profiles {
		made.own = append(made.own,
			bundle.Own{Kind: bundle.ProfileAllow, Profile: p.ID, Names: p.Allow},
			bundle.Own{Kind: bundle.ProfileDeny, Profile: p.ID, Names: p.Deny})
	}
	return made, nil
}

// newListStore keeps lists below the state directory.
func newListStore(config *Config, logger *slog.Logger) *fetch.Store {
	return fetch.New(filepath.Join(config.StateDir(), listsDir), builtinLists(), logger)
}

// importer brings the lists in and puts them in force.
type importer struct {
	store   *fetch.Store
	current *policy.Current
	ledger  *ledger
	logger  *slog.Logger

	mu      sync.Mutex // one import at a time; guards what follows
	rules   *rules
	reports []bundle.ListReport
	kept    recent // generations before the one in force
}

// load compiles all lists and swaps them in together with the rules. A list that
// cannot be read keeps its last good copy; the others are not held up by it.
func (i *importer) load(ctx context.Context, fresh *rules) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loadLocked(ctx, fresh)
}

func (i *importer) loadLocked(ctx context.Context, fresh *rules, afresh ...blocklists.ListID) error {
	started := time.Now()
	safeguards, err := i.guarded(ctx, fresh, started, afresh...)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	before := i.current.Load().Bundle
	compiled, reports, err := bundle.Compile(ctx, fresh.catalog, fresh.own, i.store, before, safeguards, started, i.logger)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	i.rules, i.reports = fresh, reports
	i.kept.add(before, fresh.keep)
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Bundle, snapshot.Clients, snapshot.Operator = compiled, fresh.clients, fresh.operator
		snapshot.Guard = safeguards
		return snapshot
	})
	if err := i.settle(ctx, fresh, reports, started); err != nil {
		return fmt.Errorf("lists: they are in force; what is held of them is not written down: %w", err)
	}
	for _, report := range reports {
		if trouble := report.Fetch.Err; trouble != nil {
			i.logger.Error("a list could not be read", "list", report.List, "state", report.Fetch.State, "error", trouble)
		}
	}
	i.logger.Info("lists are in force", "generation", compiled.Generation(), "entries", compiled.Len(), "took", time.Since(started).String())
	return nil
}

// ready says whether every list is loaded, from its source or its last good copy.
func (i *importer) ready() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, report := range i.reports {
		if report.Fetch.State == fetch.Missing {
			return false
		}
	}
	return i.rules != nil
}

// refresh reads lists again whose files have changed, as often as their manifests
// say, until the context ends.
func (i *importer) refresh(ctx context.Context) {
	for {
		timer := time.NewTimer(i.interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			i.refreshOnce(ctx)
		}
	}
}

// idleInterval is how often to look whether any list wants to be refreshed at all.
const idleInterval = time.Minute

func (i *importer) interval() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	shortest := idleInterval
	for _, manifest := range i.rules.catalog.Lists() {
		if every := manifest.Source.Refresh; every > 0 {
			shortest = min(shortest, every)
		}
	}
	return shortest
}

func (i *importer) refreshOnce(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, manifest := range i.rules.catalog.Lists() {
		if manifest.Source.Refresh > 0 && i.store.Moved(manifest) {
			if err := i.loadLocked(ctx, i.rules); err != nil && ctx.Err() == nil {
				i.logger.Error("lists were not refreshed; those in force stay", "error", err)
			}
			return
		}
	}
}
