package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

// crowd is a list with three more held entries than an import notes, and its ledger.
type crowd struct {
	t        *testing.T
	manifest *blocklists.Manifest
	catalog  *blocklists.Catalog
	source   *fetch.Store
	ledger   *ledger
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	var text strings.Builder
	for i := range bundle.MaxNotes {
		fmt.Fprintf(&text, "n%d.bank.example\n", i)
	}
	text.WriteString("xxxxxxxx.bank.example\nyyyyyyyy.bank.example\nzzzzzzzz.bank.example\n")
	path := filepath.Join(t.TempDir(), "phishing.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := &blocklists.Manifest{
		ID: "phishing", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"},
		Publisher: blocklists.Publisher{Name: "Example"}, ReviewEvery: time.Hour, Source: blocklists.Source{File: path}, Format: "domains", Scope: blocklists.Exact,
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{manifest})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	return &crowd{
		t: t, manifest: manifest, catalog: catalog, source: fetch.New(t.TempDir(), nil, quiet),
		ledger: &ledger{database: storetest.Reopen(t, storetest.SQLite(t)), path: filepath.Join(t.TempDir(), holdsFile), told: discloser{catalog: func() *blocklists.Catalog { return catalog }}, logger: quiet},
	}
}

// compile takes the list in, with what people released until then.
func (c *crowd) compile() (*bundle.Bundle, []bundle.ListReport, *guard.Ledger) {
	c.t.Helper()
	before, err := c.ledger.read(c.t.Context(), time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	bank, err := guard.ParseProtected("bank.example")
	if err != nil {
		c.t.Fatal(err)
	}
	safeguards := guard.New(guard.Config{Protected: []guard.Protected{bank}, Ledger: before})
	made, reports, err := bundle.Compile(c.t.Context(), c.catalog, nil, c.source, nil, safeguards, time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		c.t.Fatal(err)
	}
	return made, reports, before
}

// release is one more person's word on a name; it says how many people have given theirs.
func (c *crowd) release(in *bundle.Bundle, name, by string) (people int, err error) {
	holds, err := c.ledger.releaseFrom(c.t.Context(), in, c.manifest, release{List: c.manifest.ID, Name: name, By: by}, "operator")
	for i := range holds {
		people += len(holds[i].ReleasedBy())
	}
	return people, err
}

// TestUnnotedHoldsAreReleasedByName: what an import does not write down is written down when
// a person names it, goes on over the next import, and takes effect when a second agrees.
func TestUnnotedHoldsAreReleasedByName(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	made, reports, before := c.compile()
	_, noted := heldBy(c.catalog, reports, before)
	if len(noted) != bundle.MaxNotes || len(unnoted(made, c.catalog, reports, noted, before)) != 0 {
		t.Fatalf("%d holds are written down, want %d and no more", len(noted), bundle.MaxNotes)
	}
	if _, err := c.release(made, "other.bank.example", "Ada"); !errors.Is(err, store.ErrNoHold) {
		t.Errorf("a name that is not listed: %v", err)
	}
	if people, err := c.release(made, "zzzzzzzz.bank.example", "Ada"); people != 1 || err != nil {
		t.Errorf("one release: by %d people, %v", people, err)
	}

	made, reports, before = c.compile()
	further := unnoted(made, c.catalog, reports, noted, before)
	if len(further) != 1 || further[0].Subject.String() != "zzzzzzzz.bank.example" || further[0].Line != bundle.MaxNotes+3 {
		t.Fatalf("of what is not noted goes on %v, want the last line", further)
	}
	_, err := c.ledger.change(t.Context(), func(tx *store.Tx) error {
		return tx.SettleHolds(t.Context(), []blocklists.ListID{c.manifest.ID}, further, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.release(made, "zzzzzzzz.bank.example", " ada"); !errors.Is(err, store.ErrSamePerson) {
		t.Errorf("the same person again: %v", err)
	}
	if people, err := c.release(made, "zzzzzzzz.bank.example", "Bo"); people != 2 || err != nil {
		t.Errorf("two releases: by %d people, %v", people, err)
	}

	made, _, _ = c.compile()
	for name, held := range map[string]bool{"zzzzzzzz.bank.example": false, "yyyyyyyy.bank.example": true, "n1.bank.example": true} {
		if still := len(heldAt(made, c.manifest, name)) == 1; still != held {
			t.Errorf("%s is held: %t, want %t", name, still, held)
		}
	}
}
