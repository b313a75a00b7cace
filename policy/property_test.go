package policy_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// judged is the verdict on an occasion.
func judged(t failer, s *policy.Snapshot, o *occasion) policy.Verdict {
	t.Helper()
	return policy.Judge(s, o.links(), who(t, s, o.client), o.at)
}

// links are the question with what it leads to.
func (o *occasion) links() []resolver.Link {
	asked := []resolver.Link{{Name: o.name}}
	for _, alias := range o.aliases {
		asked = append(asked, resolver.Link{Kind: resolver.Alias, Name: alias})
	}
	return asked
}

// rulingOf is a verdict as the oracle says it.
func rulingOf(verdict *policy.Verdict) ruling {
	said := ruling{blocked: verdict.Action != policy.Pass}
	if verdict.Primary != nil {
		said.by = verdict.Primary.Entry.List
	}
	return said
}

func explain(verdict *policy.Verdict) string { return strings.Join(verdict.Because, "\n") }

func TestJudgeAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		s := drawn.compile(t)
		for range 20 {
			o := drawOccasion(t)
			verdict := judged(t, s, &o)
			if got, want := rulingOf(&verdict), drawn.oracle(&o); got != want {
				t.Fatalf("%+v: %+v, want %+v\n%s", o, got, want, explain(&verdict))
			}
			checkVerdict(t, s, &o, &verdict)
			drawn.checkAllMatches(t, &o, &verdict)
		}
	})
}

// checkVerdict holds what is true of every verdict.
func checkVerdict(t *rapid.T, s *policy.Snapshot, o *occasion, verdict *policy.Verdict) {
	if verdict.Primary != nil && !verdict.Primary.Counts {
		t.Fatalf("%+v: decided by what does not count: %+v", o, verdict.Primary)
	}
	if verdict.Action == policy.Block && verdict.Primary == nil {
		t.Fatalf("%+v: blocked by nothing", o)
	}
	for i := range verdict.Matches {
		match := &verdict.Matches[i]
		if !match.Entry.Covers(match.Link.Name) {
			t.Fatalf("%+v: %+v does not cover it", o, match.Entry)
		}
		if match.Counts && match.Exception != nil {
			t.Fatalf("%+v: %+v counts in spite of an exception", o, match)
		}
		if match.Role != policy.Feed || match.Action == blocklists.Passthru {
			continue
		}
		found, ok := s.Find(match.Code)
		if !ok || !slices.ContainsFunc(found, func(f policy.Match) bool { return f.Entry == match.Entry }) {
			t.Fatalf("%+v: code %s finds %+v", o, match.Code, found)
		}
	}
}

// checkAllMatches wants every entry that covers the question or an alias among the matches,
// whether it counts or not; of profiles' own names the client's alone.
func (r *rules) checkAllMatches(t *rapid.T, o *occasion, verdict *policy.Verdict) {
	wanted, got := map[string]int{}, map[string]int{}
	for _, name := range append([]wire.Name{o.name}, o.aliases...) {
		for i := range r.lists {
			for _, one := range r.lists[i].lines {
				if one.scope.Covers(wire.MustName(one.name), name) {
					wanted[fmt.Sprintf("%s: %s %s of %s", r.lists[i].ID, one.name, one.scope, name)]++
				}
			}
		}
	}
	for i := range verdict.Matches {
		if match := &verdict.Matches[i]; match.Role == policy.Feed {
			got[fmt.Sprintf("%s: %s %s of %s", match.Entry.List, strings.TrimSuffix(match.Entry.Name.String(), "."), match.Entry.Scope, match.Link.Name)]++
		}
	}
	if !maps.Equal(got, wanted) {
		t.Fatalf("%+v: matches are %v, not %v", o, got, wanted)
	}
}

// The stage does what the explanation says, at every door, with a kept answer and without.
func TestTheStageDoesWhatJudgeSaysAtEveryDoor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		s := drawn.compile(t)
		for range 5 {
			o := drawOccasion(t)
			alone := o
			alone.aliases = nil
			known, early := judged(t, s, &o), judged(t, s, &alone)
			if early.Action == policy.Pass {
				early = known
			}
			for door := resolver.Internal; door <= resolver.QUIC; door++ {
				if got, want := drawn.staged(t, s, &o, door, true), rulingOf(&known); got != want.blocked {
					t.Fatalf("%+v at %s, kept: blocked %v\n%s", o, door, got, explain(&known))
				}
				if got, want := drawn.staged(t, s, &o, door, false), rulingOf(&early); got != want.blocked {
					t.Fatalf("%+v at %s: blocked %v\n%s", o, door, got, explain(&early))
				}
			}
		}
	})
}

