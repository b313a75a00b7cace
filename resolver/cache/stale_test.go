package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// world answers as it is told to, now and after it was changed.
type world struct {
	mu    sync.Mutex
	ttl   uint32
	rcode int
	err   error
	delay time.Duration
	asked atomic.Int64

	security resolver.Security
	signed   time.Duration // how long signatures hold; zero: none
}

func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *world) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	count := w.asked.Add(1)
	w.mu.Lock()
	ttl, rcode, err, delay := w.ttl, w.rcode, w.err, w.delay
	security, holds := w.security, w.signed
	w.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, resolver.Fail(resolver.NoReachableAuthority, "no time")
	}
	if err != nil {
		return nil, err
	}
	reply := query.Message()
	reply.Rcode = rcode
	header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}
	if rcode == dns.RcodeSuccess {
		reply.Answer = []dns.RR{&dns.A{Hdr: header, A: []byte{192, 0, 2, byte(count)}}}
	} else {
		header.Rrtype, header.Name = dns.TypeSOA, "example."
		reply.Ns = []dns.RR{&dns.SOA{Hdr: header, Ns: ".", Mbox: "."}}
	}
	for _, lasts := range []time.Duration{holds, holds / 2} { // two keys: one is enough
		if holds > 0 {
			signed := header
			signed.Rrtype = dns.TypeRRSIG
			reply.Answer = append(reply.Answer, &dns.RRSIG{Hdr: signed, TypeCovered: header.Rrtype, Expiration: uint32(query.Now.Add(lasts).Unix()), SignerName: "example."})
		}
	}
	answer := resolver.NewAnswer(reply, query.Now)
	answer.TTL, answer.Security = time.Duration(ttl)*time.Second, security
	return answer, nil
}

// staged runs a test on a cache over a world, in a bubble with its own clock. That the
// bubble ends shows that Close leaves no goroutine behind.
func staged(t *testing.T, config cache.Config, test func(t *testing.T, w *world, handler resolver.Handler, c *cache.Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(config)
		defer c.Close()
		w := &world{ttl: 60}
		test(t, w, chain(c, w), c)
	})
}

func codes(answer *resolver.Answer) []uint16 {
	var all []uint16
	for _, one := range answer.Extended {
		all = append(all, one.Code)
	}
	return all
}

func isStale(answer *resolver.Answer) bool {
	return len(answer.Extended) == 1 && (answer.Extended[0].Code == 3 || answer.Extended[0].Code == 19)
}

func TestStaleAtOnceAndRefreshed(t *testing.T) {
	staged(t, cache.Config{Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, c *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		w.set(func(w *world) { w.delay = time.Second })
		time.Sleep(90 * time.Second)
		begun := time.Now()
		answer := mustResolve(t, handler, ask("a.example"))
		if !isStale(answer) || codes(answer)[0] != 3 || ttlOf(answer) != 30 || answer.Age(time.Now()) != 0 || time.Since(begun) != 0 {
			t.Errorf("answered %v with TTL %d after %v", codes(answer), ttlOf(answer), time.Since(begun))
		}
		if answer.Memo == nil {
			t.Error("policy's memo is lost")
		}
		mustResolve(t, handler, ask("a.example"))
		inline := ask("a.example") // one is under way: the rest need not wait
		inline.Inline = true
		if !isStale(mustResolve(t, handler, inline)) {
			t.Error("not stale inline")
		}
		time.Sleep(2 * time.Second)
		if fresh := mustResolve(t, handler, ask("a.example")); isStale(fresh) || w.asked.Load() != 2 || ttlOf(fresh) != 60 {
			t.Errorf("after the refresh: %v, asked %d times", codes(fresh), w.asked.Load())
		}
		if got := c.Stats().Stale.Load(); got != 3 || c.Stats().Refreshes.Load() != 1 {
			t.Errorf("counted %d stale answers", got)
		}
	})
}

// TestNothingStartsBeforePolicyHasJudged: an inline pass comes before the verdict.
func TestNothingStartsBeforePolicyHasJudged(t *testing.T) {
	staged(t, cache.Config{Prefetch: true, Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		for _, wait := range []time.Duration{55 * time.Second, 30 * time.Second} {
			time.Sleep(wait)
			inline := ask("a.example")
			inline.Inline = true
			if _, err := handler.Resolve(t.Context(), inline); !errors.Is(err, resolver.ErrWouldBlock) {
				t.Errorf("after %v: %v", wait, err)
			}
			synctest.Wait()
			if w.asked.Load() != 1 {
				t.Fatal("the world was asked for a question that nobody has judged")
			}
		}
	})
}

