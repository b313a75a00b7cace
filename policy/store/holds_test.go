package store_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func holdOf(list, name string) blocklists.Hold {
	return blocklists.Hold{List: blocklists.ListID(list), Purpose: blocklists.Security, Safeguard: blocklists.PopularName, Detail: "popular", Line: 3,
		Subject: blocklists.Subject{Name: wire.MustName(name), Scope: blocklists.Subtree}}
}

func settle(t *testing.T, db *store.DB, at time.Time, lists []blocklists.ListID, holds ...blocklists.Hold) map[string]blocklists.Hold {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SettleHolds(t.Context(), lists, holds, at) }); err != nil {
		t.Fatal(err)
	}
	all, err := db.Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]blocklists.Hold{}
	for _, hold := range all {
		byName[hold.Subject.String()+string(hold.List)] = hold
	}
	return byName
}

func TestHoldsGoOnEndAndComeBack(t *testing.T) {
	db := storetest.Open(t)
	feed := []blocklists.ListID{"feed"}
	wide := blocklists.Hold{List: "feed", Purpose: blocklists.Law, Safeguard: blocklists.WidePrefix, Detail: "wide",
		Subject: blocklists.Subject{Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix("192.0.0.0/16")}}
	settle(t, db, today, feed, holdOf("feed", "x.example"), holdOf("other", "x.example"), wide)
	var released []blocklists.Hold
	for _, by := range []string{"Ada", "Bo"} {
		err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
			released, err = tx.Release(t.Context(), "feed", "x.example", "", blocklists.Release{By: by, At: today}, "uid 0")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(released) != 1 || !released[0].Released() {
		t.Errorf("released: %+v", released)
	}

	later := today.Add(time.Hour)
	held := settle(t, db, later, feed, wide)
	if x := held["x.examplefeed"]; !x.Ended.Equal(later) || !x.Released() {
		t.Errorf("what left the list: %+v", x)
	}
	if other := held["x.exampleother"]; !other.Ended.IsZero() {
		t.Errorf("a list that was not read lost its hold: %+v", other)
	}
	if w := held["192.0.0.0/16feed"]; !w.Since.Equal(today) || w.Subject != wide.Subject {
		t.Errorf("what is still there: %+v", w)
	}
	if back := settle(t, db, later.Add(time.Hour), feed, holdOf("feed", "x.example"))["x.examplefeed"]; !back.Released() || !back.Ended.IsZero() || !back.Since.Equal(later.Add(time.Hour)) {
		t.Errorf("what came back: %+v", back)
	}
}

func TestReleasingTwiceAndNothing(t *testing.T) {
	db := storetest.Open(t)
	settle(t, db, today, []blocklists.ListID{"feed"}, holdOf("feed", "x.example"))
	release := func(subject, by string, whole blocklists.Safeguard) error {
		return db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Release(t.Context(), "feed", subject, whole, blocklists.Release{By: by, At: today}, "uid 0")
			return err
		})
	}
	if err := release("x.example", "Ada", ""); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		subject, by string
		whole       blocklists.Safeguard
		want        error
	}{{"x.example", " ada ", "", store.ErrSamePerson}, {"y.example", "Bo", "", store.ErrNoHold}, {"", "Bo", blocklists.Growth, store.ErrNoHold}} {
		if err := release(test.subject, test.by, test.whole); !errors.Is(err, test.want) {
			t.Errorf("%q by %q: %v, want %v", test.subject, test.by, err, test.want)
		}
	}
	if err := release("x.example", "  ", ""); err == nil {
		t.Error("nobody released it")
	}
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM holds`)
		return err
	})
	if err == nil {
		t.Error("a hold was deleted")
	}
}

func TestListStatesConfirmationsAndAlarms(t *testing.T) {
	db := storetest.Open(t)
	do := func(what func(context.Context, *store.Tx) error) {
		t.Helper()
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return what(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
	}
	do(func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.NoteSerial(ctx, "feed", 7), tx.Pin(ctx, blocklists.ListState{List: "feed", Pinned: today, PinnedBy: "Ada", PinnedFrom: 42, PinnedTo: 41}), tx.NoteSerial(ctx, "feed", 8), tx.Unpin(ctx, "unknown"),
			tx.Confirm(ctx, blocklists.Confirmation{List: "feed", Name: wire.MustName("x.example"), By: "Ada", At: today}, "uid 0"))
	})
	records, err := db.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (blocklists.ListState{List: "feed", Serial: 8, Pinned: today, PinnedBy: "Ada", PinnedFrom: 42, PinnedTo: 41}); len(records.Lists) != 1 || records.Lists[0] != want {
		t.Errorf("states: %+v", records.Lists)
	}
	if len(records.Confirmations) != 1 || records.Confirmations[0].Name != wire.MustName("x.example") {
		t.Errorf("confirmations: %+v", records.Confirmations)
	}
	do(func(ctx context.Context, tx *store.Tx) error { return tx.Unpin(ctx, "feed") })
	if records, err = db.Ledger(t.Context()); err != nil || records.Lists[0] != (blocklists.ListState{List: "feed", Serial: 8}) {
		t.Errorf("unpinned: %+v, %v", records.Lists, err)
	}

	var begun []blocklists.Alarm
	alarm := func(at time.Time, alarms ...blocklists.Alarm) {
		do(func(ctx context.Context, tx *store.Tx) (err error) {
			begun, err = tx.SettleAlarms(ctx, alarms, at)
			return err
		})
	}
	source := blocklists.Alarm{List: "feed", Kind: blocklists.AlarmSource, Detail: "gone"}
	alarm(today, source)
	if len(begun) != 1 {
		t.Errorf("begun: %+v", begun)
	}
	source.Detail = "still gone"
	alarm(today.Add(time.Hour), source, blocklists.Alarm{List: "feed", Kind: blocklists.AlarmHeld})
	if open, err := db.Alarms(t.Context()); err != nil || len(begun) != 1 || len(open) != 2 || open[0].Detail != "still gone" || !open[0].Since.Equal(today) {
		t.Errorf("open: %+v, %v; begun %+v", open, err, begun)
	}
	alarm(today.Add(2 * time.Hour))
	if open, err := db.Alarms(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("still open: %+v, %v", open, err)
	}
}
