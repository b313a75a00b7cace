package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
)

// newImporter keeps bundles below the state directory, beside the store's lists.
func newImporter(config *Config, store *fetch.Store, current *policy.Current, ledger *ledger, observer fetch.Observer, logger *slog.Logger) *importer {
	made := &importer{
		store: store, refresher: fetch.NewRefresher(store, observer, logger), lists: filepath.Join(config.StateDir(), listsDir),
		current: current, ledger: ledger, logger: logger,
		damaged: make(chan error, 1), started: make(chan struct{}, 1), replaced: make(chan struct{}, 1),
	}
	made.folder = &bundle.Folder{Dir: filepath.Join(config.StateDir(), bundlesDir), Keep: int(config.Bundle.Keep) + 1, Tell: made.noteDamage, InTurns: true}
	return made
}

// noteDamage is called by whoever reads the bundle in force, so it does not wait.
func (i *importer) noteDamage(err error) {
	select {
	case i.damaged <- err:
	default: // the first is enough
	}
}

// begin puts the newest bundle of the disk in force, if it has what the configuration
// asks for or the importer takes the state as it is, and then brings the lists in. With
// such a bundle, lists that cannot be compiled keep nobody from starting.
func (i *importer) begin(ctx context.Context, configured *rules) error {
	started := time.Now()
	i.importing.Lock()
	defer i.importing.Unlock()
	fresh, err := i.expanded(configured)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	ledger, err := i.ledger.read(ctx, started)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	held := i.newest(fresh, ledger)
	if held == nil && i.asItIs {
		held = bundle.Empty()
	}
	if held == nil {
		return i.loadFiles(ctx, configured)
	}
	if !i.asItIs && !held.Fits(fresh.catalog, fresh.own) {
		// What is compiled now is the next generation: it knows what was seen when, and how
		// lists were that a rollback fixed.
		i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot { snapshot.Bundle = held; return snapshot })
		return i.loadFiles(ctx, configured)
	}
	reports := held.Reports()
	i.enforce(&imported{configured: configured, rules: fresh, reports: reports}, held, ledger)
	i.behind = true
	i.remind(fresh, reports, ledger, started) // what is to be told of them can wait until questions are answered
	i.logger.Info("lists are in force, as they were compiled before", "generation", held.Generation(), "entries", held.Len(), "took", time.Since(started).String())
	return nil
}

// newest opens the newest bundle of the disk; nil if there is none. Where the machine stopped
// in the middle of a rollback, it is the one that was to be in force.
func (i *importer) newest(fresh *rules, ledger *guard.Ledger) *bundle.Bundle {
	hurried := *i.folder
	hurried.InTurns = false // nobody is answered yet
	held, trouble := hurried.Newest(0, fresh.catalog, fresh.own)
	if trouble != nil {
		i.logger.Error("ALARM: a bundle on the disk is damaged", "error", trouble)
	}
	if held == nil {
		return nil
	}
	left, wanted := uint64(0), uint64(0)
	for _, state := range ledger.Records().Lists {
		if !state.Pinned.IsZero() && state.PinnedFrom > left {
			left, wanted = state.PinnedFrom, state.PinnedTo
		}
	}
	if held.Generation() > left {
		return held
	}
	good, err := hurried.Open(wanted, left, fresh.catalog, fresh.own)
	if err != nil {
		i.logger.Error("ALARM: the generation that a rollback put in force cannot be opened; the one before the rollback is", "error", err)
		return held
	}
	return good
}

// compile has the next bundle made by a process of its own and opens it. That process
// reads what the store has of each list; what it made of it is taken down afterwards.
func (i *importer) compile(ctx context.Context, fresh *rules, ledger *guard.Ledger, now time.Time, afresh []blocklists.ListID) (*bundle.Bundle, []bundle.ListReport, error) {
	before := i.current.Load().Bundle
	asBefore := i.asBefore(before)
	input := &bundle.Input{Catalog: fresh.catalog, Own: fresh.own, Previous: before, After: before.Generation(), Now: now,
		Unmoved: func(m *blocklists.Manifest) bool {
			return asBefore(m) && !i.unsettled(fresh, ledger, m.ID, afresh)
		},
		Pinned: fresh.guard.With(ledger, afresh...).Pinned,
	}
	job := bundle.NewJob(i.folder, i.lists, input)
	var err error
	if job.Guard, err = fresh.guarding.export(ledger, afresh); err != nil {
		return nil, nil, err
	}
	result, err := compileAside(ctx, job, i.logger)
	if err != nil {
		return nil, nil, err
	}
	reports := result.ListReports()
	i.takeDown(fresh.catalog, reports)
	compiled, err := i.folder.Open(result.Generation, before.Generation(), fresh.catalog, fresh.own)
	return compiled, reports, err
}

