package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/resolver"
)

// profileBook is the profiles that were changed since the configuration was read: in the
// database, in force, and beside both in a file for who explains without taking the state.
type profileBook struct {
	database  *store.DB // where changes are written
	decisions decisions // where they are read
	current   *policy.Current
	path      string
	logger    *slog.Logger
	// rules are those in force, and compile makes the lists' next bundle by them, for names that
	// do not fit on top of the present one.
	rules   func() *rules
	compile func(context.Context) error

	mu    sync.Mutex // one change at a time, from the database to the query path
	known map[string]store.ProfileRecord

	laid atomic.Pointer[[]*profile.Profile] // what is known, as the query path has it
}

func newProfileBook(database *store.DB, from decisions, current *policy.Current, path string, logger *slog.Logger) *profileBook {
	return &profileBook{database: database, decisions: from, current: current, path: path, logger: logger, known: make(map[string]store.ProfileRecord)}
}

// maxChanged bounds the profiles of the database: each change writes all of them anew for those
// who explain, which takes some milliseconds then.
const maxChanged = 100_000

// begin reads all changed profiles before any bundle is in force.
func (b *profileBook) begin(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	records, err := b.decisions.Profiles(ctx)
	if err != nil {
		return err
	}
	for _, record := range records {
		b.known[record.ID] = record
	}
	return b.settle()
}

// reread reads all changed profiles anew and puts them in force: somebody else wrote them.
func (b *profileBook) reread(ctx context.Context) error {
	overfull, err := b.readAgain(ctx)
	if err != nil || !overfull {
		return err
	}
	if err := b.compile(ctx); err != nil { // more names than fit on top: they are compiled in
		return fmt.Errorf("profiles that were changed are not in force yet: %w", err)
	}
	return nil
}

func (b *profileBook) readAgain(ctx context.Context) (overfull bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	records, err := b.decisions.Profiles(ctx)
	if err != nil || !b.differs(records) {
		return false, err
	}
	clear(b.known)
	for _, record := range records {
		b.known[record.ID] = record
	}
	if err := b.settle(); err != nil {
		return false, err
	}
	b.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		overfull = b.lay(&snapshot) != nil
		return snapshot
	})
	return overfull, nil
}

// differs says whether records are not what is known.
func (b *profileBook) differs(records []store.ProfileRecord) bool {
	if len(records) != len(b.known) {
		return true
	}
	return slices.ContainsFunc(records, func(record store.ProfileRecord) bool {
		known, is := b.known[record.ID]
		return !is || !known.At.Equal(record.At) || known.By != record.By
	})
}

