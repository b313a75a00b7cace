package policy_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

// Reloads and decisions that come at the same time do not lose each other, and
// readers see whole snapshots: x.example is blocked in every one of them, by the
// list of its bundle.
func TestCurrentChangesAtTheSameTime(t *testing.T) {
	const changes = 50
	bundles := []*bundle.Bundle{compile(t, nil, []list{law("l", "x.example")})}
	for range changes {
		bundles = append(bundles, compile(t, bundles[len(bundles)-1], []list{law("l", "x.example", "y.example")}))
	}
	cached := slot(reply(t, query(italian, "x.example", dns.TypeA), "x.example. 60 IN A 192.0.2.7"))
	stage, current, _ := filter(snapshot(t, bundles[0]), &below{cached: cached})
	var changing, reading sync.WaitGroup
	done := make(chan struct{})
	changing.Go(func() {
		for _, next := range bundles[1:] {
			current.Update(func(s policy.Snapshot) policy.Snapshot {
				runtime.Gosched() // gives the other change its chance
				s.Bundle = next
				return s
			})
		}
	})
	changing.Go(func() {
		for sequence := range uint64(changes) {
			current.Update(func(s policy.Snapshot) policy.Snapshot {
				runtime.Gosched()
				s.Overlay = policy.NewOverlay(sequence+1, []blocklists.Exception{decided("l", "z.example")})
				return s
			})
		}
	})
	for range 2 {
		reading.Go(func() {
			// A below of its own, for it counts.
			mine := policy.New(current, new(counter), nil, quiet).Stage(&below{cached: cached})
			for {
				answer, err := mine.Resolve(t.Context(), query(italian, "x.example", dns.TypeA))
				if err != nil || answer.Origin != resolver.Policy {
					t.Errorf("got %+v, %v", answer, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	changing.Wait()
	close(done)
	reading.Wait()
	s := current.Load()
	if s.Bundle != bundles[changes] || s.Overlay.Sequence() != changes {
		t.Errorf("bundle %d, sequence %d", s.Bundle.Generation(), s.Overlay.Sequence())
	}
	if answer, err := stage.Resolve(t.Context(), query(italian, "x.example", dns.TypeA)); err != nil || answer.Origin != resolver.Policy {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestCurrentWithoutABundle(t *testing.T) {
	stage, _, _ := filter(&policy.Snapshot{Clients: clients(t, bundle.Empty()), Key: key}, &below{cached: reply(t, query(italian, "x.example", dns.TypeA))})
	if answer, err := stage.Resolve(t.Context(), query(italian, "x.example", dns.TypeA)); err != nil || answer.Origin == resolver.Policy {
		t.Errorf("got %+v, %v", answer, err)
	}
}
