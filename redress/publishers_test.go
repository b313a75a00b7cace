package redress_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// TestPublisherIsToldOncePerDay: one copy a list and day, with the number of filings of each name and
// nothing of who filed.
func TestPublisherIsToldOncePerDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		w.Lists["scam"] = append(w.Lists["scam"], "other.example")
		w.Config.Entries = func(list blocklists.ListID) (int, bool) { return 2, list == "scam" }
		w.Restart()
		time.Sleep(time.Hour)
		first, other := file(t, w, application("scam.example")), file(t, w, application("other.example"))
		reporter := application("scam.example")
		reporter.Role, reporter.Contact = "reporter", "somebody@else.example"
		file(t, w, reporter)
		decide(t, w, first.ID, redress.Decision{Outcome: "reverse"})
		decide(t, w, other.ID, redress.Decision{Outcome: "narrow", NarrowScope: "exact"})
		work(t, w)
		if got := notices(t, w, "list.reversal"); len(got) != 0 {
			t.Fatalf("told before the day was over: %v", got)
		}
		time.Sleep(24 * time.Hour)
		work(t, w)
		got := notices(t, w, "list.reversal")
		if len(got) != 1 {
			t.Fatalf("%d copies", len(got))
		}
		if !strings.Contains(got[0], "2000-01-01,scam.example,subtree,reverse,2\n") || strings.Contains(got[0], "@") {
			t.Errorf("the copy: %s", got[0])
		}
		file, err := w.Desk.ContestedFile(t.Context(), "scam", "csv")
		if err != nil || !strings.Contains(file, "2000-01-01,other.example,subtree,narrow,1\n2000-01-01,scam.example,subtree,reverse,2\n") {
			t.Errorf("%q, %v", file, err)
		}
		if file, err = w.Desk.ContestedFile(t.Context(), "scam", "domains"); err != nil || file != "scam.example\n" {
			t.Errorf("%q, %v", file, err)
		}
		for _, list := range []blocklists.ListID{"hidden", "phishing", "nowhere"} {
			if file, err := w.Desk.ContestedFile(t.Context(), list, "csv"); err == nil {
				t.Errorf("%s: %q", list, file)
			}
		}
		if !strings.Contains(kinds(read(t, w, first.ID)), "publisher_told") || !strings.Contains(kinds(read(t, w, other.ID)), "publisher_told") {
			t.Errorf("%s; %s", kinds(read(t, w, first.ID)), kinds(read(t, w, other.ID)))
		}
	})
}
