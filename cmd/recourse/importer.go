package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
)

// rules is what a configuration says for policy: lists, profiles, clients, operator.
type rules struct {
	catalog  *blocklists.Catalog
	own      []bundle.Own
	clients  *profile.Table
	operator policy.Operator
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
	made := &rules{catalog: catalog, clients: clients, operator: config.Operator}
	for _, p := range profiles {
		made.own = append(made.own,
			bundle.Own{Kind: bundle.ProfileAllow, Profile: p.ID, Names: p.Allow},
			bundle.Own{Kind: bundle.ProfileDeny, Profile: p.ID, Names: p.Deny})
	}
	return made, nil
}

// importer brings the lists in and puts them in force.
type importer struct {
	store     *fetch.Store
	refresher *fetch.Refresher
	current   *policy.Current
	logger    *slog.Logger
	replaced  chan struct{} // told when the catalog is another

	importing sync.Mutex // one import at a time
	last      atomic.Pointer[imported]
}

// imported is what is in force, and how its lists came in.
type imported struct {
	rules   *rules
	catalog *blocklists.Catalog // with the members of catalog zones
	reports []bundle.ListReport
}

func newImporter(store *fetch.Store, current *policy.Current, observer fetch.Observer, logger *slog.Logger) *importer {
	return &importer{store: store, refresher: fetch.NewRefresher(store, observer, logger), current: current, logger: logger, replaced: make(chan struct{}, 1)}
}

// load reads the files of all lists, compiles, and swaps the lists in together with the
// rules. Sources of the network are not waited for: what is stored of them is in force
// meanwhile, and they are asked as soon as refreshing runs. A list that cannot be read
// keeps its last good copy; the others are not held up by it.
func (i *importer) load(ctx context.Context, fresh *rules) error {
	i.importing.Lock()
	defer i.importing.Unlock()
	for _, manifest := range fresh.catalog.Lists() {
		if _, supported := manifest.Supported(); !supported || manifest.Source.File == "" {
			continue
		}
		if _, err := i.store.Fetch(ctx, manifest); err != nil && ctx.Err() != nil {
			return ctx.Err() // what else went wrong is in the report
		}
	}
	if err := i.loadLocked(ctx, fresh); err != nil {
		return err
	}
	i.startAnew()
	return nil
}

// startAnew has refreshing go on with the lists that there are now.
func (i *importer) startAnew() {
	select {
	case i.replaced <- struct{}{}:
	default: // told already
	}
}

// isGrown says whether there are other lists to be refreshed than before.
func (i *importer) isGrown(catalog *blocklists.Catalog) bool {
	last := i.last.Load()
	return last != nil && !slices.EqualFunc(last.catalog.Lists(), catalog.Lists(), func(a, b *blocklists.Manifest) bool { return a.ID == b.ID })
}

func (i *importer) loadLocked(ctx context.Context, fresh *rules) error {
	started := time.Now()
	catalog, err := expandCatalogs(fresh.catalog, i.store, i.logger)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	compiled, reports, err := bundle.Compile(ctx, catalog, fresh.own, i.store.Stored(), i.current.Load().Bundle, started, i.logger)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	i.settle(catalog, reports)
	grown := i.isGrown(catalog)
	i.last.Store(&imported{rules: fresh, catalog: catalog, reports: reports})
	if grown { // a catalog lists other zones than before
		i.startAnew()
	}
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Bundle, snapshot.Clients, snapshot.Operator = compiled, fresh.clients, fresh.operator
		return snapshot
	})
	for _, report := range reports {
		if trouble := report.Fetch.Err; trouble != nil {
			i.logger.Error("a list could not be read", "list", report.List, "state", report.Fetch.State, "error", trouble)
		}
	}
	i.logger.Info("lists are in force", "generation", compiled.Generation(), "entries", compiled.Len(), "took", time.Since(started).String())
	return nil
}

// settle has the store take down which octets were good.
func (i *importer) settle(catalog *blocklists.Catalog, reports []bundle.ListReport) {
	for _, report := range reports {
		if err := i.store.Settle(catalog.List(report.List), report.Fetch); err != nil {
			i.logger.Warn("list: that it is good is not written down", "list", report.List, "error", err)
		}
	}
}

// ready says whether every list is loaded, from its source or its last good copy. One
// that stopped because it is stale was loaded too.
func (i *importer) ready() bool {
	last := i.last.Load()
	return last != nil && !slices.ContainsFunc(last.reports, func(report bundle.ListReport) bool { return report.Fetch.State == fetch.Missing })
}

// refresh asks the sources of the lists again, each when it is due, until the context
// ends. After a new configuration all of them are asked at once.
func (i *importer) refresh(ctx context.Context) {
	for hurry := false; ctx.Err() == nil; hurry = true {
		round, end := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			i.refresher.Run(round, i.lists(), hurry, i.reload)
		}()
		select {
		case <-ctx.Done():
		case <-i.replaced:
		}
		end()
		<-done
	}
}

// lists are those in force that have a source to be asked.
func (i *importer) lists() []*blocklists.Manifest {
	last := i.last.Load()
	if last == nil {
		return nil
	}
	lists := slices.Clone(last.catalog.Lists())
	for _, manifest := range last.rules.catalog.Lists() {
		if manifest.Source.Catalog != "" {
			lists = append(lists, manifest)
		}
	}
	return slices.DeleteFunc(lists, func(manifest *blocklists.Manifest) bool {
		_, supported := manifest.Supported()
		return !supported
	})
}

// reload compiles what is stored under the rules in force.
func (i *importer) reload(ctx context.Context) {
	i.importing.Lock()
	defer i.importing.Unlock()
	if err := i.loadLocked(ctx, i.last.Load().rules); err != nil && ctx.Err() == nil {
		i.logger.Error("lists were not refreshed; those in force stay", "error", err)
	}
}
