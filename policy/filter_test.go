package policy_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// below is what lies below the filter: a cache with one answer, or a resolver that
// has to wait for it.
type below struct {
	cached  *resolver.Answer
	answer  *resolver.Answer
	err     error
	probes  int
	waits   int
	waiting func() // runs while the resolver waits
}

func (b *below) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Inline {
		b.probes++
		switch {
		case b.err != nil:
			return nil, b.err
		case b.cached != nil:
			return b.cached, nil
		}
		return nil, resolver.ErrWouldBlock
	}
	b.waits++
	if b.waiting != nil {
		b.waiting()
	}
	return b.answer, nil
}

func filter(s *policy.Snapshot, next resolver.Handler) (resolver.Handler, *policy.Current, *counter) {
	current, counts := policy.NewCurrent(s), new(counter)
	return policy.New(current, counts, nil, quiet).Stage(next), current, counts
}

// Whatever the door: the same client gets the same verdict.
func TestFilterIsTheSameAtEveryDoor(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	stage, _, _ := filter(s, new(below))
	var first *resolver.Answer
	for door := resolver.Internal; door <= resolver.QUIC; door++ {
		q := query(italian, "x.example", dns.TypeA)
		q.Client.Door = door
		answer, err := stage.Resolve(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = answer
		}
		if !bytes.Equal(answer.Signed.Wire, first.Signed.Wire) || answer.Extended[0] != first.Extended[0] {
			t.Errorf("%s: %+v, not %+v", door, answer, first)
		}
	}
}

// Whatever octets an upstream sent: they pass as they are, are blocked, or fail.
func FuzzFilterAnswer(f *testing.F) {
	s := snapshot(f, compile(f, nil, []list{law("l", "x.example")}))
	q := query(italian, "shop.example", dns.TypeA)
	f.Add(reply(f, q, "shop.example. 60 IN CNAME www.x.example.").Signed.Wire)
	f.Add(reply(f, q, "shop.example. 60 IN CNAME a.example.", "a.example. 60 IN A 192.0.2.7").Signed.Wire)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, octets []byte) {
		cached := slot(&resolver.Answer{Signed: resolver.Packet{Wire: octets}, Plain: resolver.Packet{Wire: octets}})
		stage, _, _ := filter(s, &below{cached: cached})
		for range 2 {
			answer, err := stage.Resolve(t.Context(), query(italian, "shop.example", dns.TypeA))
			var failure *resolver.Failure
			if err != nil && !errors.As(err, &failure) || err == nil && answer != cached && answer.Origin != resolver.Policy {
				t.Fatalf("got %+v, %v", answer, err)
			}
		}
	})
}

