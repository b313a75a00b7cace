package volume_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/store/volume"
)

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

var end = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// What is made is what a desk makes: its chain holds, and its queue can be read.
func TestFill(t *testing.T) {
	db := databases.Open(t)
	if err := (volume.Desk{Cases: 1234, Events: 5, End: end}).Fill(t.Context(), db, func(int) {}); err != nil {
		t.Fatal(err)
	}
	kept := store.New(db)
	if count, _, err := kept.Verify(t.Context()); err != nil || count != 1234*5+6 {
		t.Errorf("%d events, %v", count, err)
	}
	cases, err := kept.List(t.Context(), redress.Page{Limit: 100})
	if err != nil || len(cases) != 62 {
		t.Errorf("%d cases wait, %v", len(cases), err)
	}
	if len(cases) > 0 {
		if found, err := kept.Case(t.Context(), cases[0].ID); err != nil || len(found.Events) != 5 {
			t.Errorf("%v, %v", found, err)
		}
	}
}

// filled is the database of a benchmark, one that was filled before where there is one.
func filled(b *testing.B, kind string) *policystore.DB {
	b.Helper()
	cases := 10_000
	if wanted, err := strconv.Atoi(os.Getenv("RECOURSE_CASES")); err == nil {
		cases = wanted
	}
	config := databases.SQLite(b)
	switch folder, server := os.Getenv("RECOURSE_VOLUME"), os.Getenv("RECOURSE_POSTGRES"); {
	case kind == "postgres" && server != "":
		config.Address = server
	case kind == "postgres":
		config = databases.Postgres(b)
	case folder != "":
		config.Address = filepath.Join(folder, fmt.Sprintf("volume-%d.db", cases))
	}
	db := databases.Reopen(b, config)
	var there int
	if err := db.QueryRowContext(b.Context(), `SELECT count(*) FROM cases`).Scan(&there); err != nil {
		b.Fatal(err)
	}
	if there >= cases {
		return db
	}
	began := time.Now()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	load(b, config, volume.Desk{Cases: cases, Events: 20, End: end})
	b.Logf("%s: %d cases and %d events in %s", kind, cases, cases*20, time.Since(began).Round(time.Second))
	return databases.Reopen(b, config)
}

// BenchmarkVolume reads the first page of the queue, one deep in it, and one case.
func BenchmarkVolume(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			if kind == "postgres" && !postgrestest.Present() {
				b.Skip(postgrestest.ErrMissing)
			}
			db := filled(b, kind)
			queue(b, store.New(db))
			log(b, db)
		})
	}
}

func queue(b *testing.B, kept *store.Store) {
	b.Helper()
	first, err := kept.List(b.Context(), redress.Page{Limit: 100, Confidential: true})
	if err != nil || len(first) == 0 {
		b.Fatal(len(first), err)
	}
	pages := map[string]redress.Page{
		"first":        {Limit: 100},
		"second":       {Limit: 100, After: first[len(first)-1].Cursor()},
		"all":          {Limit: 100, All: true},
		"purpose":      {Limit: 100, Purpose: "user"},
		"list":         {Limit: 100, List: "court"},
		"absent list":  {Limit: 100, List: "none"},
		"state":        {Limit: 100, State: redress.Submitted},
		"absent state": {Limit: 100, State: redress.NeedInfo, All: true},
		"name":         {Limit: 100, Name: first[0].Filing.Name, All: true},
		"reread":       {Limit: 100, Reread: true, All: true},
		"track":        {Limit: 100, Track: redress.Merits},
		"all track":    {Limit: 100, Track: redress.Merits, All: true, After: redress.Cursor{Due: end.AddDate(1, 0, 0), ID: "C-0"}},
		"mine":         {Limit: 100, Actor: "reviewer-1", All: true},
		"both states":  {Limit: 100, State: redress.Upheld, Purpose: "law", All: true},
		"overdue":      {Limit: 100, Before: end},
		"referred":     {Limit: 100, Track: redress.Merits, State: redress.Referred, All: true, FiledBefore: end.AddDate(0, -1, 0)},
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		page := pages[name]
		measured(b, "queue/"+name, func() error {
			_, err := kept.List(b.Context(), page)
			return err
		})
	}
	measured(b, "case", func() error {
		_, err := kept.Case(b.Context(), first[0].ID)
		return err
	})
	for name, wanted := range map[string]store.Trail{"all": {}, "actor": {Actor: "reviewer-1"}, "kind": {Kind: redress.DecidedEvent}, "absent": {Actor: "nobody"}, "at": {From: end.AddDate(0, -6, 0), Until: end.AddDate(0, -5, 0)}, "actor at": {Actor: "reviewer-1", From: end.AddDate(0, -6, 0), Until: end.AddDate(0, -5, 0)}} {
		measured(b, "trail/"+name, func() error {
			_, err := kept.Trail(b.Context(), wanted)
			return err
		})
	}
}
