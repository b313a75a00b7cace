package bundle_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// sample is a small bundle on the disk, and what it must answer.
type sample struct {
	t       testing.TB
	h       *house
	catalog *blocklists.Catalog
	file    string
	octets  []byte
	names   []wire.Name
	want    [][]string
}

func newSample(t testing.TB) *sample {
	h := newHouse(t)
	manifests := []*blocklists.Manifest{
		h.write("one", "domains", blocklists.Subtree, lines("a%d.example", 300)), h.write("two", "wildcard", blocklists.Exact, "*.a7.example\na7.example\n"),
	}
	b := h.next(nil, nil, nil, manifests...)
	s := &sample{t: t, h: h, file: filepath.Join(h.folder().Dir, "generation-00000000000000000001.bundle")}
	var err error
	if s.catalog, err = blocklists.NewCatalog(manifests); err != nil {
		t.Fatal(err)
	}
	if s.octets, err = os.ReadFile(s.file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.a7.example", "a7.example", "a299.example", "b.example", "a300.example", "."} {
		s.names = append(s.names, wire.MustName(name))
		s.want = append(s.want, matches(t, b, name))
	}
	return s
}

// ask opens the file as it is and asks everything of it. What it answers must be right;
// it may fail instead. It says whether it failed.
func (s *sample) ask(what string) (failed bool) {
	b, err := s.h.folder().Open(1, 0, s.catalog, nil)
	if err != nil {
		return true
	}
	for i, name := range s.names {
		ids, err := b.Match(name, nil)
		if err != nil {
			if b.Err() == nil {
				s.t.Errorf("%s: %s failed, and the bundle does not say so: %v", what, name, err)
			}
			return true
		}
		var got []string
		for _, id := range ids {
			entry, found := b.Entry(id)
			if !found {
				return b.Err() != nil
			}
			got = append(got, fmt.Sprintf("%s %s %s:%d", entry.List, entry.Scope, entry.Name, entry.Line))
		}
		if !slices.Equal(got, s.want[i]) {
			s.t.Errorf("%s: %s gives %q, want %q", what, name, got, s.want[i])
		}
	}
	count := 0
	for range b.All() {
		count++
	}
	if b.Err() == nil && count != 302 {
		s.t.Errorf("%s: %d entries", what, count)
	}
	return b.Err() != nil
}

