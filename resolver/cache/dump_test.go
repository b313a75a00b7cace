package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func dumped(t *testing.T, c *cache.Cache) string {
	t.Helper()
	var text bytes.Buffer
	if _, err := c.Dump(t.Context(), &text, time.Now()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestFlush(t *testing.T) {
	for _, test := range []struct {
		name    string
		subtree bool
		dropped int
	}{{"example", false, 1}, {"example", true, 3}, {"www.example", true, 1}, {".", true, 4}, {"ple", true, 0}} {
		c := cache.New(cache.Config{})
		handler := chain(c, &below{ttl: 60})
		for _, name := range []string{"example", "www.example", "a.b.example", "other.test"} {
			mustResolve(t, handler, ask(name))
		}
		if got := c.Flush(wire.MustName(test.name), test.subtree); got != test.dropped {
			t.Errorf("%v: dropped %d", test, got)
		}
	}
}

func TestWhatFliesDuringAFlushIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(cache.Config{})
		w := &world{ttl: 60, delay: time.Second}
		handler := chain(c, w)
		done := make(chan *resolver.Answer)
		go func() {
			answer, _ := handler.Resolve(context.Background(), ask("a.example"))
			done <- answer
		}()
		synctest.Wait()
		c.Flush(wire.MustName("a.example"), false)
		if <-done == nil {
			t.Error("not answered")
		}
		if mustResolve(t, handler, ask("a.example")); w.asked.Load() != 2 {
			t.Error("what was asked for before the flush was kept after it")
		}
	})
}

func TestADumpIsLoadedAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := cache.Config{Basis: "one", Stale: cache.Stale{UpTo: time.Hour}}
		first := cache.New(config)
		z := &zone{records: aliased, security: resolver.Insecure}
		handler := chain(first, z)
		want := resolveType(t, handler, "www.example", dns.TypeA)
		resolveType(t, handler, `a\.b\032c.example`, dns.TypeTXT)
		unusual := resolver.NewQuery(wire.MustName("www.example"), 65280, nil)
		unusual.Flags |= wire.FlagCD
		mustResolve(t, handler, unusual)
		text := dumped(t, first)

		time.Sleep(20 * time.Second)
		second := cache.New(config)
		count, err := second.Load(strings.NewReader(text), time.Now())
		if err != nil || count != strings.Count(text, "\n")-2 {
			t.Fatalf("loaded %d: %v\n%s", count, err, text)
		}
		nobody := &zone{}
		handler = chain(second, nobody)
		answer := mustResolve(t, handler, resolver.NewQuery(wire.MustName("www.example"), dns.TypeA, nil))
		got, err := answer.Unpack()
		if err != nil || got.String() != strings.Replace(want.String(), fmt.Sprint("id: ", want.Id), fmt.Sprint("id: ", got.Id), 1) {
			t.Errorf("got %v, not %v", got, want)
		}
		if answer.Age(time.Now()) != 20 || answer.Security != resolver.Insecure || answer.Origin != resolver.Cached || answer.Memo == nil || len(nobody.asked) != 0 {
			t.Errorf("age %d, standing %d, asked %q", answer.Age(time.Now()), answer.Security, nobody.asked)
		}
		time.Sleep(50 * time.Second)
		if !isStale(mustResolve(t, handler, resolver.NewQuery(wire.MustName("www.example"), dns.TypeA, nil))) {
			t.Error("the TTL does not go on")
		}
		second.Close()
	})
}

// denying is a world in which nothing exists, and its zone says so.
func denying() resolver.Handler {
	return resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		reply := query.Message()
		reply.Rcode = dns.RcodeNameError
		for _, text := range []string{
			"example. 300 SOA . . 1 1 1 1 300", "example. 300 RRSIG SOA 13 1 300 20330101000000 20200101000000 1 example. AAAA",
			"example. 300 NSEC example. SOA RRSIG NSEC", "example. 300 RRSIG NSEC 13 1 300 20330101000000 20200101000000 1 example. AAAA",
		} {
			record, err := dns.NewRR(text)
			if err != nil {
				return nil, err
			}
			reply.Ns = append(reply.Ns, record)
		}
		answer := resolver.NewAnswer(reply, query.Now)
		answer.TTL, answer.Security = 300*time.Second, resolver.Secure
		return answer, nil
	})
}

// TestTheMaximumBoundsEveryTTL, also where that of denials is higher.
func TestTheMaximumBoundsEveryTTL(t *testing.T) {
	c := cache.New(cache.Config{MaxTTL: 10 * time.Second, Aggressive: true})
	handler := chain(c, denying())
	for _, name := range []string{"a.example", "b.example"} {
		if answer := mustResolve(t, handler, ask(name)); answer.TTL > 10*time.Second || ttlOf(answer) > 10 {
			t.Errorf("%s: TTL %d, kept for %v", name, ttlOf(answer), answer.TTL)
		}
	}
	if c.Stats().Synthesised.Load() != 1 {
		t.Error("nothing is synthesised")
	}
	wide := cache.New(cache.Config{Aggressive: true})
	mustResolve(t, chain(wide, denying()), ask("a.example"))
	if count, err := cache.New(cache.Config{MaxTTL: 10 * time.Second}).Load(strings.NewReader(dumped(t, wide)), time.Now()); count != 0 || err != nil {
		t.Errorf("loaded %d above the maximum: %v", count, err)
	}
}

