package recurse_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// broken is a world in which each of the ten servers of test. answers as it is told to.
func broken(t *testing.T, answer handler) *world {
	w := usual(t)
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "test. NS n%d.test.\nn%d.test. A 198.51.102.%d\n", i, i, i)
	}
	w.serve(rootAddress, ".", text.String())
	mend(w, answer)
	return w
}

func mend(w *world, answer handler) {
	for i := range 10 {
		w.on(fmt.Sprintf("198.51.102.%d", i), answer)
	}
}

func wild(t *testing.T) handler { return zone(t, "test.", wildText()) }

func wildText() string {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "n%d A 203.0.113.3\n", i)
	}
	return text.String()
}

// TestFailedZone is RFC 9520, section 3.2: all servers of a zone failed for one name,
// and the next one does not cost the whole work again, until some time has passed.
func TestFailedZone(t *testing.T) {
	for name, test := range map[string]struct {
		answer handler
		code   uint16
	}{
		"silent":      {silent, resolver.NoReachableAuthority},
		"failing":     {rcode(dns.RcodeServerFailure), resolver.NoReachableAuthority},
		"unreachable": {nil, resolver.NetworkError},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := broken(t, test.answer)
				r := newResolver(t, w)
				ask := func(i int) int {
					expectFailure(t, r, query(fmt.Sprintf("n%d.test", i), dns.TypeA), test.code)
					return count(w.questions(), "198.51.102.")
				}
				first := ask(0)
				if first < 10 {
					t.Errorf("the first name cost %d questions, want each server asked", first)
				}
				for i := range 3 {
					if cost := ask(i + 1); cost == 0 || cost > 2 {
						t.Errorf("name %d of a failed zone cost %d questions, want one or two", i+1, cost)
					}
				}
				time.Sleep(10 * time.Minute)
				if cost := ask(5); cost < 10 {
					t.Errorf("after ten minutes a name cost %d questions, want the whole work", cost)
				}
				mend(w, wild(t))
				resolve(t, r, "n6.test", dns.TypeA) // recovery shows at once
				resolve(t, r, "n7.test", dns.TypeA)
				time.Sleep(10 * time.Second)
			})
		})
	}
}

// TestFailedZoneBacksOff: each time that all fail again the zone is left for longer,
// five minutes at most.
func TestFailedZoneBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := broken(t, rcode(dns.RcodeServerFailure))
		r := newResolver(t, w)
		var whole []time.Duration // when all were asked
		begin, last := time.Now(), time.Now()
		for i := 0; time.Since(begin) < 40*time.Minute; i++ {
			expectFailure(t, r, query(fmt.Sprintf("n%d.test", i), dns.TypeA), resolver.NoReachableAuthority)
			if count(w.questions(), "198.51.102.") >= 10 {
				whole = append(whole, time.Since(last).Truncate(time.Second))
				last = time.Now()
			}
			time.Sleep(500 * time.Millisecond)
		}
		for i, pause := range whole[1:] {
			want := min(5*time.Second<<min(i, 10), 5*time.Minute)
			if pause < want || pause > want+2*time.Second {
				t.Errorf("pause %d is %s, want %s", i, pause, want)
			}
		}
		if len(whole) < 10 || len(whole) > 16 {
			t.Errorf("all servers were asked %d times", len(whole))
		}
	})
}

// TestFailedNameIsNotItsZone: servers that fail for one name may know the next.
func TestFailedNameIsNotItsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := wild(t)
		w := broken(t, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if strings.HasPrefix(q.Question[0].Name, "bad") {
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}
			return good(q, transport)
		})
		r := newResolver(t, w)
		expectFailure(t, r, query("bad.test", dns.TypeA), resolver.NoReachableAuthority)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { resolve(t, r, fmt.Sprintf("n%d.test", i), dns.TypeA) })
		}
		all.Wait()
	})
}

// TestOneProbeOfADeadZone: many names at once cost a dead zone what one does, and all
// of them see it recover.
func TestOneProbeOfADeadZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := broken(t, silent)
		r := newResolver(t, w)
		expectFailure(t, r, query("n0.test", dns.TypeA), resolver.NoReachableAuthority)
		for range 6 { // so that it is left for long
			time.Sleep(40 * time.Second)
			expectFailure(t, r, query("n0.test", dns.TypeA), resolver.NoReachableAuthority)
		}
		w.questions()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				expectFailure(t, r, query(fmt.Sprintf("n%d.test", i), dns.TypeA), resolver.NoReachableAuthority)
			})
		}
		all.Wait()
		if cost := count(w.questions(), "198.51.102."); cost == 0 || cost > 2 {
			t.Errorf("twenty names of a dead zone cost %d questions, want one or two", cost)
		}
		mend(w, wild(t))
		for i := range 20 {
			all.Go(func() { resolve(t, r, fmt.Sprintf("n%d.test", i), dns.TypeA) })
		}
		all.Wait()
		time.Sleep(10 * time.Second)
	})
}

// TestOwnTroubleIsNotTheZones: neither a client that leaves nor one that has nothing
// left to spend makes a zone a failed one.
func TestOwnTroubleIsNotTheZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := broken(t, silent)
		r := newResolver(t, w)
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		if _, err := r.Resolve(ctx, query("n1.test", dns.TypeA)); err == nil {
			t.Error("an answer from silent servers")
		}
		poor := query("n2.test", dns.TypeA)
		for range resolver.MaxQueries - 4 {
			poor.Work.Query()
		}
		expectFailure(t, r, poor, resolver.NoReachableAuthority)
		w.questions()
		expectFailure(t, r, query("n3.test", dns.TypeA), resolver.NoReachableAuthority)
		if cost := count(w.questions(), "198.51.102."); cost < 8 {
			t.Errorf("%d questions, as if the zone had failed already", cost)
		}
		time.Sleep(10 * time.Second)
	})
}
