package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// script answers each question, "name. TYPE", with the records given for it.
type script struct {
	replies  map[string]reply
	security resolver.Security
	asked    []string
}

type reply struct {
	records   []string
	authority []string
	rcode     int
	security  resolver.Security
	extended  []resolver.Extended
	fails     bool
}

func (s *script) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	message := query.Message()
	question := message.Question[0].Name + " " + dns.Type(query.Question.Type).String()
	s.asked = append(s.asked, question)
	found, known := s.replies[question]
	if !known || found.fails {
		return nil, resolver.Fail(resolver.NoReachableAuthority, "nobody answers for %s", question)
	}
	least := uint32(86400)
	for into, texts := range map[*[]dns.RR][]string{&message.Answer: found.records, &message.Ns: found.authority} {
		for _, text := range texts {
			record, err := dns.NewRR(text)
			if err != nil {
				return nil, err
			}
			least = min(least, record.Header().Ttl)
			*into = append(*into, record)
		}
	}
	message.Rcode = found.rcode
	answer := resolver.NewAnswer(message, query.Now)
	answer.TTL, answer.Security, answer.Extended = time.Duration(least)*time.Second, max(s.security, found.security), found.extended
	return answer, nil
}

// signed puts a signature behind each record.
func signed(texts ...string) []string {
	var all []string
	for _, text := range texts {
		fields := strings.Fields(text)
		labels := dns.CountLabel(fields[0])
		all = append(all, text, fmt.Sprintf("%s %s RRSIG %s 13 %d 300 20330101000000 20200101000000 1 example. AAAA", fields[0], fields[1], fields[2], labels))
	}
	return all
}

// texts are the records of an answer section, signatures left out.
func texts(message *dns.Msg) []string {
	var all []string
	for _, record := range message.Answer {
		if record.Header().Rrtype != dns.TypeRRSIG {
			all = append(all, strings.Join(strings.Fields(strings.Replace(record.String(), "\tIN\t", " ", 1)), " "))
		}
	}
	return all
}

// played runs a test on a cache over a script, in a bubble with its own clock.
func played(t *testing.T, config cache.Config, s *script, test func(t *testing.T, handler resolver.Handler, c *cache.Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(config)
		defer c.Close()
		test(t, chain(c, s), c)
	})
}

func query(name string, kind uint16) *resolver.Query {
	return resolver.NewQuery(wire.MustName(name), kind, nil)
}

func TestWhatStandsAtTheEndOfAliasesAnswersForItself(t *testing.T) {
	www := []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}
	for _, test := range []struct {
		what   string
		reply  reply
		direct bool
	}{
		{"unsigned", reply{records: www, security: resolver.Insecure}, true},
		{"signed and secure", reply{records: signed(www...), security: resolver.Secure}, true},
		{"signed in an insecure whole", reply{records: signed(www...), security: resolver.Insecure}, false},
		{"unsigned in a secure whole", reply{records: www, security: resolver.Secure}, false},
		{"made of proofs at its end", reply{records: www, extended: []resolver.Extended{{Code: resolver.Synthesised}}}, true},
		{"with an Extended DNS Error", reply{records: www, extended: []resolver.Extended{{Code: resolver.OtherError}}}, false},
		{"from a wildcard", reply{records: []string{www[0], signed(www[0])[1], www[1],
			"node.example. 60 RRSIG A 13 1 300 20330101000000 20200101000000 1 example. AAAA"}, security: resolver.Secure}, false},
		{"in another section", reply{records: www[:1], authority: []string{www[1]}}, false},
	} {
		s := &script{replies: map[string]reply{"www.example. A": test.reply, "node.example. A": {records: []string{"node.example. 60 A 192.0.2.9"}}}}
		played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
			resolveType(t, handler, "www.example", dns.TypeA)
			time.Sleep(10 * time.Second)
			answer := mustResolve(t, handler, query("node.example", dns.TypeA))
			if direct := len(s.asked) == 1; direct != test.direct {
				t.Errorf("%s: asked %q", test.what, s.asked)
			}
			if !test.direct {
				return
			}
			message, err := answer.Unpack()
			if err != nil || answer.Age(time.Now()) != 10 || answer.Security != test.reply.security || texts(message)[0] != "node.example. 60 A 192.0.2.1" || len(message.Answer) != len(test.reply.records)/2 {
				t.Errorf("%s: answered %v, age %d, standing %d: %v", test.what, message, answer.Age(time.Now()), answer.Security, err)
			}
			time.Sleep(51 * time.Second)
			resolveType(t, handler, "node.example", dns.TypeA)
			if !slices.Equal(s.asked, []string{"www.example. A", "node.example. A"}) {
				t.Errorf("%s: after its TTL: asked %q", test.what, s.asked)
			}
		})
	}
}

