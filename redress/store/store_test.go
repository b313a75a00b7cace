package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opened {
		config := databases.New(t)
		db := databases.Reopen(t, config)
		return storetest.Opened{
			Store: store.New(db),
			Reopen: func() storetest.Store {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				db = databases.Reopen(t, config)
				return store.New(db)
			},
			Exceptions: func() ([]blocklists.Exception, error) {
				_, exceptions, err := db.Exceptions(context.Background())
				return exceptions, err
			},
		}
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
	return w, databases.Raw(t, w.Database())
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
		"text":     `UPDATE texts SET body = salt WHERE kind = 'explanation'`,
		"no json":  `UPDATE events SET content = '{' WHERE sequence = 2`,
		"own hash": `UPDATE events SET hash = (SELECT commitment FROM texts LIMIT 1) WHERE sequence = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			w, db := filed(t)
			databases.Unguard(t, db, w.Database())
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
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
