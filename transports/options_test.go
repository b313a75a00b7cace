package transports_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
)

// uncounted is an observer that nobody asks.
type uncounted struct{}

func (uncounted) Answered(uint32, resolver.Door, transports.Outcome, int, time.Duration) {}

// small answers every question with one address.
func small(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	rr, err := dns.NewRR(reply.Question[0].Name + " 60 A 192.0.2.1")
	if err != nil {
		return nil, err
	}
	reply.Answer = []dns.RR{rr}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

func serviceOf(handler resolver.HandlerFunc, limits transports.Limits) *transports.Service {
	return transports.NewService(handler, transports.NewGate(limits), uncounted{}, slog.New(slog.DiscardHandler))
}

// says is what a service answers to a packet; nil for nothing.
func says(t testing.TB, service *transports.Service, door resolver.Door, from string, packet []byte) []byte {
	t.Helper()
	query := &resolver.Query{Client: resolver.Client{Addr: netip.MustParseAddr(from), Door: door}}
	limit := 65535
	if door == resolver.UDP {
		limit = 0
	} else {
		query.Idle = 12 * time.Second
	}
	reply, err := service.Answer(t.Context(), query, packet, nil, limit)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// with is a question whose OPT record has the options.
func with(t testing.TB, options ...dns.EDNS0) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(1232, false)
	message.IsEdns0().Option = options
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// codes are the options of a reply, in order.
func codes(t testing.TB, reply []byte) []uint16 {
	t.Helper()
	opt := unpacked(t, reply).IsEdns0()
	if opt == nil {
		t.Fatal("no OPT record")
	}
	var found []uint16
	for _, option := range opt.Option {
		found = append(found, option.Option())
	}
	return found
}

var doors = []resolver.Door{resolver.UDP, resolver.TCP, resolver.TLS, resolver.HTTPS, resolver.HTTP3, resolver.QUIC}

func TestNSIDForThoseWhoAsk(t *testing.T) {
	service := serviceOf(small, transports.Limits{}).Named("ams1")
	for _, door := range doors {
		opt := unpacked(t, says(t, service, door, "192.0.2.1", with(t, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}))).IsEdns0()
		if len(opt.Option) != 1 || opt.Option[0].(*dns.EDNS0_NSID).Nsid != hex.EncodeToString([]byte("ams1")) {
			t.Errorf("%s: %v", door, opt)
		}
		if got := codes(t, says(t, service, door, "192.0.2.1", with(t))); len(got) != 0 {
			t.Errorf("%s, not asked: %v", door, got)
		}
	}
	nobody := serviceOf(small, transports.Limits{})
	if got := codes(t, says(t, nobody, resolver.UDP, "192.0.2.1", with(t, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}))); len(got) != 0 {
		t.Errorf("a server without a name tells %v", got)
	}
}

func TestKeepAliveOverStreamsThatAreKept(t *testing.T) {
	service := serviceOf(small, transports.Limits{})
	for _, door := range doors {
		opt := unpacked(t, says(t, service, door, "192.0.2.1", with(t, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}))).IsEdns0()
		kept := door == resolver.TCP || door == resolver.TLS
		if (len(opt.Option) == 1) != kept || kept && opt.Option[0].(*dns.EDNS0_TCP_KEEPALIVE).Timeout != 120 {
			t.Errorf("%s: %v", door, opt)
		}
		if got := codes(t, says(t, service, door, "192.0.2.1", with(t))); len(got) != 0 {
			t.Errorf("%s, not asked: %v", door, got)
		}
	}
}

func TestPaddingWhereItHidesSomething(t *testing.T) {
	service := serviceOf(small, transports.Limits{Cookies: cookie.NewKeys([]cookie.Secret{{}})}).Named("ams1")
	asked := with(t, &dns.EDNS0_PADDING{Padding: make([]byte, 20)}, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
	for _, door := range doors {
		reply := says(t, service, door, "192.0.2.1", asked)
		got := codes(t, reply)
		hidden := door >= resolver.TLS
		if padded := got[len(got)-1] == dns.EDNS0PADDING; padded != hidden || hidden && len(reply)%468 != 0 {
			t.Errorf("%s: %d octets, options %v", door, len(reply), got)
		}
		if got := codes(t, says(t, service, door, "192.0.2.1", with(t))); len(got) != 0 {
			t.Errorf("%s, not padded: %v", door, got)
		}
	}
}

// Padding takes what room there is, and none that there is not.
func TestPaddingKeepsToTheLimit(t *testing.T) {
	query, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA).SetEdns0(1232, false))
	answer := answerWith(t, time.Now(), `www.example. 300 TXT "`+strings.Repeat("x", 200)+`"`)
	bare := len(transports.AppendReply(nil, packet, query, answer, 65535, &transports.Options{}))
	for limit := bare; limit < 1000; limit++ {
		prefix := []byte("ab") // as a length before it
		reply := transports.AppendReply(prefix, packet, query, answer, limit, &transports.Options{Padded: true})[2:]
		want := min(468, limit)
		if limit < bare+4 {
			want = bare
		}
		if len(reply) != want || len(unpacked(t, reply).Answer) != 1 {
			t.Fatalf("limit %d: %d octets, want %d", limit, len(reply), want)
		}
	}
}

