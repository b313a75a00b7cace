package cache_test

import (
	"context"
	"errors"
	"fmt"
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

// below is a searcher that counts and answers every name with one address.
type below struct {
	asked atomic.Int64
	ttl   uint32
	err   error
	hold  chan struct{} // when set, the answer waits for it
}

func (b *below) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	b.asked.Add(1)
	if b.hold != nil {
		<-b.hold
	}
	if b.err != nil {
		return nil, b.err
	}
	reply := query.Message()
	reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: b.ttl}, A: []byte{192, 0, 2, 1}}}
	answer := resolver.NewAnswer(reply, query.Now)
	answer.TTL = time.Duration(b.ttl) * time.Second
	return answer, nil
}

func chain(c *cache.Cache, last resolver.Handler) resolver.Handler {
	return resolver.Chain(last, c.Lookup, c.Flight)
}

func ask(name string) *resolver.Query {
	return resolver.NewQuery(wire.MustName(name), wire.TypeA, nil)
}

func mustResolve(t testing.TB, handler resolver.Handler, query *resolver.Query) *resolver.Answer {
	t.Helper()
	answer, err := handler.Resolve(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func ttlOf(answer *resolver.Answer) uint32 { return wire.TTL(answer.Plain.Wire[answer.Plain.TTLs[0]:]) }

func TestAnswersAreKeptForTheirTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		searcher := &below{ttl: 60}
		handler := chain(cache.New(cache.Config{}), searcher)
		if first := mustResolve(t, handler, ask("a.example")); first.Origin != resolver.Resolved || first.Memo == nil {
			t.Errorf("first answer: origin %v, memo %v", first.Origin, first.Memo)
		}
		time.Sleep(59 * time.Second)
		if second := mustResolve(t, handler, ask("a.example")); second.Origin != resolver.Cached || searcher.asked.Load() != 1 {
			t.Errorf("asked %d times within the TTL", searcher.asked.Load())
		}
		time.Sleep(time.Second)
		mustResolve(t, handler, ask("a.example"))
		if searcher.asked.Load() != 2 {
			t.Errorf("asked %d times after the TTL", searcher.asked.Load())
		}
	})
}

func TestTTLsAreClamped(t *testing.T) {
	c := cache.New(cache.Config{MinTTL: 5 * time.Second, MaxTTL: 10 * time.Second})
	for given, want := range map[uint32]uint32{1: 5, 7: 7, 3600: 10} {
		name := fmt.Sprintf("a%d.example", given)
		answer := mustResolve(t, chain(c, &below{ttl: given}), ask(name))
		if ttlOf(answer) != want || answer.TTL != time.Duration(want)*time.Second {
			t.Errorf("a TTL of %d became %d, kept for %v", given, ttlOf(answer), answer.TTL)
		}
	}
}

func TestZeroTTLIsAnsweredButNotKept(t *testing.T) {
	searcher := &below{}
	handler := chain(cache.New(cache.Config{}), searcher)
	mustResolve(t, handler, ask("a.example"))
	mustResolve(t, handler, ask("a.example"))
	if searcher.asked.Load() != 2 {
		t.Errorf("asked %d times", searcher.asked.Load())
	}
}

func TestQuestionsThatDifferAreKeptApart(t *testing.T) {
	searcher := &below{ttl: 60}
	handler := chain(cache.New(cache.Config{}), searcher)
	other := []func(*resolver.Query){
		func(*resolver.Query) {},
		func(q *resolver.Query) { q.Question.Type = wire.TypeAAAA },
		func(q *resolver.Query) { q.Flags |= wire.FlagCD },
		func(q *resolver.Query) { q.Question.Name = wire.MustName("b.example") },
	}
	for range 2 {
		for _, change := range other {
			query := ask("a.example")
			change(query)
			mustResolve(t, handler, query)
		}
	}
	if got := searcher.asked.Load(); got != int64(len(other)) {
		t.Errorf("asked %d times for %d different questions", got, len(other))
	}
}

func TestInlineNeverWaits(t *testing.T) {
	searcher := &below{ttl: 60}
	handler := chain(cache.New(cache.Config{}), searcher)
	query := ask("a.example")
	query.Inline = true
	if _, err := handler.Resolve(t.Context(), query); !errors.Is(err, resolver.ErrWouldBlock) {
		t.Fatalf("a miss inline: %v", err)
	}
	mustResolve(t, handler, ask("a.example"))
	if _, err := handler.Resolve(t.Context(), query); err != nil {
		t.Errorf("a hit inline: %v", err)
	}
	allocs := testing.AllocsPerRun(100, func() { _, _ = handler.Resolve(t.Context(), query) })
	if allocs != 0 {
		t.Errorf("a hit allocates %v times", allocs)
	}
}

