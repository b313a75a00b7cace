package storetest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
)

// onPostgres is true in the second run of a package's tests.
var onPostgres atomic.Bool

// Main runs the tests on SQLite and then on PostgreSQL, and gives the exit code. Fuzzing and
// benchmarks run on SQLite alone, and so do tests whose names match once: a browser that looks
// at pages tries nothing else the second time.
func Main(m *testing.M, once ...string) int {
	flag.Parse()
	return postgrestest.Main(func() int {
		if code := m.Run(); code != 0 || asked("test.fuzz") || asked("test.bench") || asked("test.list") {
			return code
		}
		if !postgrestest.Present() {
			return 0
		}
		if err := leaveOut(once); err != nil {
			fmt.Println(err)
			return 1
		}
		onPostgres.Store(true)
		fmt.Println("again, on PostgreSQL")
		return m.Run()
	})
}

// leaveOut has the next run leave out what matches, beside what it was told to.
func leaveOut(patterns []string) error {
	skip := flag.Lookup("test.skip")
	if told := skip.Value.String(); told != "" {
		patterns = append(patterns, told)
	}
	return skip.Value.Set(strings.Join(patterns, "|"))
}

func asked(name string) bool {
	found := flag.Lookup(name)
	return found != nil && found.Value.String() != ""
}

// OnPostgres says which of the two runs this is.
func OnPostgres() bool { return onPostgres.Load() }

// New is a new database, which is not opened yet. It goes with the test. Within a bubble of
// testing/synctest it is a file in both runs: a clock that waits for all goroutines stands
// still while one waits for a server.
func New(t testing.TB) store.Config {
	t.Helper()
	if OnPostgres() && !inBubble() {
		return Postgres(t)
	}
	return SQLite(t)
}

// inBubble says whether the clock is that of a bubble, which begins with the year 2000.
func inBubble() bool { return time.Now().Year() < 2020 }

// SQLite is a new database in a file.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	return store.Config{Address: filepath.Join(t.TempDir(), "recourse.db")}
}

// Postgres is a new database on the server of this process, with its schema: a copy of one
// that was migrated, which takes a tenth of the time.
func Postgres(t testing.TB) store.Config {
	t.Helper()
	address := postgrestest.Copy(t, "migrated", func(address string) error {
		db, err := store.Config{Address: address}.Open(context.Background(), slog.New(slog.DiscardHandler))
		return errors.Join(err, db.Close())
	})
	return store.Config{Address: address, KeyFile: filepath.Join(t.TempDir(), "contact.key")}
}

// Open opens a new database, and closes it with the test.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return Reopen(t, New(t))
}

// Reopen opens a database that may have been open before, and closes it with the test.
func Reopen(t testing.TB, config store.Config) *store.DB {
	t.Helper()
	db, err := config.Open(context.Background(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Raw is the database as whoever owns it sees it, without this program: what it refuses to do
// can be tried there. Owners may disable what guards the rows.
func Raw(t testing.TB, config store.Config) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if store.IsPostgres(config.Address) {
		driver = "pgx"
	}
	db, err := sql.Open(driver, config.Address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // so that what Unguard sets holds for what follows
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Unguard lets the owner change what triggers and foreign keys keep as it is.
func Unguard(t testing.TB, raw *sql.DB, config store.Config) {
	t.Helper()
	statements := []string{`PRAGMA foreign_keys = 0`, `DROP TRIGGER events_unchanged`, `DROP TRIGGER events_kept`}
	if store.IsPostgres(config.Address) {
		statements = []string{`SET session_replication_role = replica`}
	}
	for _, statement := range statements {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