// asBefore says of a list whether what is stored of it is what a bundle was made of. One
// that stopped meanwhile, or goes on again, is not.
func (i *importer) asBefore(before *bundle.Bundle) func(*blocklists.Manifest) bool {
	known := make(map[blocklists.ListID]fetch.Status)
	for _, report := range before.Reports() {
		known[report.List] = report.Fetch
	}
	return func(m *blocklists.Manifest) bool {
		then, found := known[m.ID]
		now := i.store.Status(m)
		return found && !now.Changed && now.SHA256 == then.SHA256 && (now.State == fetch.Stopped) == (then.State == fetch.Stopped)
	}
}

// takeDown has the store note which octets were good. Lists that were not read anew
// stand as their source does now.
func (i *importer) takeDown(catalog *blocklists.Catalog, reports []bundle.ListReport) {
	for at := range reports {
		report := &reports[at]
		manifest := catalog.List(report.List)
		switch {
		case report.Carried:
			report.Fetch = i.store.Status(manifest)
			continue
		case report.Untaken || report.Pinned:
			continue
		}
		if err := i.store.Settle(manifest, report.Fetch); err != nil {
			i.logger.Warn("list: that it is good is not written down", "list", report.List, "error", err)
		}
	}
}

// unsettled says whether a list has to be read again although its source has not moved:
// what safeguards say of it may be another than when it was last read.
func (i *importer) unsettled(fresh *rules, ledger *guard.Ledger, list blocklists.ListID, afresh []blocklists.ListID) bool {
	last := i.last.Load()
	if slices.Contains(afresh, list) || last == nil || !last.rules.guarding.same(&fresh.guarding) {
		return true
	}
	holds := func(hold blocklists.Hold) bool { return hold.List == list && hold.Ended.IsZero() }
	return slices.ContainsFunc(ledger.Records().Holds, holds)
}

// fallBack puts the newest sound generation in force in place of a damaged one, and has
// a new one made. Until then what could not be read was refused, not let through.
func (i *importer) fallBack(ctx context.Context, trouble error) {
	i.importing.Lock()
	defer i.importing.Unlock()
	broken := i.current.Load().Bundle
	i.logger.Error("ALARM: the bundle in force is damaged; another takes its place", "error", trouble)
	if broken.Err() == nil {
		return // it has already
	}
	files, err := i.folder.Discard(broken)
	i.logger.Error("its damaged files are put aside", "files", files, "error", err)
	last := i.last.Load()
	sound, err := i.folder.Newest(broken.Generation(), last.rules.catalog, last.rules.own)
	if sound != nil && sound.Len() > 0 {
		i.enforce(&imported{configured: last.configured, rules: last.rules, reports: sound.Reports()}, sound, i.current.Load().Guard.Ledger())
	} else {
		i.logger.Error("no generation before can be read", "error", err)
	}
	if err := i.again(ctx); err != nil && ctx.Err() == nil {
		i.logger.Error("lists were not compiled anew; those in force stay", "error", err)
	}
}

// catchUp brings the lists in where a bundle of the disk is in force so far.
func (i *importer) catchUp(ctx context.Context) {
	i.importing.Lock()
	defer i.importing.Unlock()
	if !i.behind {
		return
	}
	last := i.last.Load()
	if err := i.settle(ctx, last.rules, last.reports, time.Now()); err != nil && ctx.Err() == nil {
		i.logger.Error("lists: what is held could not be written down", "error", err)
	}
	if err := i.loadFiles(ctx, i.last.Load().configured); err != nil && ctx.Err() == nil {
		i.logger.Error("lists were not refreshed; those in force stay", "error", err)
	}
}

// keepCodes has the codes of the bundle in force written beside it, so that they can be
// looked up. It is told of each bundle by started.
func (i *importer) keepCodes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.started:
			if err := i.writeCodes(ctx); err != nil && ctx.Err() == nil {
				i.logger.Error("reason codes are not written down; those of new entries may not be found", "error", err)
			}
		}
	}
}

func (i *importer) writeCodes(ctx context.Context) error {
	i.importing.Lock()
	snapshot, fresh := i.current.Load(), i.last.Load().rules
	i.importing.Unlock()
	job := bundle.NewJob(i.folder, i.lists, &bundle.Input{Catalog: fresh.catalog, Own: fresh.own, Previous: snapshot.Bundle})
	job.Codes = snapshot.Key
	if job.Previous == 0 || len(job.Codes) == 0 {
		return nil
	}
	_, err := runAside(ctx, job, i.logger)
	return err
}
