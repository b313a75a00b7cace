package fetch_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

var quiet = slog.New(slog.DiscardHandler)

// place is a state folder and the source of one list.
type place struct {
	t        *testing.T
	state    string
	manifest *blocklists.Manifest
	store    *fetch.Store
	read     string // what the last good reading gave
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, state: filepath.Join(t.TempDir(), "lists")}
	p.manifest = &blocklists.Manifest{ID: "ads", Format: "domains", Source: blocklists.Source{File: filepath.Join(t.TempDir(), "ads.txt")}}
	p.restart()
	return p
}

func (p *place) restart() { p.store = fetch.New(p.state, nil, quiet) }

func (p *place) source(text string) {
	p.t.Helper()
	if err := os.WriteFile(p.manifest.Source.File, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

var errBad = errors.New("a bad list")

// load reads with a reader that takes anything but a text that starts with "bad".
func (p *place) load(store *fetch.Store) (fetch.Status, error) {
	p.t.Helper()
	p.read = ""
	return store.Load(context.Background(), p.manifest, func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(text), "bad") {
			return errBad
		}
		p.read = string(text)
		return nil
	})
}

func (p *place) want(state fetch.State, read string) fetch.Status {
	p.t.Helper()
	status, err := p.load(p.store)
	if status.State != state || p.read != read || (err != nil) != (state == fetch.Missing) || status.List != "ads" {
		p.t.Fatalf("status %+v, read %q, error %v; want %s and %q", status, p.read, err, state, read)
	}
	if (status.Err == nil) != (state == fetch.OK) {
		p.t.Errorf("state %s with error %v", state, status.Err)
	}
	return status
}