func TestSecureDenialsAreLearntFromADump(t *testing.T) {
	config := cache.Config{Aggressive: true}
	first := cache.New(config)
	handler := chain(first, denying())
	mustResolve(t, handler, ask("a.example"))
	if answer := mustResolve(t, handler, ask("b.example")); first.Stats().Synthesised.Load() != 1 || answer.Rcode() != dns.RcodeNameError {
		t.Fatal("nothing is synthesised")
	}
	second := cache.New(config)
	if count, err := second.Load(strings.NewReader(dumped(t, first)), time.Now()); count != 1 || err != nil {
		t.Fatalf("loaded %d: %v", count, err)
	}
	query := ask("c.example")
	query.Inline = true
	if answer, err := chain(second, &below{}).Resolve(t.Context(), query); err != nil || answer.Security != resolver.Secure {
		t.Errorf("answered %v, %v", answer, err)
	}
	second.Flush(wire.MustName("c.example"), false)
	if _, err := chain(second, &below{}).Resolve(t.Context(), query); !errors.Is(err, resolver.ErrWouldBlock) {
		t.Errorf("a flushed name is still denied: %v", err)
	}
}

func TestDumpsThatAreRefused(t *testing.T) {
	c := cache.New(cache.Config{Basis: "one"})
	handler := chain(c, &below{ttl: 60})
	mustResolve(t, handler, ask("a.example"))
	mustResolve(t, handler, ask("b.example"))
	text := dumped(t, c)
	lines := strings.SplitAfter(text, "\n")
	for what, damaged := range map[string]string{
		"empty":          "",
		"cut short":      strings.Join(lines[:2], ""),
		"a line missing": strings.Join(append(lines[:1:1], lines[2:]...), ""),
		"changed":        strings.Replace(text, "unchecked", "secure", 1),
		"something more": text + "more\n",
		"another format": strings.Replace(text, "cache 1", "cache 2", 1),
		"a long line":    lines[0] + strings.Repeat("x", 1<<20) + "\n",
	} {
		fresh := cache.New(cache.Config{Basis: "one"})
		if count, err := fresh.Load(strings.NewReader(damaged), time.Now()); err == nil || count != 0 || fresh.Size() != 0 {
			t.Errorf("%s: loaded %d, %v", what, count, err)
		}
	}
	if _, err := cache.New(cache.Config{Basis: "two"}).Load(strings.NewReader(text), time.Now()); !errors.Is(err, cache.ErrDump) {
		t.Errorf("another basis: %v", err)
	}
	for _, at := range []time.Duration{time.Hour, -time.Hour} { // over, or from the future
		fresh := cache.New(cache.Config{Basis: "one"})
		if count, err := fresh.Load(strings.NewReader(text), time.Now().Add(at)); err != nil || count != 0 {
			t.Errorf("%v later: loaded %d, %v", at, count, err)
		}
	}
	small := cache.New(cache.Config{Basis: "one", MaxTTL: 30 * time.Second})
	if count, err := small.Load(strings.NewReader(text), time.Now()); err != nil || count != 0 {
		t.Errorf("answers above today's bound: loaded %d, %v", count, err)
	}
}

func TestADumpThatRunsOutOfTimeIsWhole(t *testing.T) {
	c := cache.New(cache.Config{})
	handler := chain(c, &below{ttl: 60})
	for i := range 100 {
		mustResolve(t, handler, ask(fmt.Sprintf("n%d.example", i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var text bytes.Buffer
	if count, err := c.Dump(ctx, &text, time.Now()); err != nil || count != 0 {
		t.Fatalf("dumped %d: %v", count, err)
	}
	if _, err := cache.New(cache.Config{}).Load(&text, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestFailuresAreNotDumped(t *testing.T) {
	c := cache.New(cache.Config{})
	_, _ = chain(c, &below{err: resolver.Fail(resolver.Bogus, "wrong")}).Resolve(t.Context(), ask("a.example"))
	if text := dumped(t, c); strings.Contains(text, "a.example") {
		t.Errorf("dumped %s", text)
	}
}

func FuzzLoad(f *testing.F) {
	c := cache.New(cache.Config{})
	z := &zone{records: aliased}
	mustResolve(f, chain(c, z), resolver.NewQuery(wire.MustName("www.example"), dns.TypeA, nil))
	var text bytes.Buffer
	if _, err := c.Dump(f.Context(), &text, time.Now()); err != nil {
		f.Fatal(err)
	}
	f.Add(strings.SplitAfter(text.String(), "\n")[1])
	f.Fuzz(func(t *testing.T, line string) {
		// A right sum around the line, as somebody would make it who writes dumps by hand.
		fresh := cache.New(cache.Config{Size: 1 << 20})
		_, _ = fresh.Load(strings.NewReader(cache.Summed(line)), time.Now())
		if fresh.Size() > 1<<20+1<<18 {
			t.Fatalf("%d octets are kept", fresh.Size())
		}
		again := cache.New(cache.Config{Size: 1 << 20})
		if count, err := again.Load(strings.NewReader(dumped(t, fresh)), time.Now()); err != nil {
			t.Fatalf("what was loaded is dumped wrong: %d, %v", count, err)
		}
	})
}
