package scenario_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dns/recourse/resolver/scenario"
)

// TestScenarios plays every file of testdata. Those that PENDING names wait for a
// feature: they must fail, so that the list cannot fall behind.
func TestScenarios(t *testing.T) {
	pending, count := pendingFeatures(t), 0
	err := filepath.WalkDir("testdata", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".rpl" {
			return err
		}
		count++
		relative, err := filepath.Rel("testdata", path)
		name := strings.TrimSuffix(filepath.ToSlash(relative), ".rpl")
		feature, waits := pending[name]
		delete(pending, name)
		t.Run(name, func(t *testing.T) { playOne(t, path, feature, waits) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range pending {
		t.Errorf("PENDING names %q, which is no scenario", name)
	}
	if count < 200 {
		t.Errorf("only %d scenarios", count)
	}
}

func playOne(t *testing.T, path, feature string, waits bool) {
	t.Parallel()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read, err := scenario.Read(file, path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { err = read.Play(t.Context()) })
	switch {
	case err != nil && waits:
		t.Logf("waits for %s: %v", feature, err)
	case err != nil:
		t.Error(err)
	case waits:
		t.Errorf("passes: take it off PENDING (%s)", feature)
	}
}

// pendingFeatures reads lines of a name and the feature that it waits for.
func pendingFeatures(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "PENDING"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pending := make(map[string]string)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, feature, _ := strings.Cut(strings.TrimSpace(lines.Text()), " "); name != "" && name != "#" {
			pending[name] = strings.TrimSpace(feature)
		}
	}
	return pending
}
