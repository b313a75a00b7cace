package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
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

// TestProbeKeepsTheReason: who waited for somebody else's probe learns why it failed.
func TestProbeKeepsTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := broken(t, silent)
		exchanger := exchangerFunc(func(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
			if strings.HasPrefix(server.Addr.String(), "198.51.102.") {
				time.Sleep(50 * time.Millisecond)
				return nil, fmt.Errorf("dial: %w", syscall.EHOSTUNREACH)
			}
			return w.Exchange(ctx, server, query, accept)
		})
		r, err := recurse.New(recurse.Config{Hints: parse(t, ".", hints), IPv4: true}, exchanger, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		expectFailure(t, r, query("n0.test", dns.TypeA), resolver.NetworkError)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() { expectFailure(t, r, query(fmt.Sprintf("n%d.test", i), dns.TypeA), resolver.NetworkError) })
		}
		all.Wait()
	})
}

// TestFailingZoneProbesSideBySide: where servers do reply, one name's failure holds
// nobody else up.
func TestFailingZoneProbesSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := wild(t)
		w := broken(t, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if strings.HasPrefix(q.Question[0].Name, "bad") {
				time.Sleep(100 * time.Millisecond)
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}
			return good(q, transport)
		})
		r := newResolver(t, w)
		expectFailure(t, r, query("bad0.test", dns.TypeA), resolver.NoReachableAuthority)
		var all sync.WaitGroup
		all.Go(func() { expectFailure(t, r, query("bad1.test", dns.TypeA), resolver.NoReachableAuthority) })
		time.Sleep(10 * time.Millisecond)
		begin := time.Now()
		resolve(t, r, "n1.test", dns.TypeA)
		if took := time.Since(begin); took > 50*time.Millisecond {
			t.Errorf("took %s", took)
		}
		all.Wait()
	})
}

// TestFailedZoneOfPartsOfNames: a probe that failed is not repeated for the whole name.
func TestFailedZoneOfPartsOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := broken(t, silent)
		r := newResolver(t, w, minimising(recurse.Relaxed))
		expectFailure(t, r, query("www.n0.test", dns.TypeA), resolver.NoReachableAuthority)
		w.questions()
		expectFailure(t, r, query("www.n1.test", dns.TypeA), resolver.NoReachableAuthority)
		if cost := count(w.questions(), "198.51.102."); cost > 2 {
			t.Errorf("cost %d questions, want two", cost)
		}
		time.Sleep(10 * time.Second)
	})
}

// TestSilenceForPartsOfNames: silence for a part of a name leads to the whole name soon.
func TestSilenceForPartsOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		good := zone(t, "test.", "www.sub A 203.0.113.3")
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeNS {
				return nil
			}
			return good(q, transport)
		})
		begin, r := time.Now(), newResolver(t, w, minimising(recurse.Relaxed))
		resolve(t, r, "www.sub.test", dns.TypeA)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %s", took)
		}
		w.questions()
		resolve(t, r, "www.other.test", dns.TypeA)
		if asked := w.questions(); count(asked, " other.test. NS") == 0 {
			t.Errorf("silence was taken for choking: asked %q", asked)
		}
		time.Sleep(10 * time.Second)
	})
}

// TestOtherFamilyIsNext: behind a stranger that is silent comes one of the other family.
func TestOtherFamilyIsNext(t *testing.T) {
	for range 20 { // the order is random
		synctest.Test(t, func(t *testing.T) {
			w := usual(t)
			text := "test. NS n.test.\nn.test. A 198.51.100.3\n"
			for i := range 5 {
				text += fmt.Sprintf("test. NS n%d.test.\nn%d.test. AAAA 2001:db8::%d\n", i, i, i+1)
				w.on(fmt.Sprintf("2001:db8::%d", i+1), silent)
			}
			w.serve(rootAddress, ".", text)
			r := newResolver(t, w, func(c *recurse.Config) { c.IPv6 = true })
			begin := time.Now()
			resolve(t, r, "www.test", dns.TypeA)
			if took := time.Since(begin); took > 450*time.Millisecond {
				t.Errorf("took %s", took)
			}
			time.Sleep(5 * time.Second)
		})
	}
}

// TestBoundsAreNotTheZonesFailure: a query that may look no further name server up has
// not found that all of them fail.
func TestBoundsAreNotTheZonesFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		text := "sub NS ns.sub\nns.sub A 198.51.100.7\nsub NS good.example.\n"
		for i := range 11 {
			text += fmt.Sprintf("sub NS missing%d.example.\n", i)
		}
		w.serve("198.51.100.3", "test.", text)
		w.serve("198.51.100.2", "example.", "good A 198.51.100.8")
		w.on("198.51.100.7", rcode(dns.RcodeServerFailure))
		w.serve("198.51.100.8", "sub.test.", "n0 A 203.0.113.3\nn1 A 203.0.113.3\nn2 A 203.0.113.3\nn3 A 203.0.113.3")
		r := newResolver(t, w)
		answered := false
		for i := range 4 { // each finds five that are missing at the most
			_, err := r.Resolve(t.Context(), query(fmt.Sprintf("n%d.sub.test", i), dns.TypeA))
			answered = err == nil
		}
		if !answered {
			t.Error("the one good server was never found")
		}
	})
}