// blockedByFilter asks through the stage, with the answer in the cache and without.
func blockedByFilter(t *testing.T, s *policy.Snapshot, client netip.Addr, name string) bool {
	t.Helper()
	q := query(client, name, dns.TypeA)
	answer := reply(t, q, name+". 300 IN A 192.0.2.7")
	var blocked [2]bool
	for i, next := range []*below{{cached: answer}, {answer: answer}} {
		stage, _, _ := filter(s, next)
		got, err := stage.Resolve(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		blocked[i] = got.Origin == resolver.Policy
	}
	if blocked[0] != blocked[1] {
		t.Errorf("blocked from the cache: %v, and before resolution: %v", blocked[0], blocked[1])
	}
	return blocked[0]
}

func slot(answer *resolver.Answer) *resolver.Answer {
	kept := *answer
	kept.Memo = new(atomic.Pointer[resolver.Memo])
	return &kept
}

func TestFilterRefusesWhoIsNotAdmitted(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	for _, client := range []netip.Addr{unknown, {}} {
		next := new(below)
		stage, _, counts := filter(s, next)
		answer, err := stage.Resolve(t.Context(), query(client, "x.example", dns.TypeA))
		if err != nil || answer.Rcode() != dns.RcodeRefused || len(answer.Extended) != 1 || answer.Extended[0].Code != resolver.Prohibited {
			t.Errorf("%v: got %+v, %v", client, answer, err)
		}
		if next.probes+next.waits+len(counts.blocks()) != 0 {
			t.Errorf("%v: asked below or counted", client)
		}
	}
}

func TestFilterBlocksBeforeAnythingRuns(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	for _, inline := range []bool{true, false} {
		next := new(below)
		stage, _, counts := filter(s, next)
		q := query(italian, "www.x.example", dns.TypeA)
		q.Inline = inline
		answer, err := stage.Resolve(t.Context(), q)
		if err != nil || answer.Rcode() != dns.RcodeNameError || answer.Origin != resolver.Policy {
			t.Fatalf("got %+v, %v", answer, err)
		}
		if next.waits != 0 || next.probes != 1 || counts.blocks()["l"] != 1 || q.Inline != inline {
			t.Errorf("waits %d, probes %d, counted %v, inline %v", next.waits, next.probes, counts.blocks(), q.Inline)
		}
	}
}

func TestFilterHandsOnWouldBlock(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	q := query(italian, "free.example", dns.TypeA)
	next := &below{answer: reply(t, q, "free.example. 60 IN A 192.0.2.7")}
	stage, _, _ := filter(s, next)
	q.Inline = true
	if _, err := stage.Resolve(t.Context(), q); !errors.Is(err, resolver.ErrWouldBlock) || next.waits != 0 {
		t.Fatalf("inline: %v, waits %d", err, next.waits)
	}
	q.Inline = false
	if answer, err := stage.Resolve(t.Context(), q); err != nil || answer != next.answer || next.waits != 1 {
		t.Fatalf("waiting: %v, %v, waits %d", answer, err, next.waits)
	}
}

// A failure that is kept of a name is no answer for whom the name is blocked since.
func TestFilterBlocksBeforeAKeptFailure(t *testing.T) {
	stage, _, _ := filter(snapshot(t, compile(t, nil, []list{law("l", "x.example")})), &below{err: resolver.Fail(resolver.NetworkError, "no upstream")})
	answer, err := stage.Resolve(t.Context(), query(italian, "x.example", dns.TypeA))
	if err != nil || len(answer.Extended) == 0 || answer.Extended[0].Code != resolver.Censored {
		t.Errorf("blocked: %+v, %v", answer, err)
	}
	if answer, err := stage.Resolve(t.Context(), query(french, "x.example", dns.TypeA)); err == nil {
		t.Errorf("not blocked, and failed: %+v", answer)
	}
}

func TestFilterPassesErrorsOn(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	for _, failure := range []error{resolver.Dropped, resolver.Fail(resolver.Bogus, "bogus")} {
		stage, _, _ := filter(s, &below{err: failure})
		if _, err := stage.Resolve(t.Context(), query(italian, "y.example", dns.TypeA)); !errors.Is(err, failure) {
			t.Errorf("got %v, want %v", err, failure)
		}
	}
}

func TestFilterJudgesAliasesOfTheAnswer(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "tracker.example")}))
	q := query(italian, "shop.example", dns.TypeA)
	chain := []string{"shop.example. 60 IN CNAME a.example.", "a.example. 60 IN CNAME x.TRACKER.example.", "x.tracker.example. 60 IN A 192.0.2.7"}
	for name, next := range map[string]*below{
		"cached":  {cached: slot(reply(t, q, chain...))},
		"message": {cached: unpacked(t, reply(t, q, chain...))},
		"waited":  {answer: reply(t, q, chain...)},
		"turned":  {answer: reply(t, q, chain[2], chain[1], chain[0])},
	} {
		stage, _, counts := filter(s, next)
		for range 2 { // without a memo, and with one
			answer, err := stage.Resolve(t.Context(), q)
			if err != nil || answer.Origin != resolver.Policy || answer.Extended[0].Code != resolver.Censored {
				t.Fatalf("%s: got %+v, %v", name, answer, err)
			}
			// The aliases are nobody's to change; what they lead to is withheld.
			message, err := answer.Unpack()
			if err != nil || message.Rcode != dns.RcodeNameError || len(message.Answer) != 2 || message.Answer[0].Header().Name != "shop.example." ||
				message.Answer[1].Header().Rrtype != dns.TypeCNAME || message.Ns[0].Header().Name != "tracker.example." {
				t.Errorf("%s: got %v, %v", name, message, err)
			}
		}
		if counts.blocks()["l"] != 2 {
			t.Errorf("%s: counted %v", name, counts.blocks())
		}
		// For a client elsewhere the same cached answer is untouched.
		if answer, err := stage.Resolve(t.Context(), query(french, "shop.example", dns.TypeA)); err != nil || answer.Origin == resolver.Policy {
			t.Errorf("%s: FR got %+v, %v", name, answer, err)
		}
	}
}

func unpacked(t *testing.T, answer *resolver.Answer) *resolver.Answer {
	t.Helper()
	message, err := answer.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	return resolver.NewAnswer(message, today)
}