func (s *sample) write(octets []byte) {
	if err := os.WriteFile(s.file, octets, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestEveryFlippedBitIsFoundOrHarmless(t *testing.T) {
	s := newSample(t)
	file, err := os.OpenFile(s.file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	missed := 0
	for at := range s.octets {
		file.WriteAt([]byte{s.octets[at] ^ 1<<(at%8)}, int64(at))
		if !s.ask(fmt.Sprintf("octet %d", at)) {
			missed++
		}
		file.WriteAt(s.octets[at:at+1], int64(at))
	}
	if s.ask("mended") || missed > 0 {
		t.Errorf("%d of %d flips were not noticed, though nothing came out wrong", missed, len(s.octets))
	}
}

func TestATruncatedFileIsAnError(t *testing.T) {
	s := newSample(t)
	for length := 0; length < len(s.octets); length += 509 {
		s.write(s.octets[:length])
		if !s.ask(fmt.Sprintf("%d octets", length)) {
			t.Errorf("%d of %d octets are taken for a bundle", length, len(s.octets))
		}
	}
}

// A file that is cut short while it is in force gives errors, and nothing else breaks.
func TestTruncationWhileInForce(t *testing.T) {
	s := newSample(t)
	var told atomic.Int32
	folder := s.h.folder()
	folder.Tell = func(error) { told.Add(1) }
	b, err := folder.Open(1, 0, s.catalog, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.file, 4096); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if ids, err := b.Match(wire.MustName("a7.example"), nil); !errors.Is(err, bundle.ErrCorrupt) || len(ids) > 0 {
			t.Errorf("ids %v, error %v", ids, err)
		}
	}
	if _, err := b.Match(wire.MustName("b.test"), nil); err != nil {
		t.Errorf("what the filter knows to be absent: %v", err)
	}
	if b.Err() == nil || told.Load() != 1 {
		t.Errorf("error %v, told %d times", b.Err(), told.Load())
	}
	for range b.All() {
		t.Error("an entry came of a file that is gone")
	}
}

func TestADamagedGenerationGivesWayToTheOneBefore(t *testing.T) {
	s := newSample(t)
	first, err := s.h.folder().Open(1, 0, s.catalog, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.h.write("one", "domains", blocklists.Subtree, lines("b%d.example", 400))
	second := s.h.next(first, []string{"one"}, nil, s.catalog.Lists()...)
	path := filepath.Join(s.h.folder().Dir, "generation-00000000000000000002.bundle")
	octets, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	octets[4096+100] ^= 1 // a block of names: not read at the start
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	if ids, err := second.Match(wire.MustName("b1.example"), nil); err == nil {
		t.Errorf("a damaged block answers %v", ids)
	}
	if damaged, err := s.h.folder().Discard(second); damaged != 1 || err != nil {
		t.Errorf("%d damaged files, error %v", damaged, err)
	}
	sound, err := s.h.folder().Newest(second.Generation(), s.catalog, nil)
	if err != nil || sound.File() != 1 || sound.Generation() != 3 {
		t.Fatalf("%+v, %v", sound, err)
	}
	wantMatches(t, sound, "a1.example", "one subtree a1.example:2")
	// The next one does not take the number of one that was.
	if next := s.h.next(sound, []string{"one"}, nil, s.catalog.Lists()...); next.Generation() <= 3 {
		t.Errorf("generation %d", next.Generation())
	}
}

func TestAFullDiskLeavesWhatWasThere(t *testing.T) {
	// In a process of its own: its limit is not to meet what others write.
	const alone = "RECOURSE_TEST_ALONE"
	if os.Getenv(alone) == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestAFullDiskLeavesWhatWasThere$")
		command.Env = append(os.Environ(), alone+"=yes")
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, output)
		}
		return
	}
	s := newSample(t)
	before, err := s.h.folder().Open(1, 0, s.catalog, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.h.write("one", "domains", blocklists.Subtree, lines("b%d.example", 40000))
	if _, err := s.h.store.Fetch(t.Context(), s.catalog.List("one")); err != nil {
		t.Fatal(err)
	}
	s.h.store = s.h.store.Stored() // as the process that compiles has it
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	small := was
	small.Cur = 80 << 10 // below the bundle
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	_, err = s.h.tryNext(before, []string{"one"}, nil, s.catalog.Lists()...)
	if restored := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("error %v", err)
	}
	if s.ask("after a full disk") || s.h.files() != 1 {
		t.Errorf("%d files are left", s.h.files())
	}
}

// Readers of old bundles go on while new ones come, and while files are closed by the
// collector and removed from the disk.
func TestReadersDuringSwaps(t *testing.T) {
	h := newHouse(t)
	manifest := h.write("one", "domains", blocklists.Subtree, lines("a%d.example", 2000))
	var current atomic.Pointer[bundle.Bundle]
	current.Store(h.next(nil, nil, nil, manifest))
	done := make(chan struct{})
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				b := current.Load()
				ids, err := b.Match(wire.MustName(fmt.Sprintf("x.a%d.example", i%2000)), nil)
				if err != nil || len(ids) != 1 {
					t.Errorf("ids %v, error %v", ids, err)
					return
				}
				if entry, found := b.Entry(ids[0]); !found || entry.List != "one" || b.ListIndex(ids[0]) != 0 {
					t.Errorf("entry %+v: %v", entry, b.Err())
					return
				}
			}
		})
	}
	for i := range 12 {
		h.write("one", "domains", blocklists.Subtree, lines("a%d.example", 2000+i))
		current.Store(h.next(current.Load(), []string{"one"}, nil, manifest))
		runtime.GC()
	}
	close(done)
	reading.Wait()
}

// Old files are closed when nobody reads them any more.
func TestFilesAreClosedWithTheirLastReader(t *testing.T) {
	s := newSample(t)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("no /proc here")
		}
		return len(entries)
	}
	runtime.GC()
	before := open()
	for range 200 {
		if _, err := s.h.folder().Open(1, 0, s.catalog, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; open() > before+20; i++ {
		if i == 1000 {
			t.Fatalf("%d files are open, %d were", open(), before)
		}
		runtime.GC() // cleanups run some time after a collection
	}
}

func FuzzFile(f *testing.F) {
	s := newSample(f)
	f.Add(uint32(0), []byte("x"))
	f.Add(uint32(4096), []byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add(uint32(72), []byte{0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, at uint32, octets []byte) {
		changed := slices.Clone(s.octets)
		copy(changed[int(at)%len(changed):], octets)
		s.t = t
		s.write(changed)
		if !s.ask("fuzzed") && !slices.Equal(changed, s.octets) {
			t.Error("a change was not noticed")
		}
	})
}
