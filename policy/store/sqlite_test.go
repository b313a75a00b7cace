package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
)

func TestTheFileIsItsOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk ?%#é.db")
	storetest.Reopen(t, store.Config{Address: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, []byte("<html>this is not a database, and longer than a header of one hundred octets would be, to be read at all</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path, quiet); err == nil {
		t.Error("no error")
	}
	if _, err := store.Open(t.Context(), filepath.Join(path, "below-a-file"), quiet); err == nil {
		t.Error("no error for a path below a file")
	}
}

// What was answered is on the disk, and what was erased is not.
func TestDurabilityPragmas(t *testing.T) {
	db := storetest.Reopen(t, storetest.SQLite(t))
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"} {
			var got string
			if err := tx.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s is %s, not %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