// files lists what lies in the list's folder.
func (p *place) files() string {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.state, "ads"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, ".list") {
			name = "octets"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestLoadKeepsTheLastGoodCopy(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	first := p.want(fetch.OK, "one")
	if !first.Changed || first.Size != 3 || len(first.SHA256) != 64 || first.FetchedAt.IsZero() || !first.Since.IsZero() {
		t.Errorf("first: %+v", first)
	}
	if again := p.want(fetch.OK, "one"); again.Changed || again.SHA256 != first.SHA256 || !again.FetchedAt.Equal(first.FetchedAt) {
		t.Errorf("again: %+v", again)
	}
	p.source("two2")
	if second := p.want(fetch.OK, "two2"); !second.Changed || second.SHA256 == first.SHA256 {
		t.Errorf("second: %+v", second)
	}
	if got := p.files(); got != "octets octets versions.json" {
		t.Errorf("files: %s", got)
	}
	p.source("bad")
	p.restart()
	kept := p.want(fetch.Kept, "two2")
	if !errors.Is(kept.Err, errBad) || kept.Since.IsZero() || kept.Size != 4 {
		t.Errorf("kept: %+v", kept)
	}
	if err := os.Remove(p.manifest.Source.File); err != nil {
		t.Fatal(err)
	}
	if gone := p.want(fetch.Kept, "two2"); !errors.Is(gone.Err, os.ErrNotExist) {
		t.Errorf("gone: %+v", gone)
	}
	p.source("two2")
	p.want(fetch.OK, "two2")
	if got := p.files(); got != "octets octets versions.json" {
		t.Errorf("files after the trouble: %s", got)
	}
}

func TestTroubleIsSinceItBegan(t *testing.T) {
	p := newPlace(t)
	synctest.Test(t, func(t *testing.T) {
		p.source("one")
		p.want(fetch.OK, "one")
		time.Sleep(time.Hour)
		p.source("bad")
		began := p.want(fetch.Kept, "one").Since
		time.Sleep(time.Hour)
		p.restart()
		p.source("bad again")
		if since := p.want(fetch.Kept, "one").Since; !since.Equal(began) || !since.Equal(time.Now().Add(-time.Hour)) {
			t.Errorf("since %s, want %s", since, began)
		}
		p.source("two")
		p.want(fetch.OK, "two")
		p.source("bad")
		if since := p.want(fetch.Kept, "two").Since; !since.Equal(time.Now()) {
			t.Errorf("new trouble since %s", since)
		}
	})
}

func TestNothingGoodIsMissing(t *testing.T) {
	p := newPlace(t)
	p.want(fetch.Missing, "")
	p.source("bad")
	status := p.want(fetch.Missing, "")
	if !errors.Is(status.Err, errBad) {
		t.Errorf("status: %+v", status)
	}
	if got := p.files(); got != "versions.json" {
		t.Errorf("files: %s", got)
	}
}

func TestADamagedCopyIsNotUsed(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	sum := p.want(fetch.OK, "one").SHA256
	octets := filepath.Join(p.state, "ads", sum+".list")
	if err := os.WriteFile(octets, []byte("ons"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(fetch.OK, "one") // from the source, which mends the copy
	if text, err := os.ReadFile(octets); err != nil || string(text) != "one" {
		t.Errorf("copy %q, %v", text, err)
	}
	if err := os.WriteFile(octets, []byte("ons"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.source("bad")
	p.want(fetch.Missing, "")
}

func TestADamagedNoteIsNoCopy(t *testing.T) {
	for _, note := range []string{"", "{", `{"good": {"sha256": "../../../etc/passwd", "format": "domains"}}`, strings.Repeat("[", 1<<20)} {
		p := newPlace(t)
		p.source("one")
		p.want(fetch.OK, "one")
		if err := os.WriteFile(filepath.Join(p.state, "ads", "versions.json"), []byte(note), 0o600); err != nil {
			t.Fatal(err)
		}
		if status := p.want(fetch.OK, "one"); !status.Changed {
			t.Errorf("note %.10q: %+v", note, status)
		}
	}
}

func TestACopyOfAnotherFormatIsNone(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	p.want(fetch.OK, "one")
	p.manifest.Format = "hosts"
	p.source("bad")
	p.want(fetch.Missing, "")
}

func TestAnUnwritableStateDoesNotStopAList(t *testing.T) {
	p := newPlace(t)
	if err := os.WriteFile(p.state, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	p.source("one")
	p.want(fetch.OK, "one")
	p.source("bad")
	p.want(fetch.Missing, "")
}

func TestSourcesThatAreNoFile(t *testing.T) {
	p := newPlace(t)
	p.manifest.Source.File = t.TempDir()
	p.want(fetch.Missing, "")
	p.manifest.Source.File = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(p.manifest.Source.File, 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(fetch.Missing, "") // and does not wait for a writer
	p.manifest.Source.File = ""
	p.want(fetch.Missing, "")
}

func TestSourceLongerThanTheLimit(t *testing.T) {
	p := newPlace(t)
	p.source("")
	if err := os.Truncate(p.manifest.Source.File, 1<<30+1); err != nil {
		t.Fatal(err)
	}
	if status := p.want(fetch.Missing, ""); !strings.Contains(status.Err.Error(), "octets") {
		t.Errorf("error: %v", status.Err)
	}
}

func TestBuiltinLists(t *testing.T) {
	p := newPlace(t)
	p.manifest.Source.File = "builtin:ads.txt"
	p.want(fetch.Missing, "")
	p.store = fetch.New(p.state, fstest.MapFS{"ads.txt": {Data: []byte("inside")}}, quiet)
	p.want(fetch.OK, "inside")
	p.manifest.Source.File = "builtin:../ads.txt"
	p.want(fetch.Kept, "inside")
}

func TestLoadRefusesAnIDThatIsAPath(t *testing.T) {
	p := newPlace(t)
	for _, id := range []blocklists.ListID{"", "..", "../ads", "/etc"} {
		p.manifest.ID = id
		if status, err := p.load(p.store); err == nil || status.State != fetch.Missing {
			t.Errorf("%q: %+v", id, status)
		}
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	ctx, cancel := context.WithCancel(context.Background())
	_, err := p.store.Load(ctx, p.manifest, func(r io.Reader) error {
		cancel()
		_, err := io.ReadAll(r)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := p.files(); got != "octets versions.json" { // brought, and still to be read
		t.Errorf("files: %s", got)
	}
}

func TestPreviewLeavesNoTrace(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	p.want(fetch.OK, "one")
	before := p.files()
	for _, text := range []string{"two", "bad"} {
		p.source(text)
		status, err := p.load(p.store.Preview())
		if want := map[string]string{"two": "two", "bad": "one"}[text]; err != nil || p.read != want {
			t.Errorf("%s: read %q, %+v, %v", text, p.read, status, err)
		}
	}
	if got := p.files(); got != before {
		t.Errorf("files %s, before %s", got, before)
	}
	if _, err := p.load(p.store.LastGood()); err != nil || p.read != "one" {
		t.Errorf("last good: %q, %v", p.read, err)
	}
}

func TestLastGoodDoesNotLookAtTheSource(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	if status, err := p.load(p.store.LastGood()); err == nil || status.State != fetch.Missing {
		t.Errorf("status %+v", status)
	}
	p.want(fetch.OK, "one")
	p.source("two")
	status, err := p.load(p.store.LastGood())
	if err != nil || p.read != "one" || status.State != fetch.Kept || !status.Since.IsZero() {
		t.Errorf("read %q, %+v, %v", p.read, status, err)
	}
}

func TestMoved(t *testing.T) {
	p := newPlace(t)
	expect := func(want bool, why string) {
		t.Helper()
		if got := p.store.Moved(p.manifest); got != want {
			t.Errorf("%s: moved %v", why, got)
		}
	}
	expect(true, "before the first load")
	p.want(fetch.Missing, "")
	expect(false, "still not there")
	p.source("one")
	expect(true, "there now")
	p.want(fetch.OK, "one")
	expect(false, "loaded")
	if err := os.Chtimes(p.manifest.Source.File, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	expect(true, "touched")
	p.want(fetch.OK, "one")
	if err := os.Remove(p.manifest.Source.File); err != nil {
		t.Fatal(err)
	}
	expect(true, "gone")
}

func TestLeftoversOfACrashAreClearedAway(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	p.want(fetch.OK, "one")
	for _, name := range []string{"incoming-1", "writing-2", strings.Repeat("0", 64) + ".list"} {
		if err := os.WriteFile(filepath.Join(p.state, "ads", name), []byte("rest"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.source("two")
	p.want(fetch.OK, "two")
	if got := p.files(); got != "octets octets versions.json" {
		t.Errorf("files: %s", got)
	}
}