func TestFilterDoesNotPassWhatItCannotRead(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "tracker.example")}))
	q := query(italian, "shop.example", dns.TypeA)
	var long []string
	for range 65 {
		long = append(long, "shop.example. 60 IN CNAME a.example.")
	}
	whole := reply(t, q, "shop.example. 60 IN CNAME a.example.")
	cut := *whole
	cut.Signed.Wire = whole.Signed.Wire[:len(whole.Signed.Wire)-3]
	for name, answer := range map[string]*resolver.Answer{"too many aliases": reply(t, q, long...), "cut off": &cut, "nothing": {}} {
		stage, _, _ := filter(s, &below{cached: answer})
		var failure *resolver.Failure
		if got, err := stage.Resolve(t.Context(), q); !errors.As(err, &failure) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestMemo(t *testing.T) {
	lists := []list{law("l", "x.example"), user("u", "x.example")}
	first := compile(t, nil, lists)
	q := query(italian, "x.example", dns.TypeA)
	cached := slot(reply(t, q, "x.example. 60 IN A 192.0.2.7"))
	stage, current, _ := filter(snapshot(t, first), &below{cached: cached})
	blocked := func() bool {
		answer, err := stage.Resolve(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Origin == resolver.Policy
	}
	if !blocked() {
		t.Fatal("not blocked")
	}
	memo := cached.Memo.Load()
	if memo == nil || memo.Generation != first.Generation() || len(memo.IDs) != 2 || memo.Links[0].Name != wire.MustName("x.example") {
		t.Fatalf("memo is %+v", memo)
	}
	if blocked(); cached.Memo.Load() != memo {
		t.Error("a memo that fits was written anew")
	}

	// Only the overlay moves: the exception is in force for the next query, by the same ids.
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Overlay = policy.NewOverlay(7, []blocklists.Exception{decided("l", "x.example")})
		return s
	})
	if blocked() {
		t.Error("blocked in spite of the exception")
	}
	moved := cached.Memo.Load()
	if moved.Sequence != 7 || &moved.IDs[0] != &memo.IDs[0] {
		t.Errorf("memo is %+v after %+v", moved, memo)
	}

	// A bundle without the name: no ids, and the very same answer.
	current.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Bundle = compile(t, s.Bundle, []list{law("l", "other.example")})
		return s
	})
	if answer, err := stage.Resolve(t.Context(), q); err != nil || answer != cached {
		t.Errorf("got %p, %v; want %p", answer, err, cached)
	}
	if memo := cached.Memo.Load(); len(memo.IDs) != 0 || memo.Generation != first.Generation()+1 {
		t.Errorf("memo is %+v", memo)
	}
}

// A memo is for any client: who asked first must not decide for the second.
func TestMemoHoldsNoClient(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example"), user("u", "casino.example")}, deny("games.example")))
	for _, name := range []string{"x.example", "casino.example", "games.example"} {
		want := map[netip.Addr]bool{
			italian: name == "x.example", child: true, french: false,
		}
		cached := slot(reply(t, query(italian, name, dns.TypeA), name+". 60 IN A 192.0.2.7"))
		stage, _, _ := filter(s, &below{cached: cached})
		for _, client := range []netip.Addr{italian, child, french, child, italian, french} {
			answer, err := stage.Resolve(t.Context(), query(client, name, dns.TypeA))
			if err != nil || (answer.Origin == resolver.Policy) != want[client] {
				t.Errorf("%s for %s: %+v, %v", name, client, answer, err)
			}
		}
	}
}

// An older reader must not overwrite the memo of a newer bundle.
func TestMemoOfANewerBundleStays(t *testing.T) {
	old := compile(t, nil, []list{law("l", "x.example")})
	q := query(italian, "free.example", dns.TypeA)
	cached := slot(reply(t, q, "free.example. 60 IN A 192.0.2.7"))
	newer := &resolver.Memo{Generation: old.Generation() + 5}
	cached.Memo.Store(newer)
	stage, _, _ := filter(snapshot(t, old), &below{cached: cached})
	if _, err := stage.Resolve(t.Context(), q); err != nil || cached.Memo.Load() != newer {
		t.Errorf("memo is %+v, %v", cached.Memo.Load(), err)
	}
}

// What came in force while the resolver waited holds for the answer.
func TestFilterJudgesByWhatIsInForceAtTheEnd(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "other.example")}))
	q := query(italian, "x.example", dns.TypeA)
	next := &below{answer: reply(t, q, "x.example. 60 IN A 192.0.2.7")}
	stage, current, _ := filter(s, next)
	next.waiting = func() {
		current.Update(func(s policy.Snapshot) policy.Snapshot {
			s.Bundle = compile(t, s.Bundle, []list{law("l", "x.example")})
			return s
		})
	}
	if answer, err := stage.Resolve(t.Context(), q); err != nil || answer.Origin != resolver.Policy {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestFilterAllocatesNothingWhereNothingBlocks(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example"), user("ads", "ads.example")}, exempt("cdn.example"), deny("ads.example")))
	for name, client := range map[string]netip.Addr{"free.example": italian, "ads.example": italian, "cdn.example": french, "x.example": french} {
		q := query(client, name, dns.TypeA)
		q.Inline = true
		stage, _, _ := filter(s, &below{cached: slot(reply(t, q, name+". 60 IN A 192.0.2.7"))})
		ask := func() {
			if answer, err := stage.Resolve(context.Background(), q); err != nil || answer.Origin == resolver.Policy {
				t.Fatalf("%s: %+v, %v", name, answer, err)
			}
		}
		ask() // leaves the memo
		if allocations := testing.AllocsPerRun(200, ask); allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
		miss, _, _ := filter(s, new(below))
		allocations := testing.AllocsPerRun(200, func() {
			if _, err := miss.Resolve(context.Background(), q); !errors.Is(err, resolver.ErrWouldBlock) {
				t.Fatal(err)
			}
		})
		if allocations != 0 {
			t.Errorf("%s, a miss: %v allocations", name, allocations)
		}
	}
}
