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
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// rules is what a configuration says for policy: lists, profiles, clients, operator.
type rules struct {
	catalog  *blocklists.Catalog
	own      []bundle.Own
	clients  *profile.Table
	rows     []profile.Client
	configs  []profile.Config // of the profiles below
	profiles []*profile.Profile
	offered  []*blocklists.Manifest // whose categories a profile may choose
	help     []wire.Name
	signals  []bundle.Own // of own that no profile changes
	operator policy.Operator
	standIns policy.StandIns
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
	offered := config.listsOffered()
	profiles, problems := profile.NewProfiles(config.Profiles, offered)
	clients, more := profile.NewTable(config.Clients, profiles)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, fmt.Errorf("%s %s", problems[0].Key, problems[0].Text)
	}
	made := &rules{catalog: catalog, clients: clients, operator: config.operator(), standIns: config.StandIns(), guarding: config.guarding()}
	if made.guard, err = made.guarding.make(nil, time.Time{}); err != nil {
		return nil, err
	}
	made.rows, made.configs, made.profiles, made.offered, made.signals = config.Clients, config.Profiles, profiles, offered, config.Canaries.Own()
	if made.help, err = config.helpNames(); err != nil {
		return nil, err
	}
	made.with(nil)
	return made, nil
}

// importer brings the lists in and puts them in force.
type importer struct {
	store     *fetch.Store
	refresher *fetch.Refresher
	lists     string // the store's folder
	asItIs    bool   // begins with what the state has, and imports nothing by itself
	folder    *bundle.Folder
	current   *policy.Current
	ledger    *ledger
	orders    *orderBook   // nil: none
	profiles  *profileBook // nil: none
	audit     *auditing    // nil: nothing is taken down
	logger    *slog.Logger
	live      *profile.Live // what is known of clients beside the rules
	damaged   chan error    // what the bundle in force says of itself
	started   chan struct{} // a bundle came into force
	replaced  chan struct{} // told when the catalog is another

	last atomic.Pointer[imported]

	importing sync.Mutex // one import at a time; guards what follows
	behind    bool       // what is in force was found on the disk, and the sources not yet asked
	failed    error      // why what was brought last is not in force; nil where it is
}

// imported is what is in force, and how its lists came in.
type imported struct {
	configured *rules // as the configuration says
	rules      *rules // with the members of catalog zones for the lists that subscribe to them
	reports    []bundle.ListReport
}

// expanded puts the members of catalog zones into the rules.
func (i *importer) expanded(configured *rules) (*rules, error) {
	catalog, err := expandCatalogs(configured.catalog, i.store, i.logger)
	if err != nil {
		return nil, err
	}
	made := *configured
	made.catalog = catalog
	made.with(i.profiles.changed())
	return &made, nil
}

// load reads the files of all lists, compiles, and swaps the lists in together with the
// rules. Sources of the network are not waited for: what is stored of them is in force
// meanwhile, and they are asked as soon as refreshing runs. A list that cannot be read
// keeps its last good copy; the others are not held up by it.
func (i *importer) load(ctx context.Context, fresh *rules) error {
	i.importing.Lock()
	defer i.importing.Unlock()
	return i.loadFiles(ctx, fresh)
}

func (i *importer) loadFiles(ctx context.Context, fresh *rules) error {
	isFile := func(m *blocklists.Manifest) bool { return m.Source.File != "" }
	if err := i.fetch(ctx, fresh.catalog, isFile); err != nil {
		return err
	}
	if err := i.loadLocked(ctx, fresh); err != nil {
		return err
	}
	i.startAnew()
	return nil
}

// maxFetching bounds how many sources are asked at once for somebody who waits.
const maxFetching = 4

// fetch asks the sources of some lists. What went wrong with one is in its status.
func (i *importer) fetch(ctx context.Context, catalog *blocklists.Catalog, wanted func(*blocklists.Manifest) bool) error {
	var work sync.WaitGroup
	places := make(chan struct{}, maxFetching)
	for _, manifest := range catalog.Lists() {
		if !wanted(manifest) {
			continue
		}
		places <- struct{}{}
		work.Go(func() {
			_, _ = i.store.Fetch(ctx, manifest) // its status has the error
			<-places
		})
	}
	work.Wait()
	return ctx.Err()
}

// startAnew has refreshing go on with the lists that there are now.
func (i *importer) startAnew() {
	select {
	case i.replaced <- struct{}{}:
	default: // told already
	}
}

