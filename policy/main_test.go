package policy_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain runs properties on 40 random worlds each, with FULL=1 on the hundred that are usual,
// and on as many as -rapid.checks says.
func TestMain(m *testing.M) {
	if os.Getenv("FULL") == "" {
		if err := flag.Set("rapid.checks", "40"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
