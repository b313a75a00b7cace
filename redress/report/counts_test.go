package report_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/report"
	cases "github.com/recourse-dns/recourse/redress/store"
)

var today = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func day(before int) time.Time { return today.Truncate(24*time.Hour).AddDate(0, 0, -before) }

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func open(t *testing.T) *store.DB { return storetest.Open(t) }

func add(t *testing.T, db *store.DB, node string, at time.Time, counts map[string]int64) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) error { return report.AddBlocked(t.Context(), tx, node, at, counts) })
	if err != nil {
		t.Fatal(err)
	}
}

// published are the events of counts in the log.
func published(t *testing.T, db *store.DB) []audit.BlocksCount {
	t.Helper()
	var all []audit.BlocksCount
	err := cases.Each(t.Context(), db, 0, func(event *redress.Event, _ []byte) error {
		var facts audit.BlocksCount
		if event.Kind != audit.Blocks {
			return nil
		}
		err := event.ReadFacts(&facts)
		all = append(all, facts)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCountsArePublishedRoundedLateAndOfManyClients(t *testing.T) {
	db := open(t)
	for _, node := range []string{"a", "b"} {
		add(t, db, node, day(3), map[string]int64{report.AllAnswers: 10_020, "phish": 1_024, "police": 77})
		add(t, db, node, day(3), map[string]int64{"phish": 1, report.PassesUsed: 2})
		add(t, db, node, day(1), map[string]int64{"phish": 500})
	}
	shown := func(list string) bool { return list == "phish" }
	publish := func(clients uint32, now time.Time) []audit.BlocksCount {
		if err := report.PublishBlocked(t.Context(), db, report.Config{Clients: clients}, now, shown); err != nil {
			t.Fatal(err)
		}
		return published(t, db)
	}
	if found := publish(report.FewClients-1, today); len(found) != 0 {
		t.Errorf("of few clients: %+v", found)
	}
	for range 2 { // which the second time publishes nothing
		found := publish(report.FewClients, today)
		if len(found) != 1 || found[0].Day != day(3).Format(time.DateOnly) || found[0].Answers != 20_000 || found[0].Blocked["phish"] != 2_100 || len(found[0].Blocked) != 1 || found[0].Passes != 4 {
			t.Errorf("%+v", found)
		}
	}
	if found := publish(report.FewClients, today.AddDate(0, 0, 1)); len(found) != 2 || found[1].Blocked["phish"] != 1_000 {
		t.Errorf("a day later: %+v", found)
	}
	counts, err := report.BlockedIn(t.Context(), db, report.Period{From: day(1), To: day(1)})
	if err != nil || len(counts) != 1 || counts[0] != (report.Blocked{Day: day(1), List: "phish", Count: 1000}) {
		t.Errorf("%+v %v", counts, err)
	}
}

func TestListsAreCountedOnceADay(t *testing.T) {
	db := open(t)
	for _, now := range []time.Time{today, today.Add(time.Hour), today.AddDate(0, 0, 3)} {
		err := report.PublishLists(t.Context(), db, now, func() []audit.ListCount { return []audit.ListCount{{List: "phish"}} })
		if err != nil {
			t.Fatal(err)
		}
	}
	if sequence, _, err := cases.Last(t.Context(), db); err != nil || sequence != 2 {
		t.Errorf("%d events, %v", sequence, err)
	}
}

// TestBooksAreKeptAndHeldToTheLog: what was counted is written down, read back by the next
// program, and found out when it is not what the log says.
func TestBooksAreKeptAndHeldToTheLog(t *testing.T) {
	db := open(t)
	lists := func(count int) {
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			for range count {
				event, err := redress.About("list/phish", audit.Version, redress.Actor{}, today, audit.ListVersion{Purpose: "security", Entries: 1, Added: 1})
				if err != nil {
					return err
				}
				if err := cases.Append(t.Context(), tx, event); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	lists(1000)
	if err := report.NewBooks(db, quiet).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	lists(5)
	period := report.Period{From: day(1), To: day(0)}
	kept, err := report.NewBooks(db, quiet).Report(t.Context(), "ISP", "", period)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Log.Sequence != 1005 || *kept.Parts[4].Tables[0].Rows[0].Values[1] != 1005 {
		t.Errorf("%+v", kept.Parts[4].Tables[0])
	}
	if faults, err := report.VerifyBooks(t.Context(), db); err != nil || len(faults) != 0 {
		t.Errorf("%+v %v", faults, err)
	}
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE report_books SET book = ?`, []byte{0})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if faults, err := report.VerifyBooks(t.Context(), db); err != nil || len(faults) != 1 {
		t.Errorf("a damaged book: %+v %v", faults, err)
	}
	if again, err := report.NewBooks(db, quiet).Report(t.Context(), "ISP", "", period); err != nil || again.Log != kept.Log {
		t.Errorf("a damaged book is not made anew: %+v %v", again, err)
	}
}
