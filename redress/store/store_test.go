package store_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opened {
		path := filepath.Join(t.TempDir(), "recourse.db")
		var db *policystore.DB
		reopen := func() storetest.Store {
			if db != nil {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if db, err = policystore.Open(context.Background(), path, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			return store.New(db)
		}
		opened := storetest.Opened{Store: reopen(), Reopen: reopen, Exceptions: func() ([]blocklists.Exception, error) {
			_, exceptions, err := db.Exceptions(context.Background())
			return exceptions, err
		}}
		t.Cleanup(func() { _ = db.Close() })
		return opened
	})
}

// filed is a world with one decided case, and its database open a second time, as
// whoever owns the file could.
func filed(t *testing.T) (*redresstest.World, *sql.DB) {
	t.Helper()
	w := redresstest.New(t)
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true, Contact: "me@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	reviewer := redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse", Facts: "Clean."}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", w.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return w, db
}

func TestEventsAreOnlyAppended(t *testing.T) {
	w, db := filed(t)
	for _, statement := range []string{`UPDATE events SET actor = 'somebody'`, `DELETE FROM events`, `DELETE FROM events WHERE sequence = 2`} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "only appended") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if count, _, err := w.Store.Verify(t.Context()); err != nil || count != 3 {
		t.Errorf("%d events, %v", count, err)
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	for name, statement := range map[string]string{
		"actor":    `UPDATE events SET actor = 'somebody' WHERE sequence = 2`,
		"content":  `UPDATE events SET content = replace(content, 'reverse', 'uphold') WHERE sequence = 2`,
		"time":     `UPDATE events SET at = at + 1000 WHERE sequence = 1`,
		"case":     `UPDATE events SET kind = 'filed' WHERE sequence = 3`,
		"removed":  `DELETE FROM events WHERE sequence = 2`,
		"first":    `DELETE FROM events WHERE sequence = 1`,
		"text":     `UPDATE texts SET body = 'other' WHERE kind = 'explanation'`,
		"no json":  `UPDATE events SET content = '{' WHERE sequence = 2`,
		"own hash": `UPDATE events SET hash = zeroblob(32) WHERE sequence = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			w, db := filed(t)
			for _, drop := range []string{`PRAGMA foreign_keys = 0`, `DROP TRIGGER events_unchanged`, `DROP TRIGGER events_kept`, statement} {
				if _, err := db.ExecContext(t.Context(), drop); err != nil {
					t.Fatalf("%s: %v", drop, err)
				}
			}
			if _, _, err := w.Store.Verify(t.Context()); !errors.Is(err, store.ErrChain) {
				t.Errorf("not found: %v", err)
			}
		})
	}
}

func TestErasedTextLeavesTheChainWhole(t *testing.T) {
	w, db := filed(t)
	if _, err := db.ExecContext(t.Context(), `DELETE FROM texts`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	cases, err := w.Desk.Queue(t.Context(), redress.Actor{Name: "r", Role: redress.Reviewer}, redress.Page{All: true})
	if err != nil || len(cases) != 1 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	found, err := w.Store.Case(t.Context(), cases[0].ID)
	if err != nil || found.Text(found.Events[0], redress.Explanation) != "" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestPersonalDataIsInTextsOnly(t *testing.T) {
	_, db := filed(t)
	rows, err := db.QueryContext(t.Context(), `SELECT content || actor FROM events`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var content string
		if err := rows.Scan(&content); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"cleaned", "me@example.net", "Clean."} {
			if strings.Contains(content, text) {
				t.Errorf("an event has %q: %s", text, content)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
