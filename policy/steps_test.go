package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

// tree is a verdict's steps, a line each.
func tree(verdict *policy.Verdict) string {
	var lines []string
	for _, step := range verdict.Steps {
		line := string(step.Name) + ": " + step.Says
		for _, list := range step.Lists {
			line += fmt.Sprintf(" [%s%s %v]", list.List, list.Profile, list.Matches)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestStepsOfAVerdict(t *testing.T) {
	index := compile(t, nil, []list{
		law("free", "x.example"), law("court", "x.example", "www.x.example"), security("phish", "x.example", "only.example"), user("bets", "x.example"),
	}, exempt("ex.example"), allow("x.example"), deny("games.example"))
	s := snapshot(t, index, decided("free", "x.example"))
	for _, test := range []struct{ name, want string }{
		{"www.x.example", `client: client 127.0.0.2: clients[0] binds it to IT, profile kids
exceptions: what they cover is taken out of its list [free [0]]
law: list court decides [free [0]] [court [1 2]]
operator: not reached: list court decided
security: not reached: list court decided [phish [3]]
help: not reached: list court decided
offline: not reached: list court decided
allow: not reached: list court decided [kids [4]]
deny: not reached: list court decided
services: not reached: list court decided
user: not reached: list court decided [bets [5]]
safe search: not reached: list court decided
conclusion: blocked: list court decides, purpose law, code `},
		{"only.example", `client: client 127.0.0.2: clients[0] binds it to IT, profile kids
exceptions: none covers what matches
law: no entry covers the name
operator: no entry covers the name
security: list phish decides [phish [0]]
help: not reached: list phish decided
offline: not reached: list phish decided
allow: not reached: list phish decided
deny: not reached: list phish decided
services: not reached: list phish decided
user: not reached: list phish decided
safe search: not reached: list phish decided
conclusion: blocked: list phish decides, purpose security, code `},
		{"games.example", `client: client 127.0.0.2: clients[0] binds it to IT, profile kids
exceptions: none covers what matches
law: no entry covers the name
operator: no entry covers the name
security: no entry covers the name
help: no entry covers the name
offline: the client is online at this hour
allow: no entry covers the name
deny: profile kids decides [kids [0]]
services: not reached: profile kids decided
user: not reached: profile kids decided
safe search: not reached: profile kids decided
conclusion: blocked: profile kids decides`},
		{"ex.example", `client: client 127.0.0.2: clients[0] binds it to IT, profile kids
exceptions: none covers what matches
law: no entry covers the name
operator: the operator's exception decides [ [0]]
security: not reached: the operator's exception decided
help: not reached: the operator's exception decided
offline: not reached: the operator's exception decided
allow: not reached: the operator's exception decided
deny: not reached: the operator's exception decided
services: not reached: the operator's exception decided
user: not reached: the operator's exception decided
safe search: not reached: the operator's exception decided
conclusion: passes: the operator's exception decides`},
	} {
		verdict, err := s.Explain(links(test.name)[0].Name, policy.Subject{Client: resolver.Client{Addr: child}}, today)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree(&verdict); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
		if (verdict.Answered == nil) != (verdict.Action == policy.Pass) {
			t.Errorf("%s: %v is answered %+v", test.name, verdict.Action, verdict.Answered)
		}
		for _, step := range verdict.Steps {
			for _, list := range step.Lists {
				for _, m := range list.Matches {
					if match := verdict.Matches[m]; match.Role == policy.Feed && match.Entry.List != list.List {
						t.Errorf("%s: match %d is of %s and not of %s", test.name, m, match.Entry.List, list.List)
					}
				}
			}
		}
	}
}

// What is explained is what goes out.
func TestAnsweredIsWhatTheFilterAnswers(t *testing.T) {
	index := compile(t, nil, []list{law("court", "x.example"), security("phish", "x.example", "s.example"), user("bets", "x.example", "u.example")}, deny("d.example"))
	s := snapshot(t, index)
	for _, name := range []string{"x.example", "s.example", "u.example", "d.example"} {
		verdict, err := s.Explain(links(name)[0].Name, policy.Subject{Client: resolver.Client{Addr: child}}, today)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := structured(t, s, child, name)
		if answered := verdict.Answered; answered == nil || answered.Rcode != "NXDOMAIN" || len(answered.Extended) != 1 || answered.Extended[0] != said {
			t.Errorf("%s: %+v, and the filter says %+v", name, answered, said)
		}
	}
	rewrites := snapshot(t, zones(t, []list{security("l", "a.example A 192.0.2.1", "b.example CNAME garden.example.", "c.example CNAME rpz-drop.", "d.example CNAME rpz-tcp-only.")}))
	for name, want := range map[string]string{
		"a.example": "NOERROR [a.example.\t60\tIN\tA\t192.0.2.1] ", "b.example": "NOERROR [b.example.\t60\tIN\tCNAME\tgarden.example.] and what garden.example resolves to",
		"c.example": " [] no reply at all", "d.example": "NOERROR [] cut short, so that the client asks again over TCP",
	} {
		verdict, err := rewrites.Explain(links(name)[0].Name, policy.Subject{Client: resolver.Client{Addr: italian}}, today)
		if err != nil || verdict.Answered == nil {
			t.Fatalf("%s: %+v, %v", name, verdict, err)
		}
		if got := fmt.Sprint(verdict.Answered.Rcode, " ", verdict.Answered.Records, " ", verdict.Answered.Instead); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
