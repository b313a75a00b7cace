package policy_test

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

func sameAnswer(one, other *resolver.Answer) bool {
	if one == nil || other == nil {
		return one == other
	}
	return bytes.Equal(one.Signed.Wire, other.Signed.Wire) && slices.Equal(one.Signed.TTLs, other.Signed.TTLs) && slices.Equal(one.Extended, other.Extended) &&
		one.TTL == other.TTL && one.Security == other.Security && one.Origin == other.Origin
}

// read is an answer as the client of a query reads it.
func read(answer *resolver.Answer, q *resolver.Query) *resolver.Answer {
	if answer == nil || q.Structured {
		return answer
	}
	plain := *answer
	plain.Extended = slices.Clone(answer.Extended)
	for i := range plain.Extended {
		plain.Extended[i].Structured, plain.Extended[i].Brief = "", ""
	}
	return &plain
}

// What is remembered of a question changes no answer: each is the one that a filter gives
// which was never asked before, whoever asks, for whatever, in whatever order.
func TestRememberedBlocksAreThoseOfTheFirstTime(t *testing.T) {
	ended := law("ended", "www.x.example").with(func(m *blocklists.Manifest) { m.Expires = today.Add(time.Hour) })
	zero := security("zero", "z.example").with(func(m *blocklists.Manifest) { m.Answer = blocklists.Zero })
	index := compile(t, nil, []list{ended, law("l", "x.example"), zero, security("s", "s.example", "x.example"), user("u", "u.example", "s.example")},
		deny("d.example"), allow("s.example"))
	make := func() *policy.Snapshot { return snapshot(t, index, decided("s", "free.s.example")) }
	shared, _, counts := filter(make(), new(below))
	asked := 0
	for range 5 {
		for _, addr := range []netip.Addr{italian, child, french, nowhere, elder} {
			for _, name := range []string{"x.example", "www.x.example", "z.example", "s.example", "free.s.example", "a.free.s.example", "u.example", "d.example", "none.example"} {
				for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
					for _, after := range []time.Duration{0, 20 * time.Second, 2 * time.Hour} {
						for _, budget := range []int{resolver.TextBudget, 20, 0} {
							alone, _, _ := filter(make(), new(below))
							q := query(addr, name, kind)
							q.Now, q.Budget, q.Inline, q.Structured = today.Add(after), budget, true, budget == 0
							want, outcome := alone.Resolve(t.Context(), q)
							for range 3 {
								got, err := shared.Resolve(t.Context(), q)
								if !errors.Is(err, outcome) || !sameAnswer(read(got, q), read(want, q)) || got != nil && got.Age(q.Now) != want.Age(q.Now) {
									t.Fatalf("%s asks for %s %d after %s: %+v, %v, and at first %+v", addr, name, kind, after, got, err, want)
								}
								asked++
							}
						}
					}
				}
			}
		}
	}
	total := 0
	for _, count := range counts.blocks() {
		total += count
	}
	if total < asked/4 || total > asked*3/4 {
		t.Errorf("%d blocks counted of %d questions", total, asked)
	}
}

// An exception, and a bundle without the name, end a block that is remembered at once.
func TestWhatIsRememberedEndsWithTheSnapshot(t *testing.T) {
	next := &below{answer: reply(t, query(italian, "s.example", dns.TypeA), "s.example. 60 IN A 192.0.2.7")}
	index := compile(t, nil, []list{security("s", "s.example")})
	stage, current, _ := filter(snapshot(t, index), next)
	origin := func() resolver.Origin {
		answer, err := stage.Resolve(t.Context(), query(italian, "s.example", dns.TypeA))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Origin
	}
	remember := func() {
		for range 4 {
			if origin() != resolver.Policy {
				t.Fatal("not blocked")
			}
		}
	}
	remember()
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Overlay = policy.NewOverlay(1, []blocklists.Exception{decided("s", "s.example")})
		return s
	})
	if origin() == resolver.Policy {
		t.Error("an exception is in force, and the name is blocked")
	}
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Overlay = nil
		return s
	})
	remember()
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Bundle = compile(t, index, []list{security("s", "other.example")})
		return s
	})
	if origin() == resolver.Policy {
		t.Error("the name is in no list, and is blocked")
	}
}

// A question that was blocked before costs no allocation, as one that is cached.
func TestRememberedBlocksDoNotAllocate(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example"), security("s", "s.example", "x.example")}))
	for _, cached := range []bool{false, true} {
		for _, name := range []string{"www.x.example", "s.example"} {
			q := query(italian, name, dns.TypeA)
			q.Structured = cached
			next := new(below)
			if cached {
				next.cached = slot(reply(t, q, name+". 60 IN A 192.0.2.7"))
			}
			stage, _, _ := filter(s, next)
			ask := func() {
				if answer, err := stage.Resolve(t.Context(), q); err != nil || answer.Origin != resolver.Policy {
					t.Fatalf("%s: %+v, %v", name, answer, err)
				}
			}
			for range 3 {
				ask()
			}
			if allocations := testing.AllocsPerRun(100, ask); allocations != 0 {
				t.Errorf("%s, cached %v: %v allocations", name, cached, allocations)
			}
		}
	}
}
