package scenario_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/recourse-dns/recourse/resolver/scenario"
)

// FuzzRead wants an error that names the file, or a scenario whose steps are whole.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	for _, pattern := range []string{"poisoning/*.rpl", "forward/*.rpl", "wildcard/*.rpl"} {
		paths, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths[:5] {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := scenario.Read(bytes.NewReader(text), "fuzz.rpl")
		if err != nil {
			if !bytes.HasPrefix([]byte(err.Error()), []byte("fuzz.rpl")) {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		for _, step := range read.Steps {
			if step.Kind == scenario.StepQuery && step.Entry == nil {
				t.Errorf("step %d asks nothing", step.ID)
			}
		}
	})
}
