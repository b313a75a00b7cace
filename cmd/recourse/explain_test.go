package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/policy/structuredtest"
)

// TestExplainShowsTheWholeReasoning: every step in order, each match under its list, what
// decides and what is answered; programs get the same.
func TestExplainShowsTheWholeReasoning(t *testing.T) {
	directory := write(t, exampleFiles("127.0.0.1@9"))
	text := recourse(t, directory, 1, "explain", "--config=recourse.yaml", "--client=127.0.0.2", "www.casino.example")
	last := -1
	for _, want := range []string{
		"block (user), reason code ", "├─ client 127.0.0.2: clients[0] binds it to IT, profile kids", "├─ decided exceptions: none covers what matches",
		"├─ law: no entry covers the name", "├─ the operator's exceptions: no entry", "├─ security: no entry", "├─ the profile's allow: no entry",
		"├─ user lists: list gambling decides\n│  └─ list gambling\n│     └─ casino.example (subtree), line ", "│        └─ counts: the client asked for category gambling",
		"├─ blocked: list gambling decides", "└─ answered NOERROR\n   └─ 17 Filtered\n      ├─ plain: Blocked by a filter", `├─ structured: {"c":["mailto:`, "└─ where there is less room: {",
		"\nbecause client 127.0.0.2", "\nbecause blocked: list gambling decides",
	} {
		at := strings.Index(text, want)
		if at <= last {
			t.Fatalf("%q is missing, or not where it should be:\n%s", want, text)
		}
		last = at
	}
	var told reasoning.Reasoning
	if err := json.Unmarshal([]byte(recourse(t, directory, 1, "explain", "--json", "--config=recourse.yaml", "--client=127.0.0.2", "www.casino.example")), &told); err != nil {
		t.Fatal(err)
	}
	steps := []string{}
	for _, step := range told.Steps {
		steps = append(steps, string(step.Step))
		for _, list := range step.Lists {
			if match := told.Matches[list.Matches[0]]; string(match.List) != list.List || !match.Counts {
				t.Errorf("under %s: %+v", list.List, match)
			}
		}
	}
	if got := strings.Join(steps, " "); got != "client exceptions law operator security help offline allow deny services user safe search conclusion" {
		t.Errorf("the steps are %s", got)
	}
	if told.Answer == nil || told.Answer.Rcode != "NOERROR" || len(told.Answer.Extended) != 1 || len(told.Because) != 3 {
		t.Fatalf("%+v", told)
	}
	if _, err := structuredtest.Check(told.Answer.Extended[0].Code, told.Answer.Extended[0].Structured); err != nil {
		t.Error(err)
	}
}

// TestExplainAsOfATime: what has ended by then is there and does not count.
func TestExplainAsOfATime(t *testing.T) {
	files := exampleFiles("127.0.0.1@9")
	directory := write(t, files)
	text := recourse(t, directory, 0, "explain", "--config=recourse.yaml", "--client=127.0.0.1", "--at=2099-01-01", "phish.example")
	wantText(t, text, "security: nothing that covers the name counts for this client", "does not count: its review was due on ", "passes: nothing that covers the name counts")
}
