package policy_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// everybody admits all addresses.
func everybody(t testing.TB) *profile.Table {
	t.Helper()
	table, problems := profile.NewTable([]profile.Client{{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}}}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return table
}

// guarded compiles lists through safeguards.
func guarded(t failer, g *guard.Guard, previous *bundle.Bundle, lists ...list) *bundle.Bundle {
	t.Helper()
	return compileBy(t, g, previous, lists, nil)
}

// blockedFor counts the networks of a thousand that are blocked.
func blockedFor(t testing.TB, stage asking, name string, at time.Time) (count int) {
	t.Helper()
	for i := range 1000 {
		if stage.blocked(netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), 7}), name, at) {
			count++
		}
	}
	return count
}

// nothing answers every question with one address.
type nothing struct{}

func (nothing) Resolve(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
	return resolver.NewAnswer(new(dns.Msg).SetReply(q.Message()), q.Now).Pack()
}

// asking asks a filter whether it blocks.
type asking struct {
	t      testing.TB
	filter *policy.Filter
}

func (a asking) blocked(client netip.Addr, name string, at time.Time) bool {
	q := query(client, name, dns.TypeA)
	q.Now = at
	answer, err := a.filter.Stage(nothing{}).Resolve(a.t.Context(), q)
	if err != nil {
		a.t.Fatal(err)
	}
	return len(answer.Extended) > 0
}

func TestAStageActsForAShareAndThenForAll(t *testing.T) {
	staged := security("feed", "new.example").with(func(m *blocklists.Manifest) {
		m.Stage = blocklists.Stage{Share: 1000, For: time.Hour, HaltAbove: 1_000_000}
	})
	g := guard.New(guard.Config{})
	current := policy.NewCurrent(&policy.Snapshot{Bundle: guarded(t, g, nil, staged), Clients: everybody(t), Guard: g})
	ask := asking{t, policy.New(current, new(counter), nil, quiet)}
	count := blockedFor(t, ask, "new.example", today)
	if count < 50 || count > 170 {
		t.Errorf("a tenth of 1000 networks are %d", count)
	}
	if again := blockedFor(t, ask, "new.example", today.Add(time.Minute)); again != count {
		t.Errorf("the share is not stable: %d, then %d", count, again)
	}
	for i := range 1000 { // every address of a network is of one mind
		a, b := netip.AddrFrom4([4]byte{10, 9, byte(i % 250), 1}), netip.AddrFrom4([4]byte{10, 9, byte(i % 250), 250})
		if ask.blocked(a, "new.example", today) != ask.blocked(b, "new.example", today) {
			t.Fatalf("%s and %s differ", a, b)
		}
	}
	if count := blockedFor(t, ask, "new.example", today.Add(time.Hour)); count != 1000 {
		t.Errorf("after the stage it blocks for %d of 1000", count)
	}
	verdict, err := current.Load().Explain(wire.MustName("new.example"), policy.Subject{}, today)
	if err != nil || verdict.Action != policy.Pass || !strings.Contains(verdict.Matches[0].Because, "in force for 10% of the clients until 2026-11-23T13:00:00Z") {
		t.Errorf("explained: %+v, %v", verdict.Because, err)
	}
}

func TestASpikeHaltsAStage(t *testing.T) {
	staged := security("feed", "new.example").with(func(m *blocklists.Manifest) {
		m.Stage = blocklists.Stage{Share: 5000, For: time.Hour, HaltAbove: 100}
	})
	g := guard.New(guard.Config{})
	current := policy.NewCurrent(&policy.Snapshot{Bundle: guarded(t, g, nil, staged), Clients: everybody(t), Guard: g})
	ask := asking{t, policy.New(current, new(counter), nil, quiet)}
	count := blockedFor(t, ask, "new.example", today)
	if count != 51 { // 51 blocks of half of the clients are 102 of all
		t.Errorf("halted after %d blocks", count)
	}
	if since, halted := current.Load().Trials().Halted()["feed"]; !halted || since.Unix() != today.Unix() {
		t.Errorf("halted: %v, %t", since, halted)
	}
	if count := blockedFor(t, ask, "new.example", today.Add(2*time.Hour)); count != 0 {
		t.Errorf("time alone let it go on: %d", count)
	}
	// A new bundle of the same list does not forget.
	current.Update(func(s policy.Snapshot) policy.Snapshot { s.Bundle = guarded(t, g, nil, staged); return s })
	if count := blockedFor(t, ask, "new.example", today.Add(time.Minute)); count != 0 {
		t.Errorf("a new bundle let it go on: %d", count)
	}
	current.Load().Trials().Halt("feed", time.Time{})
	if count := blockedFor(t, ask, "new.example", today.Add(2*time.Minute)); count == 0 {
		t.Error("released, and still halted")
	}
}

