package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

func write(ctx context.Context, db *store.DB, decided string) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.AddException(ctx, exception("court", "x.example", decided))
		return err
	})
}

// unavailable holds a database to what it says while it cannot be used, in each way to use it.
func unavailable(t *testing.T, db *store.DB) {
	t.Helper()
	if err := write(t.Context(), db, "C-9"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a transaction: %v", err)
	}
	if err := db.View(t.Context(), func(view *store.View) error {
		return store.Each(t.Context(), view, func(*sql.Rows) error { return nil }, `SELECT id FROM exceptions`)
	}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a view: %v", err)
	}
	if _, err := db.Profiles(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("rows: %v", err)
	}
	var count int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM exceptions`).Scan(&count); !store.Unavailable(err) {
		t.Errorf("a row: %v", err)
	}
}

// usable waits until a database can be used again, which it has to notice by itself.
func usable(t *testing.T, db *store.DB, decided string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := write(ctx, db, decided)
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// A server that crashes and comes back: what was answered is there, nothing else, and those who
// wait are woken.
func TestServerGoesAndComes(t *testing.T) {
	server := postgrestest.Start(t)
	address, err := server.Create(t.Context(), "desk", "template1")
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Reopen(t, store.Config{Address: address})
	joined, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		db.Join(joined, func(ctx context.Context) { <-ctx.Done() }, quiet)
	}()
	defer func() { leave(); <-left }()
	add(t, db, exception("court", "x.example", "C-1"))
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.AddException(t.Context(), exception("court", "x.example", "C-2")); err != nil {
			return err
		}
		return server.Stop()
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a commit to a server that is gone: %v", err)
	}
	unavailable(t, db)
	woken := db.Changed(store.ExceptionsTopic)
	later, err := store.Config{Address: address}.OpenLater(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	unavailable(t, later)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-woken
	usable(t, db, "C-3")
	usable(t, later, "C-4")
	if sequence, exceptions := inForce(t, db); sequence != 3 || len(exceptions) != 3 || exceptions[1].Case != "C-3" {
		t.Errorf("%d, %+v", sequence, exceptions)
	}
}

// A file that somebody else holds is waited for, and then said to be held.
func TestLockedFile(t *testing.T) {
	config := storetest.SQLite(t)
	db, raw := storetest.Reopen(t, config), storetest.Raw(t, config)
	if _, err := raw.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	if err := db.ShortenWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), db, "C-1"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	inForce(t, db) // who reads is not kept waiting
	if _, err := raw.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	usable(t, db, "C-1")
}

// A full disk takes nothing, and loses nothing; when there is room again it goes on.
func TestFullDisk(t *testing.T) {
	db := storetest.Reopen(t, storetest.SQLite(t))
	add(t, db, exception("court", "x.example", "C-1"))
	if err := db.FillDisk(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	var err error
	written := 0
	for ; err == nil && written < 10_000; written++ {
		err = write(t.Context(), db, "C-"+string(rune('A'+written%26))+time.Duration(written).String())
	}
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after %d: %v", written, err)
	}
	if sequence, exceptions := inForce(t, db); sequence != uint64(written) || len(exceptions) != written {
		t.Errorf("%d and %d of %d", sequence, len(exceptions), written)
	}
	if err := db.FillDisk(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	usable(t, db, "C-2")
}

// A file that is damaged is said to be, and taken when people have put a good one in its place.
func TestDamagedFile(t *testing.T) {
	config := storetest.SQLite(t)
	if err := os.WriteFile(config.Address, []byte("<html>this is not a database, and longer than a header of one hundred octets would be, to be read at all</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := config.OpenLater(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	unavailable(t, db)
	if err := os.Remove(config.Address); err != nil {
		t.Fatal(err)
	}
	usable(t, db, "C-1")
}

// What no waiting mends is an error at once.
func TestOpenLaterRefuses(t *testing.T) {
	if _, err := (store.Config{Address: "postgres://desk@127.0.0.1:no/recourse"}).OpenLater(t.Context(), quiet); err == nil || store.Unavailable(err) {
		t.Errorf("got %v", err)
	}
}