func TestCookies(t *testing.T) {
	keys := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})
	service := serviceOf(small, transports.Limits{Cookies: keys})
	given := func(reply []byte) string {
		for _, option := range unpacked(t, reply).IsEdns0().Option {
			if baked, ok := option.(*dns.EDNS0_COOKIE); ok {
				return baked.Cookie
			}
		}
		return ""
	}
	ask := func(from, brought string) []byte {
		return says(t, service, resolver.UDP, from, with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: brought}))
	}
	first := given(ask("192.0.2.1", "0011223344556677"))
	if !strings.HasPrefix(first, "001122334455667701000000") || len(first) != 48 {
		t.Fatalf("the first cookie is %q", first)
	}
	if again := given(ask("192.0.2.1", first)); again != first {
		t.Errorf("a fresh cookie became %q", again)
	}
	if other := given(ask("192.0.2.2", first)); other == first || len(other) != 48 {
		t.Errorf("another client got %q", other)
	}
	octets, err := hex.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	old := keys.Append(nil, octets[:8], netip.MustParseAddr("192.0.2.1"), time.Now().Add(-40*time.Minute))
	if renewed := given(ask("192.0.2.1", hex.EncodeToString(old))); renewed == hex.EncodeToString(old) || len(renewed) != 48 {
		t.Errorf("an old cookie became %q", renewed)
	}
	if reply := unpacked(t, ask("192.0.2.1", "0011223344556677"+strings.Repeat("ab", 16))); reply.Rcode != dns.RcodeSuccess || len(reply.Answer) != 1 {
		t.Errorf("a wrong cookie without need: %v", reply)
	}
	if got := given(says(t, serviceOf(small, transports.Limits{}), resolver.UDP, "192.0.2.1", with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: first}))); got != "" {
		t.Errorf("a server without a secret gave %q", got)
	}
}

// A query without a question asks for a cookie, or whether the one it has is good (RFC 7873, section 5.4).
func TestCookieAlone(t *testing.T) {
	keys, addr := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()}), netip.MustParseAddr("192.0.2.1")
	service := serviceOf(small, transports.Limits{Cookies: keys})
	good := keys.Append(nil, []byte("clientAB"), addr, time.Now())
	for brought, want := range map[string]int{string(good[:8]): dns.RcodeSuccess, string(good): dns.RcodeSuccess, "clientABserverABCDserver": dns.RcodeBadCookie} {
		message := new(dns.Msg)
		message.SetEdns0(1232, false)
		message.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString([]byte(brought))}}
		packet, err := message.Pack()
		if err != nil {
			t.Fatal(err)
		}
		reply := unpacked(t, says(t, service, resolver.UDP, addr.String(), packet))
		if reply.Rcode != want || len(reply.Question)+len(reply.Answer) != 0 || len(reply.IsEdns0().Option) != 1 {
			t.Errorf("%q: %v, want %s", brought, reply, dns.RcodeToString[want])
		}
		if reply := unpacked(t, says(t, serviceOf(small, transports.Limits{}), resolver.UDP, addr.String(), packet)); reply.Rcode != dns.RcodeFormatError {
			t.Errorf("a server without a secret: %v", reply)
		}
	}
}

// What is neither used nor understood is not sent back, and a client's subnet goes nowhere.
func TestOptionsThatMeanNothingHere(t *testing.T) {
	service := serviceOf(small, transports.Limits{})
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}}
	local := &dns.EDNS0_LOCAL{Code: dns.EDNS0LOCALSTART, Data: []byte("x")}
	for _, door := range doors {
		if got := codes(t, says(t, service, door, "192.0.2.1", with(t, subnet, local, &dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Empty: true}))); len(got) != 0 {
			t.Errorf("%s: %v", door, got)
		}
	}
}

