package scenario_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestHardeningTable: docs/hardening.md names scenarios that there are.
func TestHardeningTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "hardening.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9]+/[a-z0-9_]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 80 {
		t.Errorf("only %d scenarios are named", len(named))
	}
	for _, one := range named {
		if _, err := os.Stat(filepath.Join("testdata", one[1]+".rpl")); err != nil {
			t.Errorf("no scenario %s", one[1])
		}
	}
}
