package redresstest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/statements"
	"github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Portal is the public address of the world's pages.
const Portal = "http://portal.example"

// Operator is who runs the world.
func Operator() policy.Operator {
	return policy.Operator{Name: "Example Net", Contact: "mailto:redress@example.net", Portal: Portal, Languages: []string{"en"}}
}

// The lists of the world, one or more a purpose; each covers what lies below its names.
//
//	court     law in IT: court.example, shared.example
//	phishing  security: phish.example, shared.example
//	gambling  user: casino.example, shared.example
//	hidden    law in IT, secret: secret.example, shared.example
//	discreet  security, shows no names: discreet.example
//	scam      security, of another publisher: scam.example
func lists() map[string][]string {
	return map[string][]string{
		"court":    {"court.example", "shared.example", "xn--bcher-kva.example"},
		"phishing": {"phish.example", "shared.example"},
		"gambling": {"casino.example", "shared.example"},
		"hidden":   {"secret.example", "shared.example"},
		"discreet": {"discreet.example"},
		"scam":     {"scam.example"},
	}
}

func manifests() []*blocklists.Manifest {
	law := blocklists.Manifest{
		ID: "court", Purpose: blocklists.Law, Category: "copyright", OrderRef: "RG 1234/2026",
		Title:      map[string]string{"en": "Court orders on copyright"},
		Authority:  blocklists.Authority{Name: "Tribunale di Esempio", Kind: "court", Country: "IT"},
		LegalBasis: []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}}, Jurisdiction: []string{"IT"}, AtEnforceBy: "hold",
		Redress: blocklists.Redress{
			Venues:   []blocklists.Venue{{Kind: "court", Name: "Tribunale di Esempio", URL: "https://court.example/ricorsi"}},
			Deadline: 30 * 24 * time.Hour, DeadlineFrom: "notification", Languages: []string{"it"},
		},
	}
	hidden := law
	hidden.ID, hidden.Category, hidden.Disclosure, hidden.Title = "hidden", "csam", blocklists.Secret, map[string]string{"en": "The hidden list"}
	publisher := blocklists.Publisher{Name: "Example CERT"}
	all := []*blocklists.Manifest{
		&law,
		{ID: "phishing", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"}, Publisher: publisher},
		{ID: "gambling", Purpose: blocklists.User, Category: "gambling", Title: map[string]string{"en": "Gambling"}, Publisher: publisher},
		&hidden,
		{ID: "discreet", Purpose: blocklists.Security, Category: "malware", Title: map[string]string{"en": "Discreet"}, Publisher: publisher, Disclosure: blocklists.NoName},
		{ID: "scam", Purpose: blocklists.Security, Category: "scam", Title: map[string]string{"en": "Scams"}, Publisher: blocklists.Publisher{Name: "Other Feed", Contact: "mailto:feed@other.example"}},
	}
	for _, manifest := range all {
		manifest.Scope, manifest.Format, manifest.ReviewEvery = blocklists.Subtree, "domains", 90*24*time.Hour
		manifest.Source.File = "builtin:" + string(manifest.ID)
	}
	return all
}

// World is one desk with everything around it.
type World struct {
	Desk    *redress.Desk
	Store   *store.Store
	DB      *policystore.DB
	Current *policy.Current
	Effect  *Effect
	DNS     *DNS
	Logs    *Log
	// Config is the desk's, and Lists the names of each list, from the next Restart on.
	Config redress.Config
	Lists  map[string][]string

	t        testing.TB
	database policystore.Config
}

// New makes a world that ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	written, err := statements.New(statements.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t, database: storetest.New(t), DNS: NewDNS(), Logs: new(Log), Lists: lists(), Config: redress.Config{Portal: Portal, Operator: Operator().Name, Contact: Operator().Contact, Statements: written, Language: "en"}}
	w.Current = policy.NewCurrent(&policy.Snapshot{Bundle: compile(t, w.Lists), Operator: Operator(), Key: policy.Key(strings.Repeat("k", policy.MinKey))})
	w.Restart()
	t.Cleanup(func() { _ = w.DB.Close() })
	return w
}

