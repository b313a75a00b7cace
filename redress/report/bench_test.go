package report_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/report"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// perCase is how many events a case of the benchmark has.
const perCase = 20

// lifeOf is the events of one case: filed, talked about, decided, in force.
func lifeOf(id redress.CaseID, at time.Time) []redress.Event {
	party, reviewer := redress.Actor{Name: "owner", Role: redress.Party}, redress.Actor{Name: "r", Role: redress.Reviewer}
	open := redress.Content{List: "phish", Entry: "a.example", Implementation: redress.Submitted, Merits: redress.Submitted}
	events := []redress.Event{{Case: id, At: at, Kind: redress.FiledEvent, Actor: party, Content: open}}
	for i := range perCase - 3 {
		events = append(events, redress.Event{Case: id, At: at.Add(time.Duration(i) * time.Hour), Kind: redress.MessageEvent, Actor: party, Content: redress.Content{Implementation: redress.Submitted, Merits: redress.Submitted}})
	}
	decided := redress.Content{Question: redress.Merits, Outcome: redress.Reverse, List: "phish", Implementation: redress.Closed, Merits: redress.Reversed}
	return append(events,
		redress.Event{Case: id, At: at.Add(20 * time.Hour), Kind: redress.DecidedEvent, Actor: reviewer, Content: decided},
		redress.Event{Case: id, At: at.Add(21 * time.Hour), Kind: redress.InForceEvent, Actor: redress.Actor{Name: "desk", Role: redress.System}, Content: redress.Content{Generation: 1}})
}

// fill writes a year of cases.
func fill(b *testing.B, db *store.DB, count int) {
	b.Helper()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	err := db.Tx(b.Context(), func(tx *store.Tx) error {
		event, err := redress.About("list/phish", audit.Version, redress.Actor{}, begin, audit.ListVersion{Purpose: "security", Entries: 1000})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(b.Context(), `INSERT INTO filings (id, name, role, at, token, challenge) VALUES ('F', 'a.example', 'owner', 1, x'00', 'c')`)
		if err != nil {
			return err
		}
		return cases.Append(b.Context(), tx, event)
	})
	for done := 0; err == nil && done < count; done += 1000 {
		err = db.Tx(b.Context(), func(tx *store.Tx) error {
			for i := done; i < min(done+1000, count); i++ {
				id := redress.CaseID(fmt.Sprintf("C-%012d", i))
				_, err := tx.ExecContext(b.Context(), `INSERT INTO cases (id, filing, position, confidential, hidden, implementation, merits, due) VALUES (?, 'F', ?, 0, 0, 'closed', 'reversed', 1)`, string(id), i)
				if err != nil {
					return err
				}
				if err := cases.Append(b.Context(), tx, lifeOf(id, begin.Add(time.Duration(i)*360*24*time.Hour/time.Duration(count)))...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkYear makes a year's report over RECOURSE_BENCH_CASES cases (2,000) with 20 events each:
// counted from the beginning, and from what was written down.
func BenchmarkYear(b *testing.B) {
	count := 2000
	if text := os.Getenv("RECOURSE_BENCH_CASES"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "recourse.db"), quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fill(b, db, count)
	year := report.Period{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}
	make := func(b *testing.B) {
		for b.Loop() {
			if _, err := report.NewBooks(db, quiet).Report(b.Context(), "ISP", "", year); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("counted", make)
	if err := report.NewBooks(db, quiet).Keep(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("written down", make)
}
