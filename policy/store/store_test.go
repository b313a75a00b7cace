package store_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	today = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func exception(list, name, decided string) blocklists.Exception {
	return blocklists.Exception{Kind: blocklists.Decided, List: blocklists.ListID(list), Name: wire.MustName(name), Case: decided, At: today}
}

func add(t testing.TB, db *store.DB, exceptions ...blocklists.Exception) []int64 {
	t.Helper()
	var ids []int64
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for _, one := range exceptions {
			id, err := tx.AddException(t.Context(), one)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func inForce(t testing.TB, db *store.DB) (uint64, []blocklists.Exception) {
	t.Helper()
	sequence, exceptions, err := db.Exceptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sequence, exceptions
}

func TestExceptionsOutliveTheProcess(t *testing.T) {
	config := storetest.New(t)
	db, err := config.Open(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if sequence, exceptions := inForce(t, db); sequence != 0 || len(exceptions) != 0 {
		t.Fatalf("a new database has %d, %v", sequence, exceptions)
	}
	want := []blocklists.Exception{exception("court", "x.example", "C-1"), exception("phishing", `odd\.label\000.example`, "")}
	want[0].Keep = wire.MustName("bad.x.example")
	for i, id := range add(t, db, want...) {
		want[i].ID = id
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := storetest.Reopen(t, config)
	if sequence, exceptions := inForce(t, again); sequence != 2 || !reflect.DeepEqual(exceptions, want) {
		t.Errorf("after reopening: %d, %+v; want %+v", sequence, exceptions, want)
	}
}

func TestAddingTwiceChangesNothing(t *testing.T) {
	db := storetest.Open(t)
	first := add(t, db, exception("court", "x.example", "C-1"))
	second := add(t, db, exception("court", "x.example", "C-1"), exception("court", "x.example", "C-2"))
	if first[0] != second[0] || second[0] == second[1] {
		t.Errorf("ids %v, %v", first, second)
	}
	if sequence, exceptions := inForce(t, db); sequence != 2 || len(exceptions) != 2 {
		t.Errorf("got %d, %+v", sequence, exceptions)
	}
}

func TestEndingAnException(t *testing.T) {
	db := storetest.Open(t)
	ids := add(t, db, exception("court", "x.example", "C-1"))
	end := func(id int64) error {
		return db.Tx(t.Context(), func(tx *store.Tx) error { return tx.EndException(t.Context(), id, today.Add(time.Hour)) })
	}
	if err := end(ids[0]); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{ids[0], 99} {
		if err := end(id); !errors.Is(err, store.ErrNoException) {
			t.Errorf("ending %d: %v", id, err)
		}
	}
	if sequence, exceptions := inForce(t, db); sequence != 2 || len(exceptions) != 0 {
		t.Errorf("got %d, %+v", sequence, exceptions)
	}
	renewed := add(t, db, exception("court", "x.example", "C-1"))
	if renewed[0] == ids[0] {
		t.Error("an ended exception came back with its old id")
	}
	announcements, err := db.Announcements(t.Context(), 1)
	want := []store.Announcement{
		{Sequence: 2, Exception: ids[0], Change: store.Ended, At: today.Add(time.Hour)}, {Sequence: 3, Exception: renewed[0], Change: store.Added, At: today},
	}
	if err != nil || !reflect.DeepEqual(announcements, want) {
		t.Errorf("got %+v, %v", announcements, err)
	}
}

func TestExceptionsCannotBeDeleted(t *testing.T) {
	db := storetest.Open(t)
	add(t, db, exception("court", "x.example", "C-1"))
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM exceptions`)
		return err
	})
	if _, exceptions := inForce(t, db); err == nil || len(exceptions) != 1 {
		t.Errorf("got %v, %+v", err, exceptions)
	}
}

func TestTxRollsBackWhole(t *testing.T) {
	db := storetest.Open(t)
	failure := errors.New("no")
	for name, do := range map[string]func(*store.Tx) error{
		"error": func(tx *store.Tx) error {
			if _, err := tx.AddException(t.Context(), exception("court", "x.example", "")); err != nil {
				return err
			}
			return failure
		},
		"refused": func(tx *store.Tx) error {
			if _, err := tx.AddException(t.Context(), exception("court", "x.example", "")); err != nil {
				return err
			}
			if _, err := tx.AddException(t.Context(), blocklists.Exception{List: "court"}); err == nil {
				t.Error("an exception without a name is added")
			}
			return failure
		},
	} {
		if err := db.Tx(t.Context(), do); !errors.Is(err, failure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_ = db.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.AddException(t.Context(), exception("court", "x.example", "")); err != nil {
				t.Error(err)
			}
			panic("in the middle")
		})
	}()
	if sequence, exceptions := inForce(t, db); sequence != 0 || len(exceptions) != 0 {
		t.Errorf("got %d, %+v", sequence, exceptions)
	}
	if ids := add(t, db, exception("court", "x.example", "")); len(ids) != 1 {
		t.Error("the writer is stuck")
	}
}

func TestWritersTakeTurns(t *testing.T) {
	db := storetest.Open(t)
	const writers = 8
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := range 5 {
				name, err := wire.Name("\x07example\x00").Child(string(rune('a'+writer)) + string(rune('a'+i)))
				if err != nil {
					t.Error(err)
				}
				err = db.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := tx.AddException(t.Context(), blocklists.Exception{List: "court", Name: name, At: today})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if sequence, exceptions, err := db.Exceptions(t.Context()); err != nil || uint64(len(exceptions)) != sequence {
					t.Errorf("sequence %d, %d exceptions, %v", sequence, len(exceptions), err)
				}
			}
		})
	}
	all.Wait()
	if sequence, exceptions := inForce(t, db); sequence != writers*5 || len(exceptions) != writers*5 {
		t.Errorf("sequence %d, %d exceptions", sequence, len(exceptions))
	}
}

// A reader sees one state while a writer writes, and cannot write itself.
func TestViews(t *testing.T) {
	db := storetest.Open(t)
	count := func(from interface {
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}) (n int) {
		if err := from.QueryRowContext(t.Context(), `SELECT count(*) FROM exceptions`).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	err := db.View(t.Context(), func(view *store.View) error {
		before := count(view)
		add(t, db, exception("court", "x.example", ""))
		if after := count(view); before != 0 || after != 0 {
			t.Errorf("a view moved from %d to %d", before, after)
		}
		if now := count(db); now != 1 {
			t.Errorf("a new reader sees %d", now)
		}
		var id int64
		err := view.QueryRowContext(t.Context(), `UPDATE exceptions SET case_id = 'X' RETURNING id`).Scan(&id)
		if err == nil {
			t.Error("a reader changed rows")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	config := storetest.New(t)
	db := storetest.Reopen(t, config)
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1 = 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Open(t.Context(), quiet); !errors.Is(err, store.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkAddException(b *testing.B) {
	db := storetest.Open(b)
	i := 0
	for b.Loop() {
		i++
		err := db.Tx(context.Background(), func(tx *store.Tx) error {
			_, err := tx.AddException(context.Background(), blocklists.Exception{List: "court", Name: wire.MustName("x.example"), Case: time.Duration(i).String(), At: today})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
