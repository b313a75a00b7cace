package guard_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// reviewsOneByOne looks at every entry by itself.
func reviewsOneByOne(in *bundle.Bundle, ledger *guard.Ledger, now time.Time) []guard.Review {
	reviews := make([]guard.Review, len(in.Lists()))
	for id, entry := range in.All() {
		index := in.ListIndex(id)
		every := in.Lists()[index].Manifest.ReviewEvery
		due := guard.ReviewDue(in, id, in.Lists()[index].Manifest, ledger)
		if due == 0 || entry.Standing == blocklists.Held {
			continue
		}
		review, at := &reviews[index], time.Unix(due, 0).UTC()
		if review.Next.IsZero() || at.Before(review.Next) {
			review.Next = at
		}
		switch {
		case !at.After(now):
			review.Overdue++
		case at.Sub(now) <= guard.ReviewNotice && every > guard.ReviewNotice:
			review.Soon++
		}
	}
	return reviews
}

// Counting entries together says what looking at each of them says: after several
// generations, with entries that are held, and with confirmations of lists and of names.
func TestReviewsAreThoseOfEveryEntry(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{Protected: protected(t, "n7.example")})
	hourly, yearly := h.list("hourly", blocklists.Subtree, numbered(0, 40)), h.list("yearly", blocklists.Exact, numbered(0, 70))
	yearly.ReviewEvery, yearly.Purpose, yearly.Category = 365*24*time.Hour, blocklists.User, "gambling"
	begun := time.Unix(1_780_000_000, 0)
	in := bundle.Empty()
	for generation := range 3 {
		catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{hourly, yearly})
		if err != nil {
			t.Fatal(err)
		}
		if in, _, err = bundle.Compile(t.Context(), catalog, nil, h.store, in, g, begun.Add(time.Duration(generation)*48*time.Hour), quiet); err != nil {
			t.Fatal(err)
		}
		h.list("hourly", blocklists.Subtree, numbered(0, 60+20*generation))
		h.list("yearly", blocklists.Exact, numbered(5, 70+20*generation))
	}
	confirmed := func(list, name string, after time.Duration) blocklists.Confirmation {
		made := blocklists.Confirmation{List: blocklists.ListID(list), By: "Ada", At: begun.Add(after)}
		if name != "" {
			made.Name = wire.MustName(name)
		}
		return made
	}
	seen := 0
	for _, confirmations := range [][]blocklists.Confirmation{
		nil,
		{confirmed("hourly", "n3.example", 400*24*time.Hour), confirmed("hourly", "n7.example", time.Hour), confirmed("yearly", "n9.example", 10*time.Hour), confirmed("yearly", "none.example", 0)},
		{confirmed("yearly", "", 300*24*time.Hour), confirmed("yearly", "n9.example", 2*time.Hour)},
	} {
		ledger := guard.NewLedger(guard.Records{Confirmations: confirmations}, begun)
		for _, after := range []time.Duration{0, 49 * time.Hour, 340 * 24 * time.Hour, 366 * 24 * time.Hour, 900 * 24 * time.Hour} {
			now := begun.Add(after)
			want, got := reviewsOneByOne(in, ledger, now), guard.Reviews(in, ledger, now)
			for i := range want {
				if want[i] != got[i] {
					t.Errorf("%s after %s: %+v, and one by one %+v", in.Lists()[i].ID, after, got[i], want[i])
				}
				seen += got[i].Overdue + got[i].Soon
			}
		}
	}
	if seen == 0 {
		t.Error("nothing was ever due")
	}
}
