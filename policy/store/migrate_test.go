package store

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
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