// again compiles what is stored under the rules in force. The lists of afresh are taken
// anew whatever the safeguards remember of them.
func (i *importer) again(ctx context.Context, afresh ...blocklists.ListID) error {
	return i.loadLocked(ctx, i.last.Load().configured, afresh...)
}

func (i *importer) loadLocked(ctx context.Context, configured *rules, afresh ...blocklists.ListID) error {
	started := time.Now()
	fresh, err := i.expanded(configured)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	ledger, err := i.ledger.read(context.WithoutCancel(ctx), started) // quick, and no part of what may be given up
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	compiled, reports, err := i.compile(ctx, fresh, ledger, started, afresh)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	before := i.last.Load()
	i.enforce(&imported{configured: configured, rules: fresh, reports: reports}, compiled, ledger)
	if before != nil && !sameLists(before.rules.catalog, fresh.catalog) { // a catalog zone lists others than before
		defer i.startAnew() // which ends the context of a refresh, so not before all is written down
	}
	if err := i.settle(ctx, fresh, reports, started); store.Unavailable(err) {
		i.logger.Error("what is held of lists is not written down, which the next import does; they are in force", "error", err)
	} else if err != nil {
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

func sameLists(one, other *blocklists.Catalog) bool {
	return slices.EqualFunc(one.Lists(), other.Lists(), func(a, b *blocklists.Manifest) bool { return a.ID == b.ID })
}

// enforce swaps a bundle in, with the rules that go with it.
func (i *importer) enforce(fresh *imported, compiled *bundle.Bundle, ledger *guard.Ledger) {
	i.behind, i.failed = false, nil
	i.last.Store(fresh)
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Bundle, snapshot.Clients, snapshot.Operator = compiled, fresh.rules.clients.With(i.live), fresh.rules.operator
		snapshot.StandIns, snapshot.Guard = fresh.rules.standIns, fresh.rules.guard.With(ledger)
		_ = i.orders.lay(&snapshot) // which tells what is wrong; the lists are in force in any case
		if err := i.profiles.lay(&snapshot); err != nil {
			i.logger.Error("names of changed profiles are in force with the next import", "error", err)
		}
		return snapshot
	})
	i.audit.listsInForce(fresh, compiled, i.current.Load().Key)
	select {
	case i.started <- struct{}{}:
	default: // the codes of the newest one are to be written already
	}
}

// ready says whether every list is loaded, from its source or its last good copy. One
// that stopped because it is stale was loaded too.
func (i *importer) ready() bool {
	last := i.last.Load()
	return last != nil && !slices.ContainsFunc(last.reports, func(report bundle.ListReport) bool { return report.Fetch.State.Absent() })
}

// refresh asks the sources of the lists again, each when it is due, until the context
// ends. After a new configuration all of them are asked at once. A bundle that turns out
// to be damaged is replaced meanwhile.
func (i *importer) refresh(ctx context.Context) {
	i.catchUp(ctx)
	for hurry := false; ctx.Err() == nil; {
		round, end := context.WithCancel(ctx)
		done := make(chan struct{})
		go func(hurry bool) {
			defer close(done)
			i.refresher.Run(round, i.sources(), hurry, i.reload)
		}(hurry)
		hurry = i.awaitChange(ctx)
		end()
		<-done
	}
}

// awaitChange waits until refreshing has to begin anew, and says whether all sources are
// to be asked at once then.
func (i *importer) awaitChange(ctx context.Context) (hurry bool) {
	select {
	case <-ctx.Done():
		return false
	case <-i.replaced:
		return true
	case trouble := <-i.damaged:
		i.fallBack(ctx, trouble)
		return false
	}
}

// sources are the lists in force that have a source to be asked.
func (i *importer) sources() []*blocklists.Manifest {
	last := i.last.Load()
	if last == nil {
		return nil
	}
	lists := slices.Clone(last.rules.catalog.Lists())
	for _, manifest := range last.configured.catalog.Lists() {
		if manifest.Source.Catalog != "" {
			lists = append(lists, manifest)
		}
	}
	return lists
}

// reload compiles what is stored under the rules in force.
func (i *importer) reload(ctx context.Context) {
	i.importing.Lock()
	defer i.importing.Unlock()
	i.failed = i.again(ctx)
	if i.failed != nil && ctx.Err() == nil {
		i.logger.Error("lists were not refreshed; those in force stay", "error", i.failed)
	}
}
