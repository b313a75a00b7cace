package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestProfilesAreKept(t *testing.T) {
	db := storetest.Open(t)
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	first := store.ProfileRecord{By: "parent", At: at, Config: profile.Config{
		ID: "kids", Requested: profile.Requested{By: "mother", At: at.Add(-time.Hour)}, Services: []string{"tiktok"}, SafeSearch: rewrite.All(), Deny: []string{"a.example"},
		Schedule: profile.Schedule{Timezone: "Europe/Berlin", Offline: []profile.Window{{Days: []string{"mon"}, From: "21:00", To: "06:00"}}},
		Pause:    profile.Pause{Of: profile.PauseInternet, Until: at.Add(time.Hour)}, Extra: at.Add(time.Minute),
	}}
	left := store.ProfileRecord{By: "crm", At: at.Add(time.Minute), Config: profile.Config{ID: "kids"}}
	for _, step := range []struct {
		record *store.ProfileRecord
		what   string
	}{{&first, "changed"}, {&left, "left"}} {
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.PutProfile(t.Context(), step.record, step.what) }); err != nil {
			t.Fatal(err)
		}
		kept, err := db.Profiles(t.Context())
		if err != nil || len(kept) != 1 || fmt.Sprintf("%+v", kept[0]) != fmt.Sprintf("%+v", *step.record) {
			t.Errorf("kept %+v, %v\nwant %+v", kept, err, *step.record)
		}
	}
	changes, err := db.ProfileChanges(t.Context(), "kids")
	if err != nil || len(changes) != 2 || changes[0] != (store.ProfileChange{What: "left", By: "crm", At: left.At}) ||
		changes[1] != (store.ProfileChange{What: "changed", By: "parent", Requested: first.Requested, At: at}) {
		t.Errorf("changes %+v, %v", changes, err)
	}
	err = db.Tx(t.Context(), func(tx *store.Tx) error { return tx.PutProfile(t.Context(), &store.ProfileRecord{At: at}, "changed") })
	if err == nil {
		t.Error("a change by nobody is written down")
	}
}

func TestProfileRequests(t *testing.T) {
	db := storetest.Open(t)
	ask := func(id, name string) error {
		return db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddRequest(t.Context(), id, wire.MustName(name), 2, time.Now()) })
	}
	for _, name := range []string{"a.example", "b.example", "a.example"} {
		if err := ask("kids", name); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask("kids", "c.example"); !errors.Is(err, store.ErrManyRequests) {
		t.Errorf("a third of two: %v", err)
	}
	if err := ask("teens", "c.example"); err != nil {
		t.Errorf("another profile's: %v", err)
	}
	waiting, err := db.Requests(t.Context(), "kids")
	if err != nil || len(waiting) != 2 || waiting[0].Name != wire.MustName("a.example") {
		t.Fatalf("waiting %+v, %v", waiting, err)
	}
	take := func(id string) (name wire.Name, err error) {
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			name, err = tx.TakeRequest(t.Context(), id, waiting[0].ID)
			return err
		})
		return name, err
	}
	if _, err := take("teens"); !errors.Is(err, store.ErrNoRequest) {
		t.Errorf("taken for another profile: %v", err)
	}
	if name, err := take("kids"); err != nil || name != wire.MustName("a.example") {
		t.Errorf("taken %v, %v", name, err)
	}
	if _, err := take("kids"); !errors.Is(err, store.ErrNoRequest) {
		t.Errorf("taken twice: %v", err)
	}
}
