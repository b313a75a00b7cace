package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

// Several processes on one database write one after the other, so that each sees what the
// one before it wrote.
func TestProcessesTakeTurns(t *testing.T) {
	config := storetest.Postgres(t)
	one, other := storetest.Reopen(t, config), storetest.Reopen(t, config)
	began, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		done <- one.Tx(t.Context(), func(tx *store.Tx) error {
			close(began)
			<-end
			_, err := tx.AddException(t.Context(), exception("court", "x.example", "C-1"))
			return err
		})
	}()
	<-began
	go func() {
		done <- other.Tx(t.Context(), func(tx *store.Tx) error {
			sequence, err := tx.Sequence(t.Context())
			if sequence != 1 {
				t.Errorf("the second writer began at %d", sequence)
			}
			return err
		})
	}()
	// The reader goes on meanwhile.
	if sequence, _ := inForce(t, other); sequence != 0 {
		t.Errorf("a reader sees %d of what is not committed", sequence)
	}
	close(end)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// What was answered has been synced, also where the server is set to answer before.
func TestDurabilityOfTheServer(t *testing.T) {
	config := storetest.Postgres(t)
	for set, want := range map[string]string{"off": "on", "remote_apply": "remote_apply"} {
		raw := storetest.Raw(t, config)
		if _, err := raw.ExecContext(t.Context(), `ALTER ROLE recourse SET synchronous_commit = `+set); err != nil {
			t.Fatal(err)
		}
		err := storetest.Reopen(t, config).Tx(t.Context(), func(tx *store.Tx) error {
			var got string
			err := tx.QueryRowContext(t.Context(), `SHOW synchronous_commit`).Scan(&got)
			if got != want {
				t.Errorf("%s became %s, not %s", set, got, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := raw.ExecContext(t.Context(), `ALTER ROLE recourse RESET synchronous_commit`); err != nil {
			t.Fatal(err)
		}
	}
}

// Several processes start on an empty database at once: one makes the tables.
func TestStartingTogether(t *testing.T) {
	config := store.Config{Address: postgrestest.URL(t), KeyFile: t.TempDir() + "/contact.key"}
	done := make(chan error)
	for range 3 {
		go func() {
			db, err := config.Open(t.Context(), quiet)
			done <- errors.Join(err, db.Close())
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestReaderBeforeTheFirstStart(t *testing.T) {
	config := store.Config{Address: postgrestest.URL(t)}
	if _, err := config.OpenReader(t.Context()); !errors.Is(err, store.ErrOlder) {
		t.Errorf("got %v", err)
	}
}

func TestNoPasswordIsShown(t *testing.T) {
	for _, address := range []string{
		"postgres://desk:hidden@127.0.0.1:1/recourse?connect_timeout=1", "postgres://desk:hidden@127.0.0.1:no/recourse", "postgres://desk:hidden@127.0.0.1/recourse?sslmode=maybe",
		"postgres://desk@127.0.0.1:1/recourse?password=hidden&connect_timeout=1", "postgres://desk:hidden@127.0.0.1:1/%zz",
	} {
		_, err := store.Config{Address: address}.Open(t.Context(), quiet)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v", err)
		}
	}
}

// A statement that a trigger refuses leaves nothing, also where it would empty a table at once.
func TestNothingIsEmptied(t *testing.T) {
	config := storetest.Postgres(t)
	db := storetest.Reopen(t, config)
	add(t, db, blocklists.Exception{List: "court", Name: exception("court", "x.example", "").Name, At: today})
	for _, table := range []string{"exceptions", "events", "orders", "order_versions", "order_entries"} {
		if _, err := storetest.Raw(t, config).ExecContext(t.Context(), `TRUNCATE `+table+` CASCADE`); err == nil || !strings.Contains(err.Error(), "23000") {
			t.Errorf("%s: %v", table, err)
		}
	}
}