// settle compiles what is known for the query path, and writes it down for others.
func (b *profileBook) settle() error {
	configs := make([]profile.Config, 0, len(b.known))
	for _, id := range slices.Sorted(maps.Keys(b.known)) {
		configs = append(configs, b.known[id].Config)
	}
	profiles, err := profile.Kept(configs)
	if err != nil {
		return err
	}
	b.laid.Store(&profiles)
	text, err := json.Marshal(configs)
	if err == nil && (len(configs) > 0 || isThere(b.path)) {
		err = writeSecret(b.path, text)
	}
	if err != nil { // the database has it; the file is a copy
		b.logger.Warn("changed profiles are not on disk beside the database", "error", err)
	}
	return nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// changed are the profiles of a book; none where there is none.
func (b *profileBook) changed() []*profile.Profile {
	if b == nil || b.laid.Load() == nil {
		return nil
	}
	return *b.laid.Load()
}

// readChanged reads the copy of a state that somebody else may hold.
func readChanged(path string) ([]*profile.Profile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var configs []profile.Config
	if err == nil {
		err = json.Unmarshal(text, &configs)
	}
	if err != nil {
		return nil, fmt.Errorf("changed profiles %q: %w", path, err)
	}
	return profile.Kept(configs)
}

// with puts changed profiles into rules: into the table of clients, and their names among those
// that the next bundle is compiled with.
func (r *rules) with(changed []*profile.Profile) {
	r.clients = r.clients.WithProfiles(changed)
	profiles := slices.Clone(changed)
	known := make(map[string]bool, len(changed))
	for _, one := range changed {
		known[one.ID] = true
	}
	for _, one := range r.profiles {
		if !known[one.ID] {
			profiles = append(profiles, one)
		}
	}
	r.own = append(slices.Clone(r.signals), profile.Own(profiles, r.help)...)
}

// lay puts changed profiles in force on a snapshot, with those of their names that its bundle
// does not have.
func (b *profileBook) lay(snapshot *policy.Snapshot) error {
	changed := b.changed()
	if len(changed) == 0 {
		return nil
	}
	snapshot.Clients = snapshot.Clients.WithProfiles(changed)
	missing := missingNames(snapshot.Bundle, profile.Own(changed, nil))
	if len(missing) == 0 || len(snapshot.Bundle.Lists()) == 0 {
		return nil
	}
	with, err := snapshot.Bundle.With(missing...)
	if err == nil {
		snapshot.Bundle = with
	}
	return err
}

func missingNames(index *bundle.Bundle, owns []bundle.Own) []blocklists.Entry {
	var missing []blocklists.Entry
	for i := range owns {
		for _, name := range owns[i].Names {
			entry := owns[i].Kind.Entry(name)
			if _, found := index.Same(&entry); !found {
				missing = append(missing, entry)
			}
		}
	}
	return missing
}

// Profile implements [household.Book].
func (b *profileBook) Profile(id string) (household.Entry, bool) {
	b.mu.Lock()
	record, changed := b.known[id]
	b.mu.Unlock()
	config, configured := b.configured(id)
	if !changed && !configured || changed && !configured && isLeft(&record.Config) {
		return household.Entry{}, false
	}
	entry := household.Entry{Config: config}
	if changed {
		entry.Config, entry.By, entry.At = record.Config, record.By, record.At
	}
	entry.Phase = b.current.Load().Clients.Profile(id).Phase(time.Now())
	return entry, true
}

// isLeft says whether nothing is left of a profile but its ID.
func isLeft(config *profile.Config) bool {
	text, err := json.Marshal(config)
	bare, failed := json.Marshal(&profile.Config{ID: config.ID})
	return err == nil && failed == nil && string(text) == string(bare)
}

// configured is what the configuration says of a profile.
func (b *profileBook) configured(id string) (profile.Config, bool) {
	configs := b.rules().configs
	at := slices.IndexFunc(configs, func(config profile.Config) bool { return config.ID == id })
	if at < 0 {
		return profile.Config{}, false
	}
	return configs[at], true
}

// Profiles implements [household.Book].
func (b *profileBook) Profiles() []string {
	var ids []string
	for _, config := range b.rules().configs {
		ids = append(ids, config.ID)
	}
	b.mu.Lock()
	for id := range b.known {
		if record := b.known[id]; !isLeft(&record.Config) {
			ids = append(ids, id)
		}
	}
	b.mu.Unlock()
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Whose implements [household.Visitors].
func (b *profileBook) Whose(client resolver.Client) string {
	who, admitted := b.current.Load().Clients.Who(client, time.Now())
	if !admitted || who.Profile == nil {
		return ""
	}
	return who.Profile.ID
}

// Change implements [household.Book].
func (b *profileBook) Change(ctx context.Context, change household.Change) (household.Entry, error) {
	overfull, err := b.change(ctx, &change)
	if err != nil {
		return household.Entry{}, err
	}
	if overfull { // more names than fit on top: they are compiled in
		if err := b.compile(context.WithoutCancel(ctx)); err != nil {
			return household.Entry{}, fmt.Errorf("profile %q is written down, and not in force yet: %w", change.ID, err)
		}
	}
	entry, known := b.Profile(change.ID)
	if !known {
		entry.Config = profile.Config{ID: change.ID}
	}
	return entry, nil
}

func (b *profileBook) change(ctx context.Context, change *household.Change) (overfull bool, err error) {
	before, known := b.Profile(change.ID)
	if !known && !change.Make {
		return false, redress.ErrNotFound
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= maxChanged && b.known[change.ID].ID == "" {
		return false, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "id", Text: fmt.Sprintf("%d profiles are changed already, and no more can be", maxChanged)}}}
	}
	record := store.ProfileRecord{Config: before.Config, By: change.By, At: time.Now().UTC()}
	err = b.database.Tx(ctx, func(tx *store.Tx) error {
		// As it is now that nobody else changes it, at this desk or at another.
		if latest, changed, err := tx.Profile(ctx, change.ID); err != nil {
			return err
		} else if changed {
			record.Config = latest.Config
		}
		record.ID = change.ID
		if err := change.Do(ctx, tx, &record.Config); err != nil {
			return err
		}
		if err := checked(&record.Config, b.rules().offered); err != nil {
			return err
		}
		return tx.PutProfile(ctx, &record, change.What)
	})
	if err != nil {
		return false, err
	}
	b.known[change.ID] = record
	if err := b.settle(); err != nil {
		return false, err
	}
	b.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		overfull = b.lay(&snapshot) != nil
		return snapshot
	})
	return overfull, nil
}

// checked says what is wrong with a profile, by the fields of the API.
func checked(config *profile.Config, offered []*blocklists.Manifest) error {
	_, problems := profile.NewProfiles([]profile.Config{*config}, offered)
	if len(problems) == 0 {
		return nil
	}
	var wrong redress.Invalid
	for _, problem := range problems {
		wrong.Fields = append(wrong.Fields, redress.FieldProblem{Field: strings.TrimPrefix(problem.Key, "profiles[0]."), Text: problem.Text})
	}
	return &wrong
}

// warnOfChanged says which profiles of a configuration are not as it says.
func (b *profileBook) warnOfChanged(configs []profile.Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range configs {
		if record, changed := b.known[configs[i].ID]; changed {
			b.logger.Warn("a profile was changed over the API since; what the configuration says of it does not hold", "changed", record.At.Format(time.DateOnly))
		}
	}
}