func TestAPatientClientGetsTheFreshAnswer(t *testing.T) {
	staged(t, cache.Config{Stale: cache.Stale{After: 1800 * time.Millisecond, UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		time.Sleep(90 * time.Second)
		w.set(func(w *world) { w.delay = time.Second })
		if answer := mustResolve(t, handler, ask("a.example")); isStale(answer) || answer.Rcode() != 0 {
			t.Error("a fresh answer within the patience was not waited for")
		}
		time.Sleep(90 * time.Second)
		w.set(func(w *world) { w.delay = 5 * time.Second })
		begun := time.Now()
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if answer := mustResolve(t, handler, ask("a.example")); !isStale(answer) || time.Since(begun) != 1800*time.Millisecond {
					t.Errorf("answered %v after %v", codes(answer), time.Since(begun))
				}
			})
		}
		group.Wait()
		time.Sleep(5 * time.Second)
		if answer := mustResolve(t, handler, ask("a.example")); isStale(answer) || w.asked.Load() != 3 {
			t.Errorf("the resolution that went on was lost: asked %d times", w.asked.Load())
		}
	})
}

func TestStaleWhereTheWorldFails(t *testing.T) {
	outage := resolver.Fail(resolver.NoReachableAuthority, "no server answers")
	for what, broken := range map[string]func(*world){
		"failure": func(w *world) { w.err = outage },
		"refused": func(w *world) { w.rcode = dns.RcodeRefused },
		"no keys": func(w *world) { w.err = resolver.Fail(resolver.Indeterminate, "no keys to be had") },
	} {
		staged(t, cache.Config{Stale: cache.Stale{After: time.Second, UpTo: time.Hour, TTL: 10 * time.Second}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
			mustResolve(t, handler, ask("a.example"))
			w.set(broken)
			time.Sleep(61 * time.Second)
			begun := time.Now()
			if answer := mustResolve(t, handler, ask("a.example")); !isStale(answer) || ttlOf(answer) != 10 || time.Since(begun) != 0 {
				t.Errorf("%s: answered %v with TTL %d after %v", what, codes(answer), ttlOf(answer), time.Since(begun))
			}
			time.Sleep(29 * time.Second) // the failure recheck timer
			inline := ask("a.example")
			inline.Inline = true
			if answer := mustResolve(t, handler, inline); !isStale(answer) || w.asked.Load() != 2 {
				t.Errorf("%s: asked %d times within the recheck time", what, w.asked.Load())
			}
			time.Sleep(2 * time.Second)
			if mustResolve(t, handler, ask("a.example")); w.asked.Load() != 3 {
				t.Errorf("%s: asked %d times after it", what, w.asked.Load())
			}
			time.Sleep(time.Hour)
			if answer, err := handler.Resolve(t.Context(), ask("a.example")); err == nil && answer.Rcode() == 0 {
				t.Errorf("%s: given after its last hour: %v", what, answer)
			}
		})
	}
}

// TestABogusRefresh: what was proved stays and says what is wrong now; what never was
// is SERVFAIL like anything that does not validate.
func TestABogusRefresh(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second} {
		for _, before := range []resolver.Security{resolver.Secure, resolver.Insecure} {
			staged(t, cache.Config{Stale: cache.Stale{After: after, UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
				w.set(func(w *world) { w.security = before })
				mustResolve(t, handler, ask("a.example"))
				w.set(func(w *world) { w.err = resolver.Fail(resolver.SignatureExpired, "a signature has ended") })
				time.Sleep(61 * time.Second)
				first, err := handler.Resolve(t.Context(), ask("a.example"))
				if at := after == 0 || before == resolver.Secure; (err == nil) != at { // at once: the refresh is on its way
					t.Errorf("after %v, once %d: %v, %v", after, before, first, err)
				}
				synctest.Wait()
				answer, err := handler.Resolve(t.Context(), ask("a.example"))
				if before == resolver.Insecure {
					if err == nil {
						t.Errorf("after %v: a bogus answer was masked by %v", after, codes(answer))
					}
					return
				}
				if err != nil || !slices.Equal(codes(answer), []uint16{3, 7}) || answer.Security != resolver.Secure || w.asked.Load() != 2 {
					t.Errorf("after %v: %v, %v, asked %d times", after, answer, err, w.asked.Load())
				}
				w.set(func(w *world) { w.err = nil })
				time.Sleep(31 * time.Second)
				mustResolve(t, handler, ask("a.example"))
				synctest.Wait()
				if answer := mustResolve(t, handler, ask("a.example")); isStale(answer) || len(codes(answer)) != 0 {
					t.Errorf("after %v: what is whole again is %v", after, codes(answer))
				}
			})
		}
	}
}