// TestOnlyWhatLiesOnTheWayIsKept: what else an answer section holds was not asked for.
func TestOnlyWhatLiesOnTheWayIsKept(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. A":     {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1", "node.example. 60 TXT x"}},
		"node.example. TXT":  {records: []string{"node.example. 60 TXT y"}},
		"node.example. A":    {records: []string{"node.example. 60 A 192.0.2.2"}},
		"www.example. CNAME": {records: []string{"www.example. 300 CNAME node.example."}},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		unchecked := query("www.example", dns.TypeA)
		unchecked.Flags |= wire.FlagCD
		mustResolve(t, handler, unchecked)
		if resolveType(t, handler, "node.example", dns.TypeA); len(s.asked) != 2 {
			t.Error("what nobody validated answers for itself")
		}
		resolveType(t, handler, "www.example", dns.TypeA)
		resolveType(t, handler, "node.example", dns.TypeTXT)
		if last := s.asked[len(s.asked)-1]; last != "node.example. TXT" {
			t.Errorf("asked %q", s.asked)
		}
	})
}

// TestRanks: what came unsigned beside another answer does not take the place of what
// was asked for, while what is proved, or was asked for, takes any (RFC 2181, section 5.4.1).
func TestRanks(t *testing.T) {
	chained := func(name, address string) []string {
		return []string{name + " 300 CNAME node.example.", "node.example. 60 A " + address}
	}
	s := &script{replies: map[string]reply{
		"one.example. A":   {records: chained("one.example.", "192.0.2.1"), security: resolver.Insecure},
		"two.example. A":   {records: chained("two.example.", "192.0.2.2"), security: resolver.Insecure},
		"three.example. A": {records: signed(chained("three.example.", "192.0.2.3")...), security: resolver.Secure},
		"node.example. A":  {records: []string{"node.example. 60 A 192.0.2.4"}, security: resolver.Insecure},
		"four.example. A":  {records: chained("four.example.", "192.0.2.2"), security: resolver.Insecure},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		is := func(want string) {
			t.Helper()
			if got := texts(resolveType(t, handler, "node.example", dns.TypeA))[0]; got != "node.example. 60 A "+want {
				t.Errorf("answered %s, not %s", got, want)
			}
		}
		resolveType(t, handler, "one.example", dns.TypeA)
		is("192.0.2.1")
		resolveType(t, handler, "two.example", dns.TypeA) // the newer of one rank
		is("192.0.2.2")
		time.Sleep(61 * time.Second)
		is("192.0.2.4") // asked for
		time.Sleep(240 * time.Second)
		resolveType(t, handler, "node.example", dns.TypeA)
		resolveType(t, handler, "one.example", dns.TypeA)
		is("192.0.2.4")
		resolveType(t, handler, "three.example", dns.TypeA)
		is("192.0.2.3")
		resolveType(t, handler, "two.example", dns.TypeA)
		is("192.0.2.3")
		time.Sleep(61 * time.Second)
		resolveType(t, handler, "four.example", dns.TypeA) // what is over outranks nothing
		is("192.0.2.2")
	})
}

func TestRankOfTheFirstAlias(t *testing.T) {
	s := &script{security: resolver.Insecure, replies: map[string]reply{
		"www.example. A":    {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}},
		"other.example. A":  {records: []string{"other.example. 300 CNAME www.example.", "www.example. 300 CNAME evil.example.", "evil.example. 60 A 192.0.2.2"}},
		"node.example. TXT": {records: []string{"node.example. 60 TXT x"}},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeA)
		resolveType(t, handler, "other.example", dns.TypeA)
		if _, err := handler.Resolve(t.Context(), query("www.example", dns.TypeTXT)); err != nil {
			t.Errorf("asked %q: %v", s.asked, err)
		}
	})
}

// TestAnAnswerOutranksAFailure, of whatever rank it is.
func TestAnAnswerOutranksAFailure(t *testing.T) {
	s := &script{security: resolver.Insecure, replies: map[string]reply{
		"www.example. A":  {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}},
		"node.example. A": {fails: true},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		_, _ = handler.Resolve(t.Context(), query("node.example", dns.TypeA))
		resolveType(t, handler, "www.example", dns.TypeA)
		if got := texts(resolveType(t, handler, "node.example", dns.TypeA)); len(got) != 1 || len(s.asked) != 2 {
			t.Errorf("answered %q, asked %q", got, s.asked)
		}
	})
}