func TestShadowCountsWithoutEffect(t *testing.T) {
	shadow := security("feed", "new.example").with(func(m *blocklists.Manifest) { m.Shadow = true })
	g := guard.New(guard.Config{})
	current := policy.NewCurrent(&policy.Snapshot{Bundle: guarded(t, g, nil, shadow), Clients: everybody(t), Guard: g})
	counts := new(counter)
	ask := asking{t, policy.New(current, counts, nil, quiet)}
	for range 3 {
		if ask.blocked(italian, "www.new.example", today) {
			t.Fatal("a list in shadow mode blocks")
		}
	}
	if counts.blocks()["would:feed"] != 3 || counts.blocks()["feed"] != 0 {
		t.Errorf("counted %v", counts.blocks())
	}
	if matches := current.Load().Matches(wire.MustName("new.example")); len(matches) != 1 || matches[0].Counts {
		t.Errorf("a look-up shows %+v", matches)
	}
}

func TestHeldEntriesDoNotCount(t *testing.T) {
	protect, err := guard.ParseProtected("bank.example")
	if err != nil {
		t.Fatal(err)
	}
	g := guard.New(guard.Config{Protected: []guard.Protected{protect}})
	current := policy.NewCurrent(&policy.Snapshot{Bundle: guarded(t, g, nil, security("feed", "bank.example", "phish.example")), Clients: everybody(t), Guard: g})
	ask := asking{t, policy.New(current, new(counter), nil, quiet)}
	if ask.blocked(italian, "bank.example", today) || !ask.blocked(italian, "phish.example", today) {
		t.Error("held and not held are mixed up")
	}
	matches := current.Load().Matches(wire.MustName("bank.example"))
	if len(matches) != 1 || matches[0].Counts || matches[0].Hold == nil || matches[0].Hold.Safeguard != blocklists.ProtectedName {
		t.Errorf("a look-up shows %+v", matches)
	}
}

func TestReviews(t *testing.T) {
	const day = 24 * time.Hour
	every := func(m *blocklists.Manifest) { m.ReviewEvery = 30 * day }
	g := guard.New(guard.Config{})
	lists := []list{security("feed", "s.example", "confirmed.example").with(every), law("court", "l.example").with(every), user("games", "u.example").with(every)}
	ledger := guard.NewLedger(guard.Records{Confirmations: []blocklists.Confirmation{{List: "feed", Name: wire.MustName("confirmed.example"), By: "Ada", At: today.Add(29 * day)}}}, today)
	snapshot := &policy.Snapshot{Bundle: guarded(t, g, nil, lists...), Clients: clients(t, bundle.Empty()), Guard: g.With(ledger)}
	current := policy.NewCurrent(snapshot)
	for _, test := range []struct {
		name string
		at   time.Time
		want policy.Action
	}{
		{"s.example", today.Add(30*day - time.Second), policy.Block},
		{"s.example", today.Add(30 * day), policy.Pass},
		{"confirmed.example", today.Add(30 * day), policy.Block},
		{"confirmed.example", today.Add(59*day - time.Second), policy.Block},
		{"confirmed.example", today.Add(59 * day), policy.Pass},
		{"l.example", today.Add(300 * day), policy.Block},
		{"u.example", today.Add(300 * day), policy.Block},
	} {
		verdict, err := current.Load().Explain(wire.MustName(test.name), policy.Subject{Client: resolver.Client{Addr: child}}, test.at)
		if err != nil || verdict.Action != test.want {
			t.Errorf("%s at %s: %v, %v, %v", test.name, test.at, verdict.Action, verdict.Because, err)
		}
	}
	alarms := func(at time.Time) string {
		var said []string
		for _, alarm := range guard.Alarms(guard.Situation{Bundle: current.Load().Bundle, Ledger: ledger, Now: at}) {
			said = append(said, fmt.Sprintf("%s %s", alarm.List, alarm.Kind))
		}
		return strings.Join(said, ", ")
	}
	if got := alarms(today.Add(30 * day)); got != "feed review-stops, court review-due, games review-holder" {
		t.Errorf("on the day: %s", got)
	}
}
