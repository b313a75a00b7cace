package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

// pair is a server and a standby that has all that the server confirmed.
func pair(t *testing.T) (primary, standby *postgrestest.Server, address string) {
	t.Helper()
	primary, standby = postgrestest.Pair(t)
	if _, err := primary.Create(t.Context(), "desk", "template1"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Synchronous(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return primary, standby, postgrestest.Either(primary, standby, "desk")
}

// A server is killed while several write, and its standby takes over: what was confirmed is there, nobody was told
// anything but that the database cannot be used, one process leads, and those who wait are woken.
func TestStandbyTakesOver(t *testing.T) {
	if storetest.OnPostgres() {
		return // once is enough: the servers are its own
	}
	primary, standby, address := pair(t)
	one, other := storetest.Reopen(t, store.Config{Address: address}), storetest.Reopen(t, store.Config{Address: address})
	began := make(chan string, 10)
	for name, db := range map[string]*store.DB{"one": one, "other": other} {
		defer joined(t, db, idle(began, name))()
	}
	leader := <-began
	var (
		mu        sync.Mutex
		confirmed = map[string]bool{}
		writers   sync.WaitGroup
		enough    = make(chan struct{}, 1)
	)
	writing, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	for w, db := range []*store.DB{one, other} {
		writers.Go(func() {
			for i := 0; writing.Err() == nil; i++ {
				decided := fmt.Sprintf("C-%d-%d", w, i)
				err := write(writing, db, decided)
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("said of %s: %v", decided, err)
					}
					return
				}
				mu.Lock()
				confirmed[decided] = true
				if len(confirmed) == 20 {
					enough <- struct{}{}
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	unavailable(t, one) // a standby is none that can be used
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	usable(t, one, "C-after")
	usable(t, other, "C-after-too")
	_, exceptions := inForce(t, other)
	there := map[string]bool{}
	for i := range exceptions {
		there[exceptions[i].Case] = true
	}
	for decided := range confirmed {
		if !there[decided] {
			t.Errorf("%s was confirmed, and is lost", decided)
		}
	}
	t.Logf("%d confirmed before the server was killed, %d there, %s led before and %s after", len(confirmed), len(there), leader, <-began)
	for range 3 { // the first that wakes may be that it listens again
		wake := other.Changed(store.ExceptionsTopic)
		if sequence, _ := inForce(t, other); sequence > uint64(len(there)) {
			return
		}
		usable(t, one, "C-told")
		<-wake
	}
	t.Error("the other process is not told of what one changes")
}

// A server without its standby confirms nothing, and whoever waits is told in time; with it all goes on by itself.
func TestNothingIsConfirmedWithoutTheStandby(t *testing.T) {
	if storetest.OnPostgres() {
		return
	}
	primary, standby, address := pair(t)
	if err := primary.Set(t.Context(), "synchronous_commit", "local"); err != nil { // which the desk does not go by
		t.Fatal(err)
	}
	db := storetest.Reopen(t, store.Config{Address: address})
	add(t, db, exception("court", "x.example", "C-1"))
	if err := standby.Stop(); err != nil {
		t.Fatal(err)
	}
	db.Hurry(300 * time.Millisecond)
	if err := write(t.Context(), db, "C-2"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a commit that nobody confirms: %v", err)
	}
	if err := write(t.Context(), db, "C-3"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("behind it: %v", err)
	}
	db.Hurry(time.Minute)
	if err := standby.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := primary.Synchronous(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	usable(t, db, "C-4")
	if _, exceptions := inForce(t, db); exceptions[0].Case != "C-1" || exceptions[len(exceptions)-1].Case != "C-4" {
		t.Errorf("%+v", exceptions)
	}
}
