package resolver_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

const signature = "A 13 2 300 20300101000000 20200101000000 1 example. AAAA"

func TestPackKeepsProofsForThoseWhoAskedForThem(t *testing.T) {
	tests := []struct {
		qtype         uint16
		plain, signed int // records in the answer section
	}{
		{dns.TypeA, 1, 2},
		{dns.TypeRRSIG, 2, 2}, // asked for by type: no proof, but data (RFC 4035, section 3.2.1)
		{dns.TypeANY, 2, 2},
	}
	for _, test := range tests {
		message := new(dns.Msg).SetQuestion("a.example.", test.qtype)
		message.Answer = []dns.RR{record(t, "a.example. 300 A 192.0.2.1"), record(t, "a.example. 300 RRSIG "+signature)}
		message.SetEdns0(1232, true)
		packed, err := resolver.NewAnswer(message, time.Now()).Pack()
		if err != nil {
			t.Fatal(err)
		}
		plain, signed := new(dns.Msg), new(dns.Msg)
		if err := errors.Join(plain.Unpack(packed.Plain.Wire), signed.Unpack(packed.Signed.Wire)); err != nil {
			t.Fatal(err)
		}
		if len(plain.Answer) != test.plain || len(signed.Answer) != test.signed {
			t.Errorf("type %d: plain has %d records, signed %d", test.qtype, len(plain.Answer), len(signed.Answer))
		}
		if len(plain.Extra)+len(signed.Extra) != 0 {
			t.Errorf("type %d: OPT was kept", test.qtype)
		}
		if packed.Message() != nil {
			t.Error("a packed answer still holds its message")
		}
		if message.IsEdns0() == nil {
			t.Error("packing changed the message")
		}
	}
}

func TestPackSharesOneFormWhereThereAreNoProofs(t *testing.T) {
	message := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	message.Answer = []dns.RR{record(t, "a.example. 300 A 192.0.2.1")}
	packed, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	if &packed.Plain.Wire[0] != &packed.Signed.Wire[0] {
		t.Error("two copies of the same wire form")
	}
}

func TestExplainedLeavesTheSharedAnswerAlone(t *testing.T) {
	shared := &resolver.Answer{Extended: make([]resolver.Extended, 0, 4)}
	one, two := shared.Explained(resolver.Extended{Code: 15}), shared.Explained(resolver.Extended{Code: 16})
	if len(shared.Extended) != 0 || one.Extended[0].Code != 15 || two.Extended[0].Code != 16 {
		t.Errorf("explanations ran into each other: %v %v %v", shared.Extended, one.Extended, two.Extended)
	}
}

func TestAgeIsNeverNegative(t *testing.T) {
	stored := time.Now()
	answer := &resolver.Answer{Stored: stored}
	for offset, want := range map[time.Duration]uint32{-time.Hour: 0, 0: 0, 1999 * time.Millisecond: 1, time.Hour: 3600} {
		if got := answer.Age(stored.Add(offset)); got != want {
			t.Errorf("age after %v is %d, want %d", offset, got, want)
		}
	}
}

func TestChainRunsTopToBottom(t *testing.T) {
	var order string
	stage := func(name string) resolver.Stage {
		return func(next resolver.Handler) resolver.Handler {
			return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
				order += name
				return next.Resolve(ctx, query)
			})
		}
	}
	last := resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) {
		order += "."
		return nil, resolver.Dropped
	})
	_, err := resolver.Chain(last, stage("a"), stage("b"), stage("c")).Resolve(t.Context(), new(resolver.Query))
	if order != "abc." || !errors.Is(err, resolver.Dropped) {
		t.Errorf("ran %q, %v", order, err)
	}
}

func TestWorkIsSharedAndNeverComesBack(t *testing.T) {
	work := resolver.NewWork()
	query := resolver.NewQuery(wire.Root, wire.TypeNS, work)
	var granted sync.Map
	var group sync.WaitGroup
	for i := range 4 * resolver.MaxQueries {
		group.Go(func() {
			if query.Sub(wire.Root, wire.TypeNS).Work.Query() {
				granted.Store(i, true)
			}
		})
	}
	group.Wait()
	count := 0
	granted.Range(func(any, any) bool { count++; return true })
	if count >= 100 {
		t.Errorf("%d questions for one client query, want fewer than a hundred", count)
	}
	if count != resolver.MaxQueries || work.Queries() != resolver.MaxQueries {
		t.Errorf("%d questions granted, %d counted, want %d", count, work.Queries(), resolver.MaxQueries)
	}
}

func TestBare(t *testing.T) {
	message := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	message.Answer = []dns.RR{record(t, "a.example. 300 A 192.0.2.1")}
	message.Ns = []dns.RR{record(t, "example. 300 NS ns.example.")}
	whole := *message
	whole.Extra = []dns.RR{record(t, "ns.example. 300 A 192.0.2.2"), record(t, "ns.example. 300 AAAA 2001:db8::2")}
	pack := func(message *dns.Msg) resolver.Packet {
		packed, err := resolver.NewAnswer(message, time.Now()).Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed.Plain
	}
	full, want := pack(&whole), pack(message)
	bare := full.Bare()
	if !bytes.Equal(bare.Wire, want.Wire) || !slices.Equal(bare.TTLs, want.TTLs) {
		t.Errorf("%x, %v instead of %x, %v", bare.Wire, bare.TTLs, want.Wire, want.TTLs)
	}
	if again := want.Bare(); !bytes.Equal(again.Wire, want.Wire) || full.Wire[11] != 2 {
		t.Error("a packet without additional section changed, or the one with it")
	}
	if empty := (resolver.Packet{}).Bare(); empty.Wire != nil {
		t.Errorf("%v", empty)
	}
}
