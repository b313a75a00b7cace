package policy_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// What others are told to block is what is blocked here for everybody.
func TestStands(t *testing.T) {
	day := 24 * time.Hour
	staged := security("staged", "staged.example").with(func(m *blocklists.Manifest) {
		m.Stage = blocklists.Stage{Share: 1000, For: time.Hour, HaltAbove: 100}
	})
	shadow := security("shadow", "shadow.example").with(func(m *blocklists.Manifest) { m.Shadow = true })
	g := guard.New(guard.Config{})
	made := guarded(t, g, nil, security("plain", "plain.example", "co.uk"), staged, shadow, user("games", "games.example"))
	current := policy.NewCurrent(&policy.Snapshot{Bundle: made, Clients: everybody(t), Guard: g})
	type answer struct {
		stands bool
		turns  time.Duration // from today on; 0 for never
	}
	check := func(list, name string, at time.Duration, want answer) {
		t.Helper()
		id, found := made.Find(blocklists.ListID(list), wire.MustName(name), blocklists.Subtree)
		if !found {
			t.Fatalf("no %s in %s", name, list)
		}
		stands, turns := current.Load().Stands(id, today.Add(at))
		got := answer{stands: stands}
		if !turns.IsZero() {
			got.turns = turns.Sub(today)
		}
		if got != want {
			t.Errorf("%s of %s after %s: %v, want %v", name, list, at, got, want)
		}
	}
	check("plain", "plain.example", 0, answer{true, 90 * day})
	check("plain", "plain.example", 90*day, answer{})
	check("plain", "co.uk", 0, answer{}) // held
	check("games", "games.example", 400*day, answer{true, 0})
	check("shadow", "shadow.example", 0, answer{})
	check("staged", "staged.example", 0, answer{false, time.Hour})
	check("staged", "staged.example", time.Hour, answer{true, 90 * day})

	before := current.Load().StandsBy()
	current.Load().Trials().Halt("staged", today)
	if current.Load().StandsBy() == before {
		t.Error("a halt does not show")
	}
	check("staged", "staged.example", time.Hour, answer{})
	current.Load().Trials().Halt("staged", time.Time{})
	if current.Load().StandsBy() != before {
		t.Error("what goes on looks halted")
	}
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Guard = g.With(guard.NewLedger(guard.Records{Confirmations: []blocklists.Confirmation{{List: "plain", By: "Ada", At: today.Add(80 * day)}}}, today))
		return s
	})
	if current.Load().StandsBy() == before {
		t.Error("a confirmation does not show")
	}
	check("plain", "plain.example", 90*day, answer{true, 170 * day})
}
