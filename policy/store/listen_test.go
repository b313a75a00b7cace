package store_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

// joined has a process join its database, and gives what ends it and waits.
func joined(t *testing.T, db *store.DB, lead func(context.Context)) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); db.Join(ctx, lead, slog.New(slog.DiscardHandler)) }()
	return func() { cancel(); <-done }
}

// idle leads until it ends, and says when it begins.
func idle(began chan<- string, name string) func(context.Context) {
	return func(ctx context.Context) {
		began <- name
		<-ctx.Done()
	}
}

func TestAnotherProcessIsTold(t *testing.T) {
	config := storetest.Postgres(t)
	one, other := storetest.Reopen(t, config), storetest.Reopen(t, config)
	began := make(chan string, 1)
	leave := joined(t, other, idle(began, "other"))
	defer leave()
	<-began // so that it listens
	// The first that wakes may be what it missed before; after it only the change does.
	for range 2 {
		wake := other.Changed(store.ExceptionsTopic)
		if sequence, _ := inForce(t, other); sequence > 0 {
			return
		}
		if err := one.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.AddException(t.Context(), exception("court", "x.example", "C-1"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		<-wake
	}
	if sequence, _ := inForce(t, other); sequence != 1 {
		t.Errorf("woken, and it reads %d changes", sequence)
	}
}

// One process leads; when it leaves, another does.
func TestOneLeads(t *testing.T) {
	config := storetest.Postgres(t)
	one, other := storetest.Reopen(t, config), storetest.Reopen(t, config)
	began := make(chan string, 2)
	var leaders atomic.Int32
	lead := func(name string) func(context.Context) {
		return func(ctx context.Context) {
			if leaders.Add(1) > 1 {
				t.Errorf("%s leads beside another", name)
			}
			idle(began, name)(ctx)
			leaders.Add(-1)
		}
	}
	leaveOne := joined(t, one, lead("one"))
	if first := <-began; first != "one" {
		t.Fatalf("%s leads", first)
	}
	leaveOther := joined(t, other, lead("other"))
	defer leaveOther()
	leaveOne()
	if second := <-began; second != "other" {
		t.Errorf("%s leads after the first has left", second)
	}
}

// A file has one process, which leads until it ends.
func TestAFileIsLedByItsProcess(t *testing.T) {
	db := storetest.Reopen(t, storetest.SQLite(t))
	began := make(chan string, 1)
	leave := joined(t, db, idle(began, "one"))
	if first := <-began; first != "one" {
		t.Errorf("%q leads", first)
	}
	leave()
}
