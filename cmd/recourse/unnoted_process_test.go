package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// TestWhatIsNotWrittenDownIsReleasedByName: of a list with more held entries than an import
// notes, each can be let go by two people, who may be an import and a restart apart.
func TestWhatIsNotWrittenDownIsReleasedByName(t *testing.T) {
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
	s.stop()

	recourse(t, directory, 0, "lists", "release", "phishing", "yyyyyyyy.bank.example", "--by", "Ada", config)
	recourse(t, directory, 0, "lists", "release", "phishing", "yyyyyyyy.bank.example", "--by", "Bo", config)
	s = start(t, directory, "--config", "recourse.yaml")
	s.until(t, func() bool { return s.ask("127.0.0.1", "yyyyyyyy.bank.example", 1).Rcode == 3 })
	s.expect(t, []expected{refusal("zzzzzzzz.bank.example"), passes("xxxxxxxx.bank.example")})
	s.stop()
}
