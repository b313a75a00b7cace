package bundle_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// benchLists is the folder of generated lists that `make bench-lists` names; each of these
// benchmarks runs in a process of its own.
func benchLists(b *testing.B) (dir string, catalog *blocklists.Catalog) {
	dir = os.Getenv("RECOURSE_BENCH_LISTS")
	if dir == "" {
		b.Skip("RECOURSE_BENCH_LISTS names no folder: run make bench-lists")
	}
	files, err := filepath.Glob(filepath.Join(dir, "list-*.txt"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no lists in %s: %v", dir, err)
	}
	var manifests []*blocklists.Manifest
	for i, file := range files {
		id := fmt.Sprintf("list-%02d", i)
		manifests = append(manifests, &blocklists.Manifest{
			ID: blocklists.ListID(id), Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": id},
			Publisher: blocklists.Publisher{Name: "Example"}, ReviewEvery: time.Hour,
			Source: blocklists.Source{File: file}, Format: "domains", Scope: blocklists.Subtree,
		})
	}
	if catalog, err = blocklists.NewCatalog(manifests); err != nil {
		b.Fatal(err)
	}
	return dir, catalog
}

// BenchmarkListsCompile compiles from text, without a copy of it, as after a restart.
func BenchmarkListsCompile(b *testing.B) {
	dir, catalog := benchLists(b)
	folder := bundle.Folder{Dir: filepath.Join(dir, "bundles")}
	quiet := slog.New(slog.DiscardHandler)
	for b.Loop() {
		if err := os.RemoveAll(folder.Dir); err != nil {
			b.Fatal(err)
		}
		store := fetch.New(filepath.Join(dir, "state"), nil, quiet).Preview()
		input := bundle.Input{Catalog: catalog, Store: store, Now: time.Now(), Log: quiet}
		if _, _, err := folder.Write(b.Context(), &input); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(statusOf(b, "VmHWM"))/1024, "MiB-peak")
}

// BenchmarkListsOpen opens the compiled bundle.
func BenchmarkListsOpen(b *testing.B) {
	dir, catalog := benchLists(b)
	folder := bundle.Folder{Dir: filepath.Join(dir, "bundles")}
	for b.Loop() {
		opened, err := folder.Newest(0, catalog, nil)
		if err != nil || opened == nil {
			b.Fatal(err)
		}
		runtime.KeepAlive(opened)
	}
}

// BenchmarkListsMatch asks for names, and says what memory that took, an entry.
func BenchmarkListsMatch(b *testing.B) {
	for _, kind := range []string{"absent", "reference", "uniform"} {
		b.Run(kind, func(b *testing.B) { benchMatch(b, kind) })
	}
}

func benchMatch(b *testing.B, kind string) {
	dir, catalog := benchLists(b)
	queries := readQueries(b, filepath.Join(dir, kind+".queries"))
	debug.FreeOSMemory()
	before := statusOf(b, "RssAnon") + statusOf(b, "RssFile")
	folder := bundle.Folder{Dir: filepath.Join(dir, "bundles")}
	opened, err := folder.Newest(0, catalog, nil)
	if err != nil || opened == nil {
		b.Fatal(err)
	}
	into := make([]uint32, 0, 64)
	found := 0
	for i := range queries { // every question once, so that what they touch is in memory
		if into, err = opened.Match(queries[i], into[:0]); err != nil {
			b.Fatal(err)
		}
		if len(into) > 0 {
			found++
		}
	}
	debug.FreeOSMemory()
	grown := statusOf(b, "RssAnon") + statusOf(b, "RssFile") - before
	b.ReportAllocs()
	b.ResetTimer()
	spent := processorTime()
	for i := 0; b.Loop(); i++ {
		if into, err = opened.Match(queries[i%len(queries)], into[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime()-spent)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(grown)*1024/float64(opened.Len()), "octets/entry")
	b.ReportMetric(100*float64(found)/float64(len(queries)), "%found")
}

// processorTime is what this process has used. On a machine that others use too it says more than the clock.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func readQueries(b *testing.B, path string) []wire.Name {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var names []wire.Name
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, err := wire.ParseName(lines.Text())
		if err != nil {
			b.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// statusOf reads a line of /proc/self/status, in KiB.
func statusOf(b *testing.B, field string) int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, field+":"); is {
			value, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return value
		}
	}
	return 0
}

// BenchmarkListsWith adds one name to a bundle in force.
func BenchmarkListsWith(b *testing.B) {
	dir, catalog := benchLists(b)
	folder := bundle.Folder{Dir: filepath.Join(dir, "bundles")}
	opened, err := folder.Newest(0, catalog, nil)
	if err != nil || opened == nil {
		b.Fatal(err)
	}
	entry := blocklists.Entry{List: "list-00", Name: wire.MustName("added.example"), Scope: blocklists.Subtree}
	for b.Loop() {
		if _, err := opened.With(entry); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListsChanged reads one of the lists anew, on top of the others.
func BenchmarkListsChanged(b *testing.B) {
	dir, catalog := benchLists(b)
	folder := bundle.Folder{Dir: filepath.Join(dir, "bundles")}
	quiet := slog.New(slog.DiscardHandler)
	opened, err := folder.Newest(0, catalog, nil)
	if err != nil || opened == nil {
		b.Fatal(err)
	}
	for b.Loop() {
		input := bundle.Input{
			Catalog: catalog, Store: fetch.New(filepath.Join(dir, "state"), nil, quiet).Preview(), Previous: opened, Now: time.Now(), Log: quiet,
			Unmoved: func(m *blocklists.Manifest) bool { return m.ID != "list-00" },
		}
		if _, _, err := folder.Write(b.Context(), &input); err != nil {
			b.Fatal(err)
		}
	}
}