// staged says whether the stage blocks.
func (r *rules) staged(t *rapid.T, s *policy.Snapshot, o *occasion, door resolver.Door, kept bool) bool {
	q := query(o.client, o.name.String(), dns.TypeA)
	q.Now, q.Client.Door = o.at, door
	message := q.Message()
	owner := o.name
	for _, alias := range o.aliases {
		message.Answer = append(message.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: owner.FQDN(), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: alias.FQDN()})
		owner = alias
	}
	answer, err := resolver.NewAnswer(message, o.at).Pack()
	if err != nil {
		t.Fatal(err)
	}
	next := &below{answer: answer}
	if kept {
		next.cached = slot(answer)
	}
	stage, _, _ := filter(s, next)
	got, err := stage.Resolve(t.Context(), q)
	if err != nil && !errors.Is(err, resolver.Dropped) {
		t.Fatal(err)
	}
	return got.Origin == resolver.Policy
}

// No allow changes what law or security says.
func TestAllowNeverBeatsLawOrSecurity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		without := drawRules(t)
		without.own = slices.DeleteFunc(without.own, func(own bundle.Own) bool { return own.Kind == bundle.ProfileAllow })
		with := without
		with.own = append(slices.Clip(without.own), allow(someNames...))
		plain, allowed := without.compile(t), with.compile(t)
		for range 20 {
			o := drawOccasion(t)
			o.client = child
			before, after := judged(t, plain, &o), judged(t, allowed, &o)
			if before.Action == policy.Block && before.Primary.Purpose() != blocklists.User && rulingOf(&after) != rulingOf(&before) {
				t.Fatalf("%+v: an allow lifted %+v", o, before.Primary)
			}
			if after.Action == policy.Block && after.Primary.Purpose() == blocklists.User && slices.ContainsFunc(parsed(someNames), o.name.IsBelow) {
				t.Fatalf("%+v: an allowed name is blocked by %+v", o, after.Primary)
			}
		}
	})
}

// What other states order changes nothing.
func TestAnOrderNeverReachesAnotherState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawRules(t)
		everywhere := all.compile(t)
		for client, place := range map[netip.Addr]string{italian: "IT", child: "IT", french: "FR", nowhere: ""} {
			home := all
			home.lists = slices.DeleteFunc(slices.Clone(all.lists), func(l ruled) bool {
				return l.Purpose == blocklists.Law && !slices.Contains(l.Jurisdiction, place)
			})
			if len(home.lists) == 0 {
				continue
			}
			here := home.compile(t)
			for range 5 {
				o := drawOccasion(t)
				o.client = client
				with, without := judged(t, everywhere, &o), judged(t, here, &o)
				if rulingOf(&with) != rulingOf(&without) {
					t.Fatalf("%+v in %q: %s\nwithout the orders of others: %s", o, place, explain(&with), explain(&without))
				}
			}
		}
	})
}

// What no entry covers passes, whatever else there is.
func TestNoEntryNoBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		s := drawn.compile(t)
		for _, client := range someClients {
			o := occasion{name: wire.MustName(rapid.SampledFrom([]string{"free.example", "xa.example", "example", "a.example.org", "test"}).Draw(t, "name")), client: client, at: today}
			verdict := judged(t, s, &o)
			if verdict.Action != policy.Pass || verdict.Primary != nil || len(verdict.Matches) != 0 {
				t.Fatalf("%+v: %s", o, explain(&verdict))
			}
		}
	})
}

// A decided exception survives any re-import of its list.
func TestADecidedExceptionSurvivesEveryImport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		list := &drawn.lists[rapid.IntRange(0, len(drawn.lists)-1).Draw(t, "of list")]
		exception := decided(string(list.ID), rapid.SampledFrom(someNames).Draw(t, "excepted name"))
		drawn.exceptions = append(drawn.exceptions, exception)
		for range 3 {
			list.lines = nil
			for _, name := range append(slices.Clone(someNames), "deep.x.www.a.example", "example") {
				list.lines = append(list.lines, drawLine(name).Draw(t, "imported anew"))
			}
			s := drawn.compile(t)
			for range 10 {
				o := drawOccasion(t)
				verdict := judged(t, s, &o)
				if verdict.Primary != nil && verdict.Primary.Entry.List == list.ID && o.name.IsBelow(exception.Name) {
					t.Fatalf("%+v: decided by %+v in spite of %+v", o, verdict.Primary, exception)
				}
			}
		}
	})
}

// One list more unblocks nothing, but that one that lets names pass ends its own step; of
// law it ends nothing.
func TestOneListMoreUnblocksNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := drawRules(t)
		added := drawList(t, 9)
		at := rapid.IntRange(0, len(before.lists)).Draw(t, "place")
		more := before
		more.lists = slices.Insert(slices.Clone(before.lists), at, added)
		lets := slices.ContainsFunc(added.lines, func(l line) bool { return l.lets })
		old, made := before.compile(t), more.compile(t)
		for range 20 {
			o := drawOccasion(t)
			was, is := judged(t, old, &o), judged(t, made, &o)
			if was.Action == policy.Pass || is.Action != policy.Pass {
				continue
			}
			if !lets || added.Purpose == blocklists.Law || was.Primary.Purpose() != added.Purpose || was.Primary.Role != policy.Feed {
				t.Fatalf("%+v: %s unblocks it\n%s\nbefore: %s", o, added.ID, explain(&is), explain(&was))
			}
		}
	})
}

