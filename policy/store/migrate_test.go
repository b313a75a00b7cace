package store

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrateKeepsTheLog: the table of events is copied for orders, and every event, with its
// hash, and every decision that waits to be in force is there afterwards.
func TestMigrateKeepsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recourse.db")
	old, err := openSQLite(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := migrator(sqlite, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO filings (id, name, role, at, token, challenge) VALUES ('F', 'a.example', 'owner', 1, x'00', 'c')`,
		`INSERT INTO cases (id, filing, position, confidential, hidden, implementation, merits, due) VALUES ('C', 'F', 0, 0, 0, 'submitted', 'submitted', 1)`,
		`INSERT INTO events VALUES (1, 'C', 5, 'filed', 'p', 'party', '{}', x'00', x'01'), (2, 'C', 6, 'decided', 'r', 'reviewer', '{"a":1}', x'01', x'02')`,
		`INSERT INTO unsettled VALUES (2, 'C')`,
	} {
		if _, err := old.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(t.Context(), path); !errors.Is(err, ErrOlder) {
		t.Errorf("an older database is read: %v", err)
	}
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var events, unsettled int
	var hash []byte
	var order sql.NullInt64
	err = db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM unsettled WHERE event = 2), hash, order_id FROM events WHERE sequence = 2 AND case_id = 'C' AND content = '{"a":1}'`).Scan(&events, &unsettled, &hash, &order)
	if err != nil || events != 2 || unsettled != 1 || len(hash) != 1 || hash[0] != 2 || order.Valid {
		t.Errorf("%d events, %d unsettled, hash %x, %v", events, unsettled, hash, err)
	}
	for _, statement := range []string{
		`UPDATE events SET actor = 'x'`, `DELETE FROM events`, `INSERT INTO unsettled VALUES (7, 'C')`,
		`INSERT INTO events (sequence, at, kind, actor, role, content, previous, hash) VALUES (3, 1, 'k', 'a', 'r', '{}', x'02', x'03')`,
	} {
		if err := db.Tx(t.Context(), func(tx *Tx) error { _, err := tx.ExecContext(t.Context(), statement); return err }); err == nil {
			t.Errorf("%s was done", statement)
		}
	}
}

// A database of every version that was released, with what that version could write, is brought up
// to date, and none of it is lost.
func TestMigrateFromEveryRelease(t *testing.T) {
	const released = 7
	written := map[int64][]string{
		1: {`INSERT INTO exceptions (kind, list, name, at) VALUES ('decided', 'court', 'a.example', 1)`, `INSERT INTO announcements VALUES (1, 1, 'added', 1)`},
		2: {`INSERT INTO filings (id, name, role, at, token, challenge) VALUES ('F', 'a.example', 'owner', 1, x'00', 'c')`,
			`INSERT INTO cases (id, filing, position, confidential, hidden, implementation, merits, due) VALUES ('C', 'F', 0, 0, 0, 'submitted', 'submitted', 1)`,
			`INSERT INTO events (sequence, case_id, at, kind, actor, role, content, previous, hash) VALUES (1, 'C', 5, 'filed', 'p', 'party', '{}', x'00', x'01')`,
			`INSERT INTO texts (commitment, filing, kind, salt, body) VALUES (x'01', 'F', 'contact', x'02', 'me@example.net')`},
		3: {`INSERT INTO holds (list, purpose, whole, scope, safeguard, detail, since) VALUES ('court', 'law', 'growth', 'exact', 'growth', 'd', 1)`, `INSERT INTO releases VALUES (1, 'a', 'A', 'n', 'x', 1)`},
		4: {`INSERT INTO list_states (list, serial, pinned_from) VALUES ('court', 3, 4)`},
		5: {`INSERT INTO orders (ref, list, lawful, fingerprint, submitter, at) VALUES ('R', 'court', 1, x'00', 's', 1)`, `INSERT INTO order_versions VALUES (1, 1, 'a', 1, '{}')`,
			`INSERT INTO order_entries (order_id, name, scope, standing, added_at, added_by) VALUES (1, 'b.example', 'exact', 'active', 1, 's')`},
		6: {`INSERT INTO notices (key, channel, address, kind, message, subject, body, queued_at, due_at) VALUES ('k', 'mail', 'a@example.net', 'k', 'm', 's', 'b', 1, 1)`},
		7: {`INSERT INTO profiles VALUES ('tablet', '{}', 'p', 1)`, `INSERT INTO profile_requests (profile, name, at) VALUES ('tablet', 'c.example', 1)`},
	}
	for version := int64(1); version <= released; version++ {
		path := filepath.Join(t.TempDir(), "recourse.db")
		counts := writeRelease(t, path, version, written)
		db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("from version %d: %v", version, err)
		}
		for table, want := range counts {
			var got int
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&got); err != nil || got != want {
				t.Errorf("from version %d: %s has %d rows of %d, %v", version, table, got, want, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// writeRelease makes a database as a version did, and counts the rows of its tables.
func writeRelease(t *testing.T, path string, version int64, written map[int64][]string) map[string]int {
	t.Helper()
	old, err := openSQLite(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	provider, err := migrator(sqlite, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for made := int64(1); made <= version; made++ {
		for _, statement := range written[made] {
			if _, err := old.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(statement, err)
			}
			counts[strings.Fields(statement)[2]]++
		}
	}
	return counts
}
