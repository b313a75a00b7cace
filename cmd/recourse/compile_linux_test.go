package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
)

// A bundle that is damaged while it is in force blocks no less than it did: what cannot
// be read is refused, the alarm is in the log, and a sound bundle takes its place.
func TestADamagedBundleIsReplaced(t *testing.T) {
	t.Parallel()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	start(t, directory, "--config", "recourse.yaml").stop()
	files, err := filepath.Glob(filepath.Join(directory, "state/bundles/generation-*.bundle"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	file, err := os.OpenFile(files[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte("damage"), 4096+20); err != nil { // the first block of names
		t.Fatal(err)
	}
	s := start(t, directory, "--config", "recourse.yaml")
	for range 3 {
		if reply := s.ask("127.0.0.1", "blocked-by-law.example", dns.TypeA); reply.Rcode != dns.RcodeServerFailure && reply.Rcode != dns.RcodeNameError {
			t.Errorf("a blocked name passed: %s", reply)
		}
	}
	s.until(t, func() bool {
		return s.ask("127.0.0.1", "blocked-by-law.example", dns.TypeA).Rcode == dns.RcodeNameError
	})
	s.until(t, func() bool { return strings.Contains(s.stderr.String(), "ALARM: the bundle in force is damaged") })
	s.stop()
}

// What was compiled is in force at the next start even where no source and no copy is good any more.
func TestAStartWithTheLastBundle(t *testing.T) {
	t.Parallel()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	start(t, directory, "--config", "recourse.yaml").stop()
	if err := os.RemoveAll(filepath.Join(directory, "state/lists")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "lists/court.txt"), []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, directory, "--config", "recourse.yaml")
	if reply := s.ask("127.0.0.1", "blocked-by-law.example", dns.TypeA); reply.Rcode != dns.RcodeNameError {
		t.Errorf("not blocked: %s", reply)
	}
	if !strings.Contains(s.stderr.String(), "as they were compiled before") {
		t.Errorf("compiled anew:\n%s", s.stderr)
	}
	s.stop()
}

// importerOf is an importer with its lists in force.
func importerOf(t *testing.T) (*importer, *rules) {
	directory := write(t, exampleFiles("127.0.0.1:9"))
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := newRules(config)
	if err != nil {
		t.Fatal(err)
	}
	current := policy.NewCurrent(&policy.Snapshot{Key: policy.Key(strings.Repeat("k", policy.MinKey))})
	quiet := slog.New(slog.DiscardHandler)
	database, err := store.Open(t.Context(), filepath.Join(t.TempDir(), databaseFile), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	held := &ledger{database: database, path: filepath.Join(t.TempDir(), holdsFile), logger: quiet}
	i := newImporter(config, newListStore(config, nil, quiet), current, held, newMetrics(), quiet)
	if err := i.begin(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return i, made
}

func TestACompileThatFailsLeavesTheListsInForce(t *testing.T) {
	i, made := importerOf(t)
	before := i.current.Load().Bundle
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.loadLocked(ended, made); err == nil || !strings.Contains(err.Error(), "the compile failed") {
		t.Errorf("a compile that was killed: %v", err)
	}
	// A file stands where the folder would be: nothing can be written.
	i.folder.Dir = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(i.folder.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := i.load(t.Context(), made); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a folder that cannot be written to: %v", err)
	}
	if i.current.Load().Bundle != before || before.Len() == 0 {
		t.Errorf("another bundle is in force: %d entries", i.current.Load().Bundle.Len())
	}
}

// The kernel ends a compile whose server is gone, however that ended.
func TestTheCompileEndsWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("left to the service manager here")
	}
	command := program(t, t.TempDir(), "compile")
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close() // the job never ends
	command.Stdin = reading
	started, done := make(chan error), make(chan struct{})
	defer close(done)
	var begin func()
	begin = func() {
		runtime.LockOSThread() // the thread ends with this function, as it would with the process
		if unix.Gettid() == unix.Getpid() {
			go begin() // the first thread never ends before its process: another one, then
			<-done
			return
		}
		killWithParent(command)
		started <- command.Start()
	}
	go begin()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended with %v", err)
	}
}

// Codes are found in the file that a child writes, as they are without one.
func TestCodesBesideTheBundle(t *testing.T) {
	t.Parallel()
	i, _ := importerOf(t)
	if err := i.writeCodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(i.folder.Dir, "*.codes")); err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	snapshot := i.current.Load()
	coder, found := snapshot.Key.Coder(), 0
	for id, entry := range snapshot.Bundle.All() {
		code := snapshot.CodeOf(entry)
		if snapshot.Bundle.ListOf(id).Kind != bundle.Feed {
			continue
		}
		ids, complete, err := snapshot.Bundle.ByCode(uint64(code), coder)
		if err != nil || !complete || len(ids) != 1 || ids[0] != id {
			t.Errorf("%s of %s: %v, complete %v, %v", code, entry.Name, ids, complete, err)
		}
		if matches, ok := snapshot.Find(code); !ok || matches[0].Entry.Name != entry.Name {
			t.Errorf("%s of %s: %+v", code, entry.Name, matches)
		}
		found++
	}
	if ids, complete, err := snapshot.Bundle.ByCode(12345, coder); len(ids) != 0 || !complete || err != nil || found == 0 {
		t.Errorf("a code of nothing: %v, complete %v, %v; %d others", ids, complete, err, found)
	}
	other := policy.Key(strings.Repeat("o", policy.MinKey)).Coder()
	if _, complete, _ := snapshot.Bundle.ByCode(12345, other); complete {
		t.Error("codes of another key")
	}
}