// Time alone changes no verdict: between two times with no date of any rule the same is said.
func TestOnlyDatesChangeAVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		s := drawn.compile(t)
		for range 20 {
			o := drawOccasion(t) // at a whole hour, as all dates are
			later := o
			later.at = o.at.Add(59 * 60 * 1e9)
			first, second := judged(t, s, &o), judged(t, s, &later)
			if rulingOf(&first) != rulingOf(&second) {
				t.Fatalf("%+v: %s\nan hour later: %s", o, explain(&first), explain(&second))
			}
		}
	})
}

// The names of a household judge its own questions alone.
func TestNobodyElseSeesAHouseholdsNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		with := drawRules(t)
		with.own = []bundle.Own{allow(someNames[:3]...), deny(someNames[2:]...)}
		without := with
		without.own = nil
		one, other := with.compile(t), without.compile(t)
		for range 20 {
			o := drawOccasion(t)
			if o.client == child {
				o.client = italian
			}
			seen, unseen := judged(t, one, &o), judged(t, other, &o)
			if explain(&seen) != explain(&unseen) {
				t.Fatalf("%+v: %s\nwithout the household: %s", o, explain(&seen), explain(&unseen))
			}
		}
	})
}

// Whatever a household asks for, allows, pauses or lets rest: what law or security blocks stays
// blocked by the same entry.
func TestAHouseholdNeverBeatsLawOrSecurity(t *testing.T) {
	gambling := user("u").Manifest
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		plain := drawn.compile(t)
		config := profile.Config{ID: "kids", Categories: []string{"gambling"}, Requested: profile.Requested{By: "account-42", At: today}}
		window := []profile.Window{{Days: []string{"mon", "tue"}, From: "12:00", To: "17:00"}}
		switch rapid.IntRange(0, 5).Draw(t, "asks for") {
		case 0:
			config.Schedule = profile.Schedule{Timezone: "UTC", Off: window}
		case 1:
			config.Schedule = profile.Schedule{Timezone: "UTC", Offline: window}
		case 2:
			config.Pause = profile.Pause{Of: rapid.SampledFrom([]string{profile.PauseFilters, profile.PauseInternet}).Draw(t, "pause"), Until: after(5)}
		case 3:
			config.Allow = someNames
		case 4:
			config.SafeSearch.Bing = true
		}
		profiles, problems := profile.NewProfiles([]profile.Config{config}, []*blocklists.Manifest{&gambling})
		if len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		asking := drawn
		asking.own = slices.Concat(drawn.own, []bundle.Own{{Kind: bundle.Help, Names: parsed(someNames[:2])}})
		if len(config.Allow) > 0 {
			asking.own = slices.DeleteFunc(asking.own, func(own bundle.Own) bool { return own.Kind == bundle.ProfileAllow })
			asking.own = append(asking.own, allow(config.Allow...))
		}
		changed := asking.compile(t)
		changed.Clients = tableOf(t, profiles[0], &profile.Profile{ID: "teens"})
		for range 20 {
			o := drawOccasion(t)
			o.client = child
			before, after := judged(t, plain, &o), judged(t, changed, &o)
			for _, verdicts := range [][2]*policy.Verdict{{&before, &after}, {&after, &before}} {
				if one := verdicts[0]; one.Action != policy.Pass && one.Primary.Purpose() != blocklists.User && rulingOf(one) != rulingOf(verdicts[1]) {
					t.Fatalf("%+v: %s\nand with %+v: %s", o, explain(&before), config, explain(&after))
				}
			}
		}
	})
}

// A pass lifts entries of security that offer one, for the client that has it; never of law or
// of a user list, and for nobody else.
func TestAPassNeverBeatsLawOrUser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawRules(t)
		for i := range drawn.lists {
			if drawn.lists[i].Purpose == blocklists.Security && rapid.Bool().Draw(t, "offers a pass") {
				drawn.lists[i].Pass = time.Hour
			}
		}
		plain, passed := drawn.compile(t), drawn.compile(t)
		passed.Passes = pass.New(pass.RandomKey, nil)
		for _, name := range someNames {
			for _, match := range passed.Matches(wire.MustName(name)) {
				if entry, offered := passed.PassEntry(&match); offered {
					draft, _ := passed.Passes.Draft(pass.Client{Addr: child}, entry, today)
					passed.Passes.Give(draft, time.Hour, today)
				}
			}
		}
		for range 20 {
			o := drawOccasion(t)
			o.at = today
			before, after := judgedFor(t, plain, &o), judgedFor(t, passed, &o)
			if rulingOf(&before) == rulingOf(&after) {
				continue
			}
			if o.client != child || before.Primary == nil || before.Primary.Purpose() != blocklists.Security || before.Primary.Manifest.Pass == 0 {
				t.Fatalf("%+v: %s\nwith passes: %s", o, explain(&before), explain(&after))
			}
		}
	})
}

// judgedFor is the verdict for the client that asks, with its passes.
func judgedFor(t failer, s *policy.Snapshot, o *occasion) policy.Verdict {
	t.Helper()
	return policy.JudgeClient(s, o.links(), who(t, s, o.client), resolver.Client{Addr: o.client}, o.at)
}
