package policy_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var atKids = netip.MustParseAddr("127.0.0.2")

// ear is a witness that remembers.
type ear struct {
	open  bool
	heard []string
}

func (e *ear) Listens() bool { return e.open }

func (e *ear) Withheld(client resolver.Client, match *policy.Match) {
	e.heard = append(e.heard, client.Addr.String()+" "+match.Link.Name.String()+" "+string(match.Entry.List))
}

// A witness is told of what is blocked, and of nothing else, while it listens; else it costs nothing.
func TestWitness(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{security("s", "s.example"), user("u", "u.example")}, deny("own.example")))
	witness := &ear{open: true}
	s.Witness = witness
	stage, _, _ := filter(s, new(below))
	for range 2 { // made, then remembered
		for _, name := range []string{"s.example", "www.u.example", "own.example"} {
			if _, err := stage.Resolve(t.Context(), query(atKids, name, dns.TypeA)); err != nil {
				t.Fatal(err)
			}
		}
	}
	once := "127.0.0.2 s.example s, 127.0.0.2 www.u.example u, 127.0.0.2 own.example profile:kids:deny"
	if got := strings.Join(witness.heard, ", "); got != once+", "+once {
		t.Errorf("it was told of %s", got)
	}
	witness.open = false
	q := query(atKids, "s.example", dns.TypeA)
	if allocated := testing.AllocsPerRun(100, func() {
		if _, err := stage.Resolve(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}); allocated != 0 || len(witness.heard) != 6 {
		t.Errorf("nobody listens, and a block costs %v allocations; %d were told", allocated, len(witness.heard))
	}
}

// In bedtime everything is withheld, and the witness is told of that too.
func TestWitnessOfBedtime(t *testing.T) {
	index := compile(t, nil, []list{user("u", "u.example")})
	s := snapshot(t, index)
	kids := &profile.Profile{ID: "kids", Pause: profile.Pause{Of: profile.PauseInternet, Until: today.Add(time.Hour)}}
	s.Clients = tableOf(t, kids, &profile.Profile{ID: "teens"})
	witness := &ear{open: true}
	s.Witness = witness
	stage, _, _ := filter(s, new(below))
	q := query(atKids, "anything.example", dns.TypeA)
	q.Now = today
	if _, err := stage.Resolve(t.Context(), q); err != nil || len(witness.heard) != 1 || !strings.HasSuffix(witness.heard[0], "anything.example profile:kids:pause") {
		t.Errorf("%v, %v", witness.heard, err)
	}
}

// What is allowed for a while passes until then, its answers last no longer, and then it is blocked as before.
func TestLentNames(t *testing.T) {
	configs := []profile.Config{{
		ID: "kids", Requested: profile.Requested{By: "parent", At: today}, Categories: []string{"gambling"}, Deny: []string{"own.example"},
		Lend: []profile.Lend{{Name: "u.example", Until: today.Add(time.Hour)}, {Name: "own.example", Until: today.Add(2 * time.Hour)}, {Name: "own.example", Until: today}},
	}}
	profiles, problems := profile.NewProfiles(configs, []*blocklists.Manifest{{ID: "u", Purpose: blocklists.User, Category: "gambling"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := snapshot(t, compile(t, nil, []list{user("u", "u.example")}, profile.Own(profiles, nil)...))
	s.Clients = tableOf(t, profiles[0], &profile.Profile{ID: "teens"})
	for _, test := range []struct {
		name  string
		after time.Duration
		want  policy.Action
	}{
		{"www.u.example", 0, policy.Pass}, {"www.u.example", time.Hour - 1, policy.Pass}, {"www.u.example", time.Hour, policy.Block},
		{"own.example", time.Hour, policy.Pass}, {"own.example", 2 * time.Hour, policy.Block},
	} {
		verdict, err := s.Explain(wire.MustName(test.name), policy.Subject{Client: resolver.Client{Addr: atKids}}, today.Add(test.after))
		if err != nil || verdict.Action != test.want {
			t.Errorf("%s after %v: %v, %v", test.name, test.after, verdict.Action, err)
		}
	}
	for after, want := range map[time.Duration]uint32{time.Hour - 30*time.Second: 30, 0: 300} {
		if ttl, is := profiles[0].Phase(today.Add(after)).TTL(today.Add(after)); !is || ttl != want {
			t.Errorf("after %v answers last %d seconds", after, ttl)
		}
	}
	if phase := profiles[0].Phase(today.Add(2 * time.Hour)); !phase.Until.IsZero() {
		t.Errorf("when all is over there is still a change at %v", phase.Until)
	}
}