// Restart closes the database and begins again from what is on the disk, the lists
// imported anew.
func (w *World) Restart() {
	w.t.Helper()
	if w.DB != nil {
		if err := w.DB.Close(); err != nil {
			w.t.Fatalf("close database: %v", err)
		}
	}
	var err error
	if w.DB, err = w.database.Open(context.Background(), slog.New(slog.DiscardHandler)); err != nil {
		w.t.Fatalf("open database: %v", err)
	}
	index := compile(w.t, w.Lists)
	w.Current.Update(func(s policy.Snapshot) policy.Snapshot { s.Bundle, s.Overlay = index, nil; return s })
	w.Store = store.New(w.DB)
	w.Effect = &Effect{db: w.DB, current: w.Current}
	w.Desk = redress.NewDesk(w.Config, w.Store, proof.Methods{redress.ByDNS: proof.NewTXT(w.DNS)}, func() redress.Index { return w.Current.Load() }, w.Effect, w.Logs.Logger())
	if _, _, err := w.Effect.Apply(context.Background()); err != nil {
		w.t.Fatalf("derive overlay: %v", err)
	}
}

// Reload imports the lists anew, as the desk goes on.
func (w *World) Reload() {
	w.t.Helper()
	index := compile(w.t, w.Lists)
	w.Current.Update(func(s policy.Snapshot) policy.Snapshot { s.Bundle = index; return s })
}

// Blocked says which lists block a name now.
func (w *World) Blocked(name string) []string {
	var found []string
	for _, match := range w.Current.Load().Matches(wire.MustName(name)) {
		if match.Counts {
			found = append(found, string(match.Entry.List))
		}
	}
	return found
}

// Code is the reason code under which a list has a name.
func (w *World) Code(list, name string) policy.Code {
	w.t.Helper()
	for _, match := range w.Current.Load().Matches(wire.MustName(name)) {
		if string(match.Entry.List) == list {
			return match.Code
		}
	}
	w.t.Fatalf("list %s has no entry for %s", list, name)
	return 0
}

func compile(t testing.TB, lists map[string][]string) *bundle.Bundle {
	t.Helper()
	files := fstest.MapFS{}
	for id, names := range lists {
		files[id] = &fstest.MapFile{Data: []byte("# a list\n" + strings.Join(names, "\n") + "\n"), Mode: 0o444}
	}
	catalog, err := blocklists.NewCatalog(manifests())
	if err != nil {
		t.Fatalf("catalog: %v", err)
	}
	quiet := slog.New(slog.DiscardHandler)
	made, reports, err := bundle.Compile(context.Background(), catalog, nil, fetch.New("absent", files, quiet).Preview(), nil, nil, time.Now(), quiet)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	for _, report := range reports {
		if report.Fetch.State != fetch.OK {
			t.Fatalf("list %s: %s, %v", report.List, report.Fetch.State, report.Fetch.Err)
		}
	}
	return made
}

// Effect derives the overlay from the database and swaps it, as the program does.
// Fail makes it fail instead.
type Effect struct {
	db      *policystore.DB
	current *policy.Current

	mu   sync.Mutex
	fail error
}

// Fail lets every Apply fail with the error, until it is nil.
func (e *Effect) Fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = err
}

// Apply implements redress.Effect.
func (e *Effect) Apply(ctx context.Context) (uint64, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return 0, time.Time{}, e.fail
	}
	sequence, exceptions, err := e.db.Exceptions(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	e.current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Overlay = policy.NewOverlay(sequence, exceptions)
		return s
	})
	return sequence, time.Now(), nil
}

// Database is where the world keeps what has to outlive it.
func (w *World) Database() policystore.Config { return w.database }

// Lose lets the next thing that the world's database is to keep fail, as on a disk that has become
// read-only. It mends itself after that.
func (w *World) Lose() {
	w.t.Helper()
	err := w.DB.Tx(w.t.Context(), func(tx *policystore.Tx) error {
		_, err := tx.ExecContext(w.t.Context(), `PRAGMA query_only = 1`)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
