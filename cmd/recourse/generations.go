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
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
)

// newImporter keeps lists and bundles below the state directory.
func newImporter(config *Config, current *policy.Current, ledger *ledger, logger *slog.Logger) *importer {
	made := &importer{
		store: newListStore(config, logger), lists: filepath.Join(config.StateDir(), listsDir),
		current: current, ledger: ledger, logger: logger, damaged: make(chan error, 1), started: make(chan struct{}, 1),
	}
	made.folder = &bundle.Folder{Dir: filepath.Join(config.StateDir(), bundlesDir), Keep: int(config.Bundle.Keep) + 1, Tell: made.noteDamage}
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
// asks for, and then brings the lists in. With such a bundle, lists that cannot be
// compiled keep nobody from starting.
func (i *importer) begin(ctx context.Context, fresh *rules) error {
	started := time.Now()
	held, trouble := i.folder.Newest(0, fresh.catalog, fresh.own)
	if trouble != nil {
		i.logger.Error("ALARM: a bundle on the disk is damaged", "error", trouble)
	}
	if held == nil || !held.Fits(fresh.catalog, fresh.own) {
		return i.load(ctx, fresh)
	}
	ledger, err := i.ledger.read(ctx, started)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	i.mu.Lock()
	i.enforce(fresh, held, held.Reports(), ledger)
	i.behind = true
	err = i.settle(ctx, fresh, i.reports, started)
	i.mu.Unlock()
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	i.logger.Info("lists are in force, as they were compiled before", "generation", held.Generation(), "entries", held.Len(), "took", time.Since(started).String())
	return nil
}

// compile has the next bundle made by a process of its own and opens it.
func (i *importer) compile(ctx context.Context, fresh *rules, ledger *guard.Ledger, now time.Time, afresh []blocklists.ListID) (*bundle.Bundle, []bundle.ListReport, error) {
	before := i.current.Load().Bundle
	input := &bundle.Input{Catalog: fresh.catalog, Own: fresh.own, Previous: before, After: before.Generation(), Now: now,
		Unmoved: func(m *blocklists.Manifest) bool {
			return !i.store.Moved(m) && !i.unsettled(fresh, ledger, m.ID, afresh)
		},
		Pinned: fresh.guard.With(ledger, afresh...).Pinned,
	}
	job := bundle.NewJob(i.folder, i.lists, input)
	var err error
	if job.Guard, err = fresh.guarding.export(ledger, afresh); err != nil {
		return nil, nil, err
	}
	for _, manifest := range fresh.catalog.Lists() {
		i.store.Looked(manifest)
	}
	result, err := compileAside(ctx, job, i.logger)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := i.folder.Open(result.Generation, before.Generation(), fresh.catalog, fresh.own)
	return compiled, result.ListReports(), err
}

// unsettled says whether a list has to be read again although its source has not moved:
// what safeguards say of it may be another than when it was last read.
func (i *importer) unsettled(fresh *rules, ledger *guard.Ledger, list blocklists.ListID, afresh []blocklists.ListID) bool {
	if slices.Contains(afresh, list) || i.rules == nil || !i.rules.guarding.same(&fresh.guarding) {
		return true
	}
	holds := func(hold blocklists.Hold) bool { return hold.List == list && hold.Ended.IsZero() }
	return slices.ContainsFunc(ledger.Records().Holds, holds)
}

// fallBack puts the newest sound generation in force in place of a damaged one, and has
// a new one made. Until then what could not be read was refused, not let through.
func (i *importer) fallBack(ctx context.Context, trouble error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	broken := i.current.Load().Bundle
	i.logger.Error("ALARM: the bundle in force is damaged; another takes its place", "error", trouble)
	if broken.Err() == nil {
		return // it has already
	}
	files, err := i.folder.Discard(broken)
	i.logger.Error("its damaged files are put aside", "files", files, "error", err)
	sound, err := i.folder.Newest(broken.Generation(), i.rules.catalog, i.rules.own)
	if sound != nil && sound.Len() > 0 {
		i.enforce(i.rules, sound, sound.Reports(), i.current.Load().Guard.Ledger())
	} else {
		i.logger.Error("no generation before can be read", "error", err)
	}
	if err := i.loadLocked(ctx, i.rules); err != nil && ctx.Err() == nil {
		i.logger.Error("lists were not compiled anew; those in force stay", "error", err)
	}
}

// catchUp brings the lists in where a bundle of the disk is in force so far.
func (i *importer) catchUp(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.behind {
		return
	}
	if err := i.loadLocked(ctx, i.rules); err != nil && ctx.Err() == nil {
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
	i.mu.Lock()
	snapshot, fresh := i.current.Load(), i.rules
	i.mu.Unlock()
	job := bundle.NewJob(i.folder, i.lists, &bundle.Input{Catalog: fresh.catalog, Own: fresh.own, Previous: snapshot.Bundle})
	job.Codes = snapshot.Key
	if job.Previous == 0 || len(job.Codes) == 0 {
		return nil
	}
	_, err := runAside(ctx, job, i.logger)
	return err
}