// TestTheSetsOfOneAnswerAreBounded, however long its aliases are.
func TestTheSetsOfOneAnswerAreBounded(t *testing.T) {
	var records []string
	for i := range 60 {
		records = append(records, fmt.Sprintf("n%d.example. 300 CNAME n%d.example.", i, i+1))
	}
	s := &script{replies: map[string]reply{"n0.example. A": {records: records}}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, c *cache.Cache) {
		resolveType(t, handler, "n0.example", dns.TypeA)
		if got := c.Stats().Inserts.Load(); got < 10 || got > 24 {
			t.Errorf("%d answers are kept of one", got)
		}
	})
}

// TestAPrivateNamesAliasesAreItsOwn: else one of them would be the way by which a public
// name comes to a private address.
func TestAPrivateNamesAliasesAreItsOwn(t *testing.T) {
	inner := reply{records: []string{"www.corp.example. 300 CNAME rebind.test.", "rebind.test. 60 A 10.0.0.1"}}
	outer := reply{records: []string{"www.test. 300 CNAME host.corp.example."}}
	s := &script{replies: map[string]reply{
		"www.corp.example. A": inner, "rebind.test. A": {}, "www.test. AAAA": outer, "www.test. A": {},
		"host.corp.example. A": {records: []string{"host.corp.example. 60 A 10.0.0.1"}},
	}}
	played(t, cache.Config{Private: []wire.Name{wire.MustName("corp.example")}}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.corp.example", dns.TypeA)
		if got := texts(resolveType(t, handler, "rebind.test", dns.TypeA)); len(got) > 0 {
			t.Errorf("a public name has %q", got)
		}
		resolveType(t, handler, "host.corp.example", dns.TypeA)
		resolveType(t, handler, "www.test", dns.TypeAAAA)
		if got := texts(resolveType(t, handler, "www.test", dns.TypeA)); len(got) > 0 {
			t.Errorf("a public name has %q", got)
		}
	})
}

// TestAStaleAnswersTailIsEnough: the alias lasts, so that a refresh asks for what has
// ended alone, and a dead zone of the alias does no harm.
func TestAStaleAnswersTailIsEnough(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. A":   {records: []string{"www.example. 3600 CNAME node.test.", "node.test. 60 A 192.0.2.1"}},
		"node.test. A":     {records: []string{"node.test. 60 A 192.0.2.2"}},
		"other.example. A": {fails: true},
	}}
	played(t, cache.Config{Stale: cache.Stale{After: time.Second, UpTo: time.Hour}}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeA)
		s.replies["www.example. A"] = reply{fails: true}
		time.Sleep(61 * time.Second)
		answer := mustResolve(t, handler, query("www.example", dns.TypeA))
		message, err := answer.Unpack()
		if err != nil || isStale(answer) || !slices.Equal(texts(message), []string{"www.example. 3539 CNAME node.test.", "node.test. 60 A 192.0.2.2"}) {
			t.Errorf("answered %v with %v, having asked %q", texts(message), codes(answer), s.asked)
		}
		s.replies["node.test. A"] = reply{fails: true}
		time.Sleep(61 * time.Second)
		if answer = mustResolve(t, handler, query("www.example", dns.TypeA)); !isStale(answer) || ttlOf(answer) != 30 {
			t.Errorf("where the tail is dead: %v", codes(answer))
		}
	})
}

// TestTheLeastTTLOfASetCounts, its signatures' among them.
func TestTheLeastTTLOfASetCounts(t *testing.T) {
	for what, records := range map[string][]string{
		"records":   {"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1", "node.example. 40 A 192.0.2.2"},
		"signature": append(signed("www.example. 300 CNAME node.example."), "node.example. 60 A 192.0.2.1", signed("node.example. 40 A 192.0.2.1")[1]),
	} {
		security := resolver.Insecure
		if what == "signature" {
			security = resolver.Secure
		}
		s := &script{replies: map[string]reply{"www.example. A": {records: records, security: security}, "node.example. A": {}}}
		played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
			resolveType(t, handler, "www.example", dns.TypeA)
			time.Sleep(39 * time.Second)
			resolveType(t, handler, "node.example", dns.TypeA)
			time.Sleep(time.Second)
			if resolveType(t, handler, "node.example", dns.TypeA); len(s.asked) != 2 {
				t.Errorf("%s: asked %q", what, s.asked)
			}
		})
	}
}

