package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists/guard"
)

// TestListsOfAStoppedServer compares, goes back and imports without a server, each on what
// the server left, whatever the configuration and the sources say by then.
func TestListsOfAStoppedServer(t *testing.T) {
	t.Parallel()
	files := guardedFiles(upstream(t))
	files["lists/phishing.hosts"] = manyHosts(100)
	directory := write(t, files)
	const config = "--config=recourse.yaml"
	put := func(text string) {
		if err := os.WriteFile(filepath.Join(directory, "lists", "phishing.hosts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantText(t, recourse(t, directory, 1, "lists", "rollback", config), "no generation is kept before the one in force")
	first := recourse(t, directory, 0, "lists", "apply", config)
	wantText(t, first, "list phishing (security): 100 more in force, 0 fewer", "generation 1 is in force")
	put(manyHosts(100) + "0.0.0.0 innocent.example\n")
	wantText(t, recourse(t, directory, 0, "lists", "apply", config), "list phishing (security): 1 more in force, 0 fewer, 100 as before", "generation 2 is in force")

	// From here on everything is another than at the last import, and nobody has imported it.
	put("<html>gone</html>")
	replaceIn(t, filepath.Join(directory, "recourse.yaml"), "deny: [games.example]", "deny: [games.example, more.example]")
	wantText(t, recourse(t, directory, 0, "lists", "diff", config), "generation 1 to 2: 1 more, 0 fewer", "+: innocent.example (exact)")
	var done rolledBack
	if err := json.NewDecoder(strings.NewReader(recourse(t, directory, 0, "lists", "rollback", config, "--json"))).Decode(&done); err != nil {
		t.Fatal(err)
	}
	if done.From != 2 || done.To != 1 || done.Changed != (guard.Counts{Unblock: 1, Unchanged: done.Changed.Unchanged}) {
		t.Errorf("rolled back: %+v", done)
	}
	s := start(t, directory, "--config", "recourse.yaml")
	s.expect(t, []expected{refusal("n5.example"), passes("innocent.example")})
	s.stop()
}
