package store_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	databases "github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/redress/store"
)

// same holds a restored database to the one that was copied: the log is whole, the case is there
// and, with the key, what its party wrote.
func same(t *testing.T, restored policystore.Config, receipt redress.Receipt, events int64) {
	t.Helper()
	db, err := restored.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept := store.New(db)
	if count, _, err := kept.Verify(t.Context()); err != nil || count != events {
		t.Errorf("%d events of %d, %v", count, events, err)
	}
	found, err := kept.Case(t.Context(), receipt.ID)
	if err != nil || found.Text(found.Events[0], redress.Contact) != "me@example.net" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestBackupOfAFile(t *testing.T) {
	if databases.OnPostgres() {
		return // that has its own programs, which the next test runs
	}
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	events, _, err := w.Store.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "backup.db")
	if err := w.Database().Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	fileOne(t, w) // after it
	same(t, policystore.Config{Address: to, KeyFile: w.Database().Keys()}, receipt, events)
	if err := w.Database().Backup(t.Context(), to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there was written over: %v", err)
	}
}

// The commands of docs/desk.md, as they stand there.
func TestBackupOfAServer(t *testing.T) {
	if !databases.OnPostgres() {
		return // a file is the test before
	}
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	events, _, err := w.Store.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/desk.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "<!-- a test runs this -->\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("%d commands in docs/desk.md", len(blocks))
	}
	empty, folder := postgrestest.URL(t), t.TempDir()
	for _, block := range blocks {
		command, _, _ := strings.Cut(block, "\n\n")
		shell := exec.CommandContext(context.Background(), "sh", "-euc", command)
		shell.Dir = folder
		shell.Env = append(os.Environ(), "PATH="+postgrestest.Programs()+":"+os.Getenv("PATH"), "DATABASE="+w.Database().Address, "EMPTY="+empty)
		if output, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, output)
		}
	}
	fileOne(t, w) // after it
	same(t, policystore.Config{Address: empty, KeyFile: w.Database().Keys()}, receipt, events)
}
