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
	guarding guarding
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
	made := &rules{catalog: catalog, clients: clients, operator: config.Operator, guarding: config.guarding()}
	if made.guard, err = made.guarding.make(nil, time.Time{}); err != nil {
		return nil, err
	}
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
	lists   string // the store's folder
	folder  *bundle.Folder
	current *policy.Current
	ledger  *ledger
	logger  *slog.Logger
	damaged chan error    // what the bundle in force says of itself
	started chan struct{} // a bundle came into force

	mu      sync.Mutex // one import at a time; guards what follows
	behind  bool       // what is in force was found on the disk, and the sources not yet asked
	rules   *rules
	reports []bundle.ListReport
}

// load compiles all lists and swaps them in together with the rules. A list that
// cannot be read keeps its last good copy; the others are not held up by it.
func (i *importer) load(ctx context.Context, fresh *rules) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loadLocked(ctx, fresh)
}

// loadLocked takes the lists of afresh anew whatever the safeguards remember of them.
func (i *importer) loadLocked(ctx context.Context, fresh *rules, afresh ...blocklists.ListID) error {
	started := time.Now()
	ledger, err := i.ledger.read(context.WithoutCancel(ctx), started) // quick, and no part of what may be given up
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	compiled, reports, err := i.compile(ctx, fresh, ledger, started, afresh)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	i.enforce(fresh, compiled, reports, ledger)
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

// enforce swaps a bundle in, with the rules that go with it.
func (i *importer) enforce(fresh *rules, compiled *bundle.Bundle, reports []bundle.ListReport, ledger *guard.Ledger) {
	i.rules, i.reports, i.behind = fresh, reports, false
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Bundle, snapshot.Clients, snapshot.Operator = compiled, fresh.clients, fresh.operator
		snapshot.Guard = fresh.guard.With(ledger)
		return snapshot
	})
	select {
	case i.started <- struct{}{}:
	default: // the codes of the newest one are to be written already
	}
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
	i.catchUp(ctx)
	for {
		timer := time.NewTimer(i.interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			i.refreshOnce(ctx)
		case trouble := <-i.damaged:
			timer.Stop()
			i.fallBack(ctx, trouble)
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
