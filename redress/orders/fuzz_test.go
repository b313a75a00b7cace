package orders_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/orders"
)

// FuzzSubmission sends anything that reads as an order: it is taken, or refused as what it is,
// and what is taken names exact names alone.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		`{"ref":"R","authority":{"name":"Tribunale"},"legal_basis":[{"act":"A"}],"jurisdiction":["IT"],"entries":["a.example",{"name":"b.example","scope":"below"}]}`,
		`{"ref":"R","authority":{"name":"Tribunale"},"legal_basis":[{"act":"A"}],"jurisdiction":["IT"],"entries":["*.example","com","192.0.2.1",""],"effective":"2026-01-01T00:00:00.5Z"}`,
		`{"ref":"\u0000","reasons":{"xx-":"\ud800"},"redress":{"deadline":"30d"},"expires":"9999-99-99T00:00:00Z"}`,
		`{"list":"court","entries":null}`,
	} {
		f.Add([]byte(seed))
	}
	w := newWorldOf(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var submission orders.Submission
		if json.Unmarshal(text, &submission) != nil {
			return
		}
		outcome, err := w.Submit(t.Context(), tribunale(), &submission)
		switch {
		case err == nil:
			for _, held := range outcome.Held {
				if held.Name == "" {
					t.Errorf("held without a name: %+v", held)
				}
			}
			if outcome.Record.Order.Ref == "" || outcome.Names+len(outcome.Held) == 0 && outcome.State != orders.Lifted {
				t.Errorf("taken: %+v", outcome)
			}
		case isRefusal(err):
		default:
			t.Errorf("%q: %v", text, err)
		}
	})
}

func isRefusal(err error) bool {
	_, unlawful := errors.AsType[*orders.Unlawful](err)
	_, forbidden := errors.AsType[*orders.Forbidden](err)
	_, many := errors.AsType[*orders.TooMany](err)
	return unlawful || forbidden || many || errors.Is(err, orders.ErrOtherBody) || errors.Is(err, redress.ErrNotPermitted)
}

func newWorldOf(f *testing.F) *world {
	f.Helper()
	w := &world{catalog: courtOf(f), db: storetest.Open(f)}
	w.Office = orders.New(orders.Config{Node: "node"}, w.db, w, w, slog.New(slog.DiscardHandler))
	return w
}
