package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// A small world, so that lists, names and clients meet often.
var (
	someNames   = []string{"a.example", "b.example", "www.a.example", "x.www.a.example", "c.b.example", "d.test.example", "test.example"}
	someClients = []netip.Addr{italian, child, french, nowhere, elder}
)

// rules are a drawn configuration, kept beside the bundle for the oracle.
type rules struct {
	lists      []list
	own        []bundle.Own
	exceptions []blocklists.Exception
}

func drawRules(t *rapid.T) rules {
	name := rapid.SampledFrom(someNames)
	names := rapid.SliceOfNDistinct(name, 1, 3, rapid.ID[string])
	var drawn rules
	for i := range rapid.IntRange(1, 4).Draw(t, "lists") {
		kind, id := rapid.SampledFrom([]func(string, ...string) list{law, security, user}).Draw(t, "kind"), fmt.Sprintf("list-%d", i)
		made := kind(id, names.Draw(t, "names")...)
		made.Scope = rapid.SampledFrom([]blocklists.Scope{blocklists.Subtree, blocklists.Below}).Draw(t, "scope")
		if made.Purpose == blocklists.Law {
			made.Jurisdiction = rapid.SampledFrom([][]string{{"IT"}, {"FR"}, {"IT", "FR"}, {"DE"}}).Draw(t, "jurisdiction")
		}
		drawn.lists = append(drawn.lists, made)
		if rapid.Bool().Draw(t, "excepted") {
			drawn.exceptions = append(drawn.exceptions, decided(id, name.Draw(t, "exception")))
		}
	}
	for _, make := range []func(...string) bundle.Own{allow, deny, exempt} {
		if rapid.Bool().Draw(t, "own") {
			drawn.own = append(drawn.own, make(names.Draw(t, "own names")...))
		}
	}
	return drawn
}

func (r *rules) covers(i int, name wire.Name) bool {
	for _, exception := range r.exceptions {
		if exception.Covers(r.lists[i].ID, name) {
			return false
		}
	}
	return slices.ContainsFunc(r.lists[i].names, func(owner string) bool { return r.lists[i].Scope.Covers(wire.MustName(owner), name) })
}

func (r *rules) owns(kind bundle.Kind, name wire.Name) bool {
	return slices.ContainsFunc(r.own, func(own bundle.Own) bool {
		return own.Kind == kind && slices.ContainsFunc(own.Names, name.IsBelow)
	})
}

// oracle judges as DESIGN's sentence on precedence reads, one step after the other.
func (r *rules) oracle(name wire.Name, client netip.Addr) (purpose blocklists.Purpose, blocked bool) {
	places := map[netip.Addr]string{italian: "IT", child: "IT", elder: "IT", french: "FR"}
	for i := range r.lists {
		if r.lists[i].Purpose == blocklists.Law && slices.Contains(r.lists[i].Jurisdiction, places[client]) && r.covers(i, name) {
			return blocklists.Law, true
		}
	}
	if r.owns(bundle.OperatorException, name) {
		return 0, false
	}
	for i := range r.lists {
		if r.lists[i].Purpose == blocklists.Security && r.covers(i, name) {
			return blocklists.Security, true
		}
	}
	if client != child || r.owns(bundle.ProfileAllow, name) {
		return 0, false
	}
	if r.owns(bundle.ProfileDeny, name) {
		return blocklists.User, true
	}
	for i := range r.lists {
		if r.lists[i].Purpose == blocklists.User && r.covers(i, name) {
			return blocklists.User, true
		}
	}
	return 0, false
}

func TestJudgeAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		s := snapshot(t, compile(t, nil, drawn.lists, drawn.own...), drawn.exceptions...)
		for _, text := range append(someNames, "free.example", "deep.x.www.a.example") {
			for _, client := range someClients {
				name := wire.MustName(text)
				verdict := policy.Judge(s, links(text), who(t, s, client), today)
				purpose, blocked := drawn.oracle(name, client)
				if blocked != (verdict.Action == policy.Block) || blocked && verdict.Primary.Purpose() != purpose {
					t.Fatalf("%s for %s: %+v, want %v %v", name, client, verdict, blocked, purpose)
				}
				checkVerdict(t, s, name, &verdict)
			}
		}
	})
}

// checkVerdict holds what is true of every verdict.
func checkVerdict(t *rapid.T, s *policy.Snapshot, name wire.Name, verdict *policy.Verdict) {
	if verdict.Primary != nil && !verdict.Primary.Counts {
		t.Fatalf("%s: decided by what does not count: %+v", name, verdict.Primary)
	}
	if verdict.Action == policy.Block && verdict.Primary == nil {
		t.Fatalf("%s: blocked by nothing", name)
	}
	for i := range verdict.Matches {
		match := &verdict.Matches[i]
		if !match.Entry.Covers(name) {
			t.Fatalf("%s: %+v does not cover it", name, match.Entry)
		}
		if match.Counts && match.Exception != nil {
			t.Fatalf("%s: %+v counts in spite of an exception", name, match)
		}
		if match.Role != policy.Feed {
			continue
		}
		if found, ok := s.Find(match.Code); !ok || found[0].Entry != match.Entry {
			t.Fatalf("%s: code %s finds %+v", name, match.Code, found)
		}
	}
}

// No allow and no exception of the operator changes what law says, and no allow what
// security says.
func TestAllowNeverBeatsLawOrSecurity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		without := drawn
		without.own = nil
		plain := snapshot(t, compile(t, nil, without.lists), drawn.exceptions...)
		with := snapshot(t, compile(t, nil, drawn.lists, allow(someNames...)), drawn.exceptions...)
		for _, text := range someNames {
			before := policy.Judge(plain, links(text), who(t, plain, child), today)
			after := policy.Judge(with, links(text), who(t, with, child), today)
			if before.Action == policy.Block && before.Primary.Purpose() != blocklists.User && after.Action != policy.Block {
				t.Fatalf("%s: an allow lifted %+v", text, before.Primary)
			}
			if after.Action == policy.Block && after.Primary.Purpose() == blocklists.User {
				t.Fatalf("%s: an allowed name is blocked by %+v", text, after.Primary)
			}
		}
	})
}
