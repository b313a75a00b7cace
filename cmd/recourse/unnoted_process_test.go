package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// TestWhatIsNotWrittenDownIsReleasedByName is TestUnnotedHoldsAreReleasedByName by the commands: of a list with more held entries than an import
// notes, each can be let go by two people, who may be an import apart, and without a server.
func TestWhatIsNotWrittenDownIsReleasedByName(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("a minute of ten thousand holds: only with FULL=1")
	}
	files := guardedFiles(upstream(t))
	var text strings.Builder
	for i := range bundle.MaxNotes {
		fmt.Fprintf(&text, "0.0.0.0 n%d.bank.example\n", i)
	}
	files["lists/phishing.hosts"] = text.String() + "0.0.0.0 xxxxxxxx.bank.example yyyyyyyy.bank.example zzzzzzzz.bank.example\n"
	directory := write(t, files)
	const config = "--config=recourse.yaml"
	s := start(t, directory, "--config", "recourse.yaml")
	if held := recourse(t, directory, 0, "lists", "holds", config); strings.Contains(held, "zzzzzzzz.bank.example") {
		t.Fatal("the last name is written down, so this test shows nothing")
	}
	wantText(t, recourse(t, directory, 1, "lists", "release", "phishing", "other.bank.example", "--by", "Ada", config), "no such hold")
	wantText(t, recourse(t, directory, 0, "lists", "release", "phishing", "zzzzzzzz.bank.example", "--by", "Ada", config), "zzzzzzzz.bank.example (exact), line 10001: protected-name", "released by Ada, and 1 more must")
	s.expect(t, []expected{passes("zzzzzzzz.bank.example")})
	recourse(t, directory, 0, "lists", "apply", config)
	wantText(t, recourse(t, directory, 0, "lists", "holds", config), "zzzzzzzz.bank.example (exact)")
	wantText(t, recourse(t, directory, 1, "lists", "release", "phishing", "zzzzzzzz.bank.example", "--by", "ada", config), "another person has to")
	recourse(t, directory, 0, "lists", "release", "phishing", "zzzzzzzz.bank.example", "--by", "Bo", config)
	s.expect(t, []expected{refusal("zzzzzzzz.bank.example"), passes("yyyyyyyy.bank.example"), passes("n1.bank.example")})
	s.kill() // what is being written down of thousands of holds need not be waited for

	wantText(t, recourse(t, directory, 0, "lists", "release", "phishing", "yyyyyyyy.bank.example", "--by", "Ada", config), "released by Ada, and 1 more must")
	wantText(t, recourse(t, directory, 0, "lists", "release", "phishing", "yyyyyyyy.bank.example", "--by", "Bo", "--json", config), `"released": true`)
}