// TestAStaleAnswerEndsWithItsSignatures: what nothing proves any more is bogus.
func TestAStaleAnswerEndsWithItsSignatures(t *testing.T) {
	for _, loaded := range []bool{false, true} {
		staged(t, cache.Config{Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, c *cache.Cache) {
			w.set(func(w *world) { w.security, w.signed = resolver.Secure, 10*time.Minute })
			mustResolve(t, handler, ask("a.example"))
			if loaded {
				text := dumped(t, c)
				c.Flush(wire.Root, true)
				if count, err := c.Load(strings.NewReader(text), time.Now()); count != 1 || err != nil {
					t.Fatalf("loaded %d: %v", count, err)
				}
			}
			w.set(func(w *world) { w.err = resolver.Fail(resolver.SignatureExpired, "a signature has ended") })
			time.Sleep(10*time.Minute - time.Second)
			if answer, err := handler.Resolve(t.Context(), ask("a.example")); err != nil || codes(answer)[0] != 3 {
				t.Errorf("while a signature holds: %v, %v", answer, err)
			}
			synctest.Wait()
			time.Sleep(time.Second)
			if answer, err := handler.Resolve(t.Context(), ask("a.example")); err == nil {
				t.Errorf("after the last one: %v", codes(answer))
			}
		})
	}
}

func TestStaleNegativeAnswers(t *testing.T) {
	staged(t, cache.Config{Stale: cache.Stale{UpTo: time.Hour, TTL: 45 * time.Second}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		w.set(func(w *world) { w.rcode, w.ttl = dns.RcodeNameError, 20 })
		mustResolve(t, handler, ask("a.example"))
		w.set(func(w *world) { w.rcode, w.ttl = 0, 60 })
		time.Sleep(21 * time.Second)
		answer := mustResolve(t, handler, ask("a.example"))
		if len(answer.Extended) != 1 || answer.Extended[0].Code != 19 || ttlOf(answer) != 20 {
			t.Errorf("answered %v with TTL %d", codes(answer), ttlOf(answer))
		}
		synctest.Wait()
		if answer := mustResolve(t, handler, ask("a.example")); answer.Rcode() != 0 || isStale(answer) {
			t.Error("the fresh answer did not take its place")
		}
	})
}

// TestAFreshAnswerThatIsNotKeptEndsTheStaleOne: else the old one would be given for as
// long as the name's TTL is zero.
func TestAFreshAnswerThatIsNotKeptEndsTheStaleOne(t *testing.T) {
	staged(t, cache.Config{Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		w.set(func(w *world) { w.ttl = 0 })
		time.Sleep(61 * time.Second)
		mustResolve(t, handler, ask("a.example"))
		synctest.Wait()
		if answer := mustResolve(t, handler, ask("a.example")); isStale(answer) || ttlOf(answer) != 0 {
			t.Errorf("answered %v with TTL %d", codes(answer), ttlOf(answer))
		}
	})
}

// TestAFaultInTheBackgroundEndsNothing: the doors catch what panics for a client alone.
func TestAFaultInTheBackgroundEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := cache.New(cache.Config{Stale: cache.Stale{After: time.Second, UpTo: time.Hour}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer c.Close()
		faulty := false
		w := &world{ttl: 60}
		handler := chain(c, resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if faulty {
				panic("fault")
			}
			return w.Resolve(ctx, query)
		}))
		mustResolve(t, handler, ask("a.example"))
		faulty = true
		time.Sleep(61 * time.Second)
		if answer := mustResolve(t, handler, ask("a.example")); !isStale(answer) {
			t.Errorf("answered %v", codes(answer))
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "fault") {
			t.Error("nobody was told")
		}
	})
}

func TestPrefetch(t *testing.T) {
	staged(t, cache.Config{Prefetch: true}, func(t *testing.T, w *world, handler resolver.Handler, c *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		mustResolve(t, handler, ask("unpopular.example"))
		time.Sleep(53 * time.Second)
		mustResolve(t, handler, ask("a.example"))
		if synctest.Wait(); w.asked.Load() != 2 {
			t.Error("fetched before the last tenth")
		}
		time.Sleep(2 * time.Second)
		for range 3 {
			if answer := mustResolve(t, handler, ask("a.example")); answer.Origin != resolver.Cached {
				t.Error("a client waited for the prefetch")
			}
		}
		synctest.Wait()
		time.Sleep(30 * time.Second)
		if answer := mustResolve(t, handler, ask("a.example")); answer.Origin != resolver.Cached || answer.Age(time.Now()) != 30 || w.asked.Load() != 3 || c.Stats().Prefetches.Load() != 1 {
			t.Errorf("asked %d times, age %d, %d prefetches", w.asked.Load(), answer.Age(time.Now()), c.Stats().Prefetches.Load())
		}
	})
}

func TestAFailedPrefetchKeepsTheAnswer(t *testing.T) {
	for _, broken := range []func(*world){
		func(w *world) { w.err = resolver.Fail(resolver.Bogus, "wrong") }, func(w *world) { w.rcode = dns.RcodeRefused },
	} {
		failPrefetch(t, broken)
	}
}