// The reasons of a failure keep to the client's size.
func TestFailureKeepsToTheLimit(t *testing.T) {
	service := serviceOf(func(context.Context, *resolver.Query) (*resolver.Answer, error) {
		reasons := make([]resolver.Extended, 4)
		for i := range reasons {
			reasons[i] = resolver.Extended{Code: resolver.Bogus, Text: strings.Repeat("x", 180)}
		}
		return nil, &resolver.Failure{Extended: reasons, Err: context.Canceled}
	}, transports.Limits{})
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	for size, want := range map[uint16]bool{512: true, 1232: false} {
		message.Extra = nil
		message.SetEdns0(size, false)
		packet, err := message.Pack()
		if err != nil {
			t.Fatal(err)
		}
		reply := says(t, service, resolver.UDP, "192.0.2.1", packet)
		if parsed := unpacked(t, reply); len(reply) > int(size) || len(parsed.IsEdns0().Option) != 4 || strings.Contains(reasonsIn(t, reply), "x") == want || parsed.Truncated != want {
			t.Errorf("for %d: %d octets, %v", size, len(reply), parsed)
		}
	}
}

// What finds no place to wait is told so like any other query of its client.
func TestGivenUp(t *testing.T) {
	keys := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})
	packet := with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
	client := resolver.Client{Addr: netip.MustParseAddr("192.0.2.1"), Door: resolver.TCP}
	reply := serviceOf(small, transports.Limits{Cookies: keys}).GiveUp(&resolver.Query{Client: client}, packet, nil, 65535)
	if message := unpacked(t, reply); message.Rcode != dns.RcodeServerFailure || len(message.Answer) != 0 {
		t.Errorf("%v", message)
	}
	if got := codes(t, reply); len(got) != 2 || got[0] != dns.EDNS0EDE || got[1] != dns.EDNS0COOKIE {
		t.Errorf("options %v", got)
	}
	whole, err := hex.DecodeString(unpacked(t, reply).IsEdns0().Option[1].(*dns.EDNS0_COOKIE).Cookie)
	if err != nil || keys.Check(whole[:8], whole[8:], client.Addr, time.Now()) != cookie.Proven {
		t.Errorf("its cookie %x is of no use: %v", whole, err)
	}
}

func TestOptionsAllocateNothing(t *testing.T) {
	keys := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	query, _ := asked(t, message)
	answer, err := small(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	kept := func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil }
	service := serviceOf(kept, transports.Limits{Cookies: keys, Clients: everybody{}, Queries: unlimited, Replies: unlimited}).Named("ams1")
	for _, door := range []resolver.Door{resolver.UDP, resolver.TLS} {
		for name, server := range map[string][]byte{"first": nil, "again": keys.Append(nil, []byte("clientAB"), netip.MustParseAddr("192.0.2.1"), time.Now())[8:]} {
			packet := with(t, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}, &dns.EDNS0_PADDING{Padding: make([]byte, 9)},
				&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(append([]byte("clientAB"), server...))})
			query := &resolver.Query{Client: resolver.Client{Addr: netip.MustParseAddr("192.0.2.1"), Door: door}, Inline: true, Idle: time.Second}
			buffer := make([]byte, 0, 4096)
			if allocs := testing.AllocsPerRun(100, func() {
				if reply, err := service.Answer(t.Context(), query, packet, buffer, 4000); err != nil || !bytes.Contains(reply, []byte("ams1")) {
					t.Fatal(reply, err)
				}
			}); allocs != 0 {
				t.Errorf("%s, %s: %v allocations", door, name, allocs)
			}
		}
	}
}

// BenchmarkReply is what a door's own part of a kept answer costs, beside the chain: with
// nothing to look at, and with all.
func BenchmarkReply(b *testing.B) {
	keys := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})
	baked := hex.EncodeToString(keys.Append(nil, []byte("clientAB"), netip.MustParseAddr("192.0.2.1"), time.Now()))
	query, _ := asked(b, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	answer, err := small(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	kept := func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil }
	for name, test := range map[string]struct {
		limits transports.Limits
		packet []byte
	}{
		"bare":       {transports.Limits{}, with(b)},
		"defaults":   {transports.Limits{Clients: everybody{}, Replies: unlimited, Cookies: keys}, with(b)},
		"cookie":     {transports.Limits{Clients: everybody{}, Replies: unlimited, Cookies: keys}, with(b, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: baked})},
		"rate limit": {transports.Limits{Clients: everybody{}, Replies: unlimited, Cookies: keys, Queries: unlimited}, with(b)},
	} {
		b.Run(name, func(b *testing.B) {
			service := serviceOf(kept, test.limits)
			query := &resolver.Query{Client: resolver.Client{Addr: netip.MustParseAddr("192.0.2.1"), Door: resolver.UDP}, Inline: true, Now: time.Now()}
			buffer := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := service.Reply(b.Context(), query, test.packet, buffer, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