func TestFreshGoesPastTheCache(t *testing.T) {
	searcher := &below{ttl: 60}
	handler := chain(cache.New(cache.Config{}), searcher)
	mustResolve(t, handler, ask("a.example"))
	query := ask("a.example")
	query.Fresh = true
	mustResolve(t, handler, query)
	if searcher.asked.Load() != 2 {
		t.Error("a fresh question was answered from the cache")
	}
}

func TestOneFlightServesAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		searcher := &below{ttl: 60, hold: make(chan struct{})}
		handler := chain(cache.New(cache.Config{}), searcher)
		leader, leave := context.WithCancel(context.Background())
		var group sync.WaitGroup
		var answered atomic.Int64
		group.Go(func() {
			if _, err := handler.Resolve(leader, ask("a.example")); err == nil {
				answered.Add(1)
			}
		})
		synctest.Wait()
		for range 50 {
			group.Go(func() {
				if _, err := handler.Resolve(context.Background(), ask("a.example")); err == nil {
					answered.Add(1)
				}
			})
		}
		impatient, cancel := context.WithCancel(context.Background())
		group.Go(func() {
			if _, err := handler.Resolve(impatient, ask("a.example")); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		leave() // the first who asked goes away: the others must not suffer
		cancel()
		synctest.Wait()
		close(searcher.hold)
		group.Wait()
		if searcher.asked.Load() != 1 || answered.Load() != 51 {
			t.Errorf("asked %d times, answered %d", searcher.asked.Load(), answered.Load())
		}
	})
}

func TestFailuresAreKeptForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		searcher := &below{err: resolver.Fail(resolver.Bogus, "signature is wrong")}
		handler := chain(cache.New(cache.Config{}), searcher)
		codes := func() []uint16 {
			_, err := handler.Resolve(t.Context(), ask("a.example"))
			var failure *resolver.Failure
			if !errors.As(err, &failure) {
				t.Fatalf("got %v", err)
			}
			var codes []uint16
			for _, one := range failure.Extended {
				codes = append(codes, one.Code)
			}
			return codes
		}
		if first := codes(); len(first) != 1 || first[0] != resolver.Bogus {
			t.Errorf("first failure says %v", first)
		}
		if second := codes(); len(second) != 2 || second[1] != resolver.CachedError || searcher.asked.Load() != 1 {
			t.Errorf("second failure says %v after %d questions", second, searcher.asked.Load())
		}
		time.Sleep(6 * time.Second)
		if codes(); searcher.asked.Load() != 2 {
			t.Errorf("asked %d times after the failure's time", searcher.asked.Load())
		}
	})
}

func TestALostFlightFailsThoseWhoWait(t *testing.T) {
	c := cache.New(cache.Config{})
	handler := chain(c, resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { panic("fault") }))
	for range 2 { // the second would hang if the first had left its flight behind
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = handler.Resolve(t.Context(), ask("a.example"))
		}()
	}
}

func TestSizeHoldsAndPopularNamesSurviveAScan(t *testing.T) {
	const size = 1 << 20
	c := cache.New(cache.Config{Size: size})
	searcher := &below{ttl: 3600}
	handler := chain(c, searcher)
	popular := func(i int) *resolver.Query { return ask(fmt.Sprintf("popular%d.example", i)) }
	for i := range 100 {
		mustResolve(t, handler, popular(i))
	}
	for i := range 20_000 {
		if i%200 == 0 { // asked for now and then, as popular names are
			for j := range 100 {
				mustResolve(t, handler, popular(j))
			}
		}
		mustResolve(t, handler, ask(fmt.Sprintf("random%d.example", i)))
		if c.Size() > size {
			t.Fatalf("%d octets kept, %d allowed", c.Size(), size)
		}
	}
	before := searcher.asked.Load()
	for i := range 100 {
		mustResolve(t, handler, popular(i))
	}
	if lost := searcher.asked.Load() - before; lost > 5 {
		t.Errorf("a scan pushed out %d of 100 popular names", lost)
	}
	if c.Stats().Evictions.Load() == 0 {
		t.Error("nothing was evicted: the scan was too small to show anything")
	}
}

func TestReadersAndWritersTogether(t *testing.T) {
	c := cache.New(cache.Config{Size: 256 << 10})
	handler := chain(c, &below{ttl: 3600})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 3000 {
				name := fmt.Sprintf("n%d.example", (i*7+worker*13)%900)
				answer, err := handler.Resolve(context.Background(), ask(name))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				message, err := answer.Unpack()
				if err != nil || message.Question[0].Name != name+"." {
					t.Errorf("asked for %s, got %v, %v", name, message, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkHit(b *testing.B) {
	handler := chain(cache.New(cache.Config{}), &below{ttl: 3600})
	mustResolve(b, handler, ask("www.example"))
	query := ask("www.example")
	query.Inline = true
	b.ReportAllocs()
	for b.Loop() {
		if _, err := handler.Resolve(b.Context(), query); err != nil {
			b.Fatal(err)
		}
	}
}