// TestADeadEndFailsOnce for all aliases that lead to it.
func TestADeadEndFailsOnce(t *testing.T) {
	s := &script{replies: map[string]reply{
		"one.example. AAAA": {records: []string{"one.example. 300 CNAME node.test.", "node.test. 60 AAAA 2001:db8::1"}},
		"two.example. AAAA": {records: []string{"two.example. 300 CNAME node.test.", "node.test. 60 AAAA 2001:db8::1"}},
		"node.test. A":      {fails: true},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "one.example", dns.TypeAAAA)
		resolveType(t, handler, "two.example", dns.TypeAAAA)
		s.asked = nil
		for _, name := range []string{"one.example", "two.example", "node.test"} {
			_, err := handler.Resolve(t.Context(), query(name, dns.TypeA))
			if failure := (*resolver.Failure)(nil); !errors.As(err, &failure) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !slices.Equal(s.asked, []string{"node.test. A"}) {
			t.Errorf("asked %q", s.asked)
		}
	})
}

// TestAPrefetchAsksForTheTailToo: what is kept beside ends as soon.
func TestAPrefetchAsksForTheTailToo(t *testing.T) {
	s := &script{replies: map[string]reply{"www.example. A": {records: []string{"www.example. 3600 CNAME node.test.", "node.test. 60 A 192.0.2.1"}}}}
	played(t, cache.Config{Prefetch: true}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeA)
		time.Sleep(55 * time.Second)
		resolveType(t, handler, "www.example", dns.TypeA)
		synctest.Wait()
		time.Sleep(6 * time.Second)
		if resolveType(t, handler, "www.example", dns.TypeA); len(s.asked) != 2 {
			t.Errorf("asked %q", s.asked)
		}
	})
}

// TestSetsThatFlewDuringAFlushAreNotKept, as answers are not.
func TestSetsThatFlewDuringAFlushAreNotKept(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. A":  {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}},
		"node.example. A": {records: []string{"node.example. 60 A 192.0.2.2"}},
	}}
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(cache.Config{})
		slow := chain(c, resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			time.Sleep(time.Second)
			return s.Resolve(ctx, query)
		}))
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = slow.Resolve(context.Background(), query("www.example", dns.TypeA))
		}()
		synctest.Wait()
		c.Flush(wire.MustName("example"), true)
		<-done
		if got := texts(resolveType(t, slow, "node.example", dns.TypeA)); got[0] != "node.example. 60 A 192.0.2.2" {
			t.Errorf("what was flushed is %q", got)
		}
	})
}

// TestADumpHasOneRank: what came beside another answer would be loaded as if asked for.
func TestADumpHasOneRank(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. A": {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}, security: resolver.Insecure},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, c *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeA)
		if text := dumped(t, c); strings.Contains(text, "\nnode.example. ") || strings.Count(text, "\nwww.example. ") != 2 {
			t.Errorf("dumped %s", text)
		}
	})
}

// TestEverySetMustStillBeProved, those of the authority section among them: in the
// bubble the clock begins on the first of January 2000.
func TestEverySetMustStillBeProved(t *testing.T) {
	ends := func(record, end string) []string {
		both := signed(record)
		return []string{both[0], strings.Replace(both[1], "20330101000000", end, 1)}
	}
	for what, first := range map[string]reply{
		"answer":    {records: append(ends("b.example. 60 A 192.0.2.1", "20000101001000"), ends("www.example. 60 A 192.0.2.1", "20330101000000")...)},
		"authority": {records: ends("www.example. 60 A 192.0.2.1", "20330101000000"), authority: ends("a.example. 60 NSEC z.example. A", "20000101001000")},
	} {
		s := &script{security: resolver.Secure, replies: map[string]reply{"www.example. A": first}}
		played(t, cache.Config{Stale: cache.Stale{After: time.Second, UpTo: time.Hour}}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
			resolveType(t, handler, "www.example", dns.TypeA)
			s.replies["www.example. A"] = reply{fails: true}
			time.Sleep(599 * time.Second)
			if answer := mustResolve(t, handler, query("www.example", dns.TypeA)); !isStale(answer) {
				t.Errorf("%s: not stale", what)
			}
			time.Sleep(time.Second)
			if answer, err := handler.Resolve(t.Context(), query("www.example", dns.TypeA)); err == nil {
				t.Errorf("%s: given after a signature has ended: %v", what, answer)
			}
		})
	}
}