func failPrefetch(t *testing.T, broken func(*world)) {
	t.Helper()
	staged(t, cache.Config{Prefetch: true}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		w.set(broken)
		time.Sleep(55 * time.Second)
		for range 3 {
			mustResolve(t, handler, ask("a.example"))
			synctest.Wait()
		}
		if w.asked.Load() != 2 {
			t.Errorf("asked %d times", w.asked.Load())
		}
		time.Sleep(5 * time.Second)
		if answer, err := handler.Resolve(t.Context(), ask("a.example")); err == nil && answer.Rcode() == 0 {
			t.Error("given after its TTL")
		}
	})
}

// TestInlinePassesAreNudgedButSeldom: where no pass that may wait gets through, as under
// a flood, what is kept is given to the end of its TTL.
func TestInlinePassesAreNudgedButSeldom(t *testing.T) {
	staged(t, cache.Config{Prefetch: true}, func(t *testing.T, _ *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		time.Sleep(55 * time.Second)
		query := ask("a.example")
		query.Inline = true
		nudged := 0
		for range 100 {
			if _, err := handler.Resolve(t.Context(), query); errors.Is(err, resolver.ErrWouldBlock) {
				nudged++
			}
		}
		if nudged == 0 || nudged > 10 {
			t.Errorf("sent on %d of 100 times", nudged)
		}
	})
}

func TestTheBackgroundIsBounded(t *testing.T) {
	staged(t, cache.Config{Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		for i := range 1000 {
			mustResolve(t, handler, ask(fmt.Sprintf("n%d.example", i)))
		}
		w.set(func(w *world) { w.delay = 9 * time.Second })
		time.Sleep(61 * time.Second)
		for i := range 1000 {
			if answer := mustResolve(t, handler, ask(fmt.Sprintf("n%d.example", i))); !isStale(answer) {
				t.Fatal("not stale")
			}
		}
		synctest.Wait()
		if begun := w.asked.Load() - 1000; begun == 0 || begun > 256 {
			t.Errorf("%d refreshes at once", begun)
		}
	}) // and Close ends those that are under way
}

func TestFailuresBackOff(t *testing.T) {
	staged(t, cache.Config{}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		w.set(func(w *world) { w.err = resolver.Fail(resolver.NoReachableAuthority, "no server") })
		resolve := func() {
			if _, err := handler.Resolve(t.Context(), ask("a.example")); err == nil {
				t.Fatal("answered")
			}
		}
		for i, pause := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300, 300} {
			resolve()
			time.Sleep(pause*time.Second - time.Millisecond)
			if resolve(); w.asked.Load() != int64(i+1) {
				t.Fatalf("asked %d times before the pause of %d s was over", w.asked.Load(), pause)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Hour) // long past: it begins anew
		resolve()
		time.Sleep(5 * time.Second)
		resolve()
		if w.asked.Load() != 11 {
			t.Errorf("asked %d times", w.asked.Load())
		}
	})
}

func TestAClockSetBackIsBelieved(t *testing.T) {
	staged(t, cache.Config{}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		mustResolve(t, handler, ask("a.example"))
		query := ask("a.example")
		query.Now = query.Now.Add(-5 * time.Second) // a query that has waited
		if mustResolve(t, handler, query); w.asked.Load() != 1 {
			t.Error("a query that began before the answer came was sent on")
		}
		query = ask("a.example")
		query.Now = query.Now.Add(-time.Hour)
		if mustResolve(t, handler, query); w.asked.Load() != 2 {
			t.Error("an answer from the future was given")
		}
	})
}

func TestNoRecursionForWhoeverWantsNone(t *testing.T) {
	staged(t, cache.Config{Prefetch: true, Stale: cache.Stale{UpTo: time.Hour}}, func(t *testing.T, w *world, handler resolver.Handler, _ *cache.Cache) {
		snoop := func() *resolver.Answer {
			query := ask("a.example")
			query.Flags &^= wire.FlagRD
			return mustResolve(t, handler, query)
		}
		if answer := snoop(); answer.Rcode() != wire.RcodeRefused || len(answer.Plain.TTLs) != 0 || w.asked.Load() != 0 {
			t.Errorf("answered %v", answer)
		}
		mustResolve(t, handler, ask("a.example"))
		time.Sleep(57 * time.Second)
		if answer := snoop(); len(answer.Plain.TTLs) != 1 {
			t.Error("what is kept is not given")
		}
		time.Sleep(10 * time.Second)
		snoop()
		if synctest.Wait(); w.asked.Load() != 1 {
			t.Error("something was refreshed for a client that wants no recursion")
		}
	})
}
