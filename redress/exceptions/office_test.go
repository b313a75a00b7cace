package exceptions_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type applied struct{}

func (applied) Apply(context.Context) (uint64, time.Time, error) { return 7, time.Now(), nil }

// newOffice is an office in a world with a decided exception of each of some names, and one of the operator's own of
// others.
func newOffice(t *testing.T, decided []string, own int) (*exceptions.Office, []redress.CaseID) {
	t.Helper()
	w := redresstest.New(t)
	phishing := &blocklists.Manifest{
		ID: "phishing", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"}, ReviewEvery: time.Hour,
		Publisher: blocklists.Publisher{Name: "Example CERT"}, Source: blocklists.Source{File: "phishing.txt"}, Format: "domains",
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{phishing})
	if err != nil {
		t.Fatal(err)
	}
	office := exceptions.New(w.DB, func() *blocklists.Catalog { return catalog }, applied{}, slog.New(slog.DiscardHandler))
	var cases []redress.CaseID
	for i, name := range decided {
		receipt, err := w.Desk.File(t.Context(), redress.Application{Name: name, Role: "owner", Explanation: "It was cleaned last week.", GoodFaith: true})
		if err != nil {
			t.Fatal(err)
		}
		who := redress.Actor{Name: fmt.Sprintf("reviewer-%d", len(decided)-i), Role: redress.Reviewer}
		if _, err := w.Desk.Decide(t.Context(), who, receipt.ID, redress.Decision{Outcome: "reverse", Facts: "Clean.", Ground: "Ours."}); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, receipt.ID)
	}
	for i := range own {
		wanted := exceptions.Wanted{List: "phishing", Name: fmt.Sprintf("n%03d.example", i), Reason: "Ours.", Review: time.Now().Add(time.Duration(own-i) * time.Hour)}
		if _, err := office.Make(t.Context(), redress.Actor{Name: fmt.Sprintf("Operator-%d", i%3), Role: redress.Operator}, wanted); err != nil {
			t.Fatal(err)
		}
	}
	return office, cases
}

// all walks the pages of a list; the places travel as text.
func all(t *testing.T, office *exceptions.Office, sort exceptions.Sort) []exceptions.Shown {
	t.Helper()
	var found []exceptions.Shown
	for text, pages := "", 0; ; pages++ {
		place, is := exceptions.ParsePlace(text, sort)
		if !is || pages > 10 {
			t.Fatalf("page %d begins at %q: %t", pages, text, is)
		}
		page, next, err := office.List(t.Context(), sort, place)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page...)
		if text = next.String(); text == "" {
			return found
		}
	}
}

// TestEveryOrderHasEveryExceptionOnce walks more than two pages in each order.
func TestEveryOrderHasEveryExceptionOnce(t *testing.T) {
	const own = 2*exceptions.MaxPage + 3
	office, _ := newOffice(t, []string{"phish.example", "scam.example"}, own)
	for sort, before := range map[exceptions.Sort]func(a, b *exceptions.Shown) bool{
		exceptions.ByNumber: func(a, b *exceptions.Shown) bool { return a.ID < b.ID },
		exceptions.ByReview: func(a, b *exceptions.Shown) bool { return !b.Review.Before(a.Review) },
		exceptions.ByMaker:  func(a, b *exceptions.Shown) bool { return a.By < b.By || a.By == b.By && a.ID < b.ID },
		exceptions.ByCase:   func(a, b *exceptions.Shown) bool { return a.Case < b.Case || a.Case == b.Case && a.ID < b.ID },
	} {
		found := all(t, office, sort)
		seen := map[int64]bool{}
		for i := range found {
			seen[found[i].ID] = true
			if i > 0 && !before(&found[i-1], &found[i]) {
				t.Errorf("%q: %d stands before %d", sort, found[i-1].ID, found[i].ID)
			}
		}
		if len(found) != own+2 || len(seen) != own+2 {
			t.Errorf("%q: %d exceptions, %d different", sort, len(found), len(seen))
		}
	}
}

// TestDecidedExceptionsHaveTheirReview: when, who, and which case.
func TestDecidedExceptionsHaveTheirReview(t *testing.T) {
	office, cases := newOffice(t, []string{"phish.example"}, 0)
	found := all(t, office, exceptions.ByReview)
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	one := found[0]
	if days := time.Until(one.Review).Hours() / 24; days < 89.9 || days > 90.1 {
		t.Errorf("it is looked at again in %.1f days", days)
	}
	if one.By != "reviewer-1" || one.Case != string(cases[0]) {
		t.Errorf("by %q, case %q", one.By, one.Case)
	}
	shown, err := office.Show(t.Context(), one.ID)
	if err != nil || !shown.Review.Equal(one.Review) || shown.By != one.By {
		t.Errorf("by itself it is %+v, %v", shown, err)
	}
}

func TestPlacesOfOthersAreRefused(t *testing.T) {
	for text, sorts := range map[string][]exceptions.Sort{
		"x": exceptions.Sorts(), "-1": exceptions.Sorts(), "1.": exceptions.Sorts()[:2], "1.!": exceptions.Sorts(), "7": exceptions.Sorts()[1:], "7.Nw": exceptions.Sorts()[:1],
		"7.YQ": exceptions.Sorts()[:2], "7.AA": exceptions.Sorts(), "99999999999999999999": exceptions.Sorts(),
	} {
		for _, sort := range exceptions.Sorts() {
			if _, is := exceptions.ParsePlace(text, sort); is == slices.Contains(sorts, sort) {
				t.Errorf("%q for %q: %t", text, sort, is)
			}
		}
	}
}
