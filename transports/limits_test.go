package transports_test

import (
	"context"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/rate"
)

// everybody is admitted, and has an address of his own.
type everybody struct{}

func (everybody) Admits(resolver.Client) (admitted, shared bool) { return true, false }

func (everybody) AdmitsByName() bool { return false }

// house admits 192.0.2.0/24 and loopback, of which 192.0.2.64 and up are shared.
type house struct{}

func (house) AdmitsByName() bool { return false }

func (house) Admits(client resolver.Client) (admitted, shared bool) {
	addr := client.Addr
	in := netip.MustParsePrefix("192.0.2.0/24").Contains(addr)
	return in || addr.IsLoopback(), in && addr.As4()[3] >= 64
}

// unlimited is counted, and never reached.
var unlimited = rate.Limit{PerSecond: 1_000_000, Burst: 60_000_000}

// tally is what became of some queries.
type tally struct{ answered, truncated, badCookie, refused, silent int }

func count(t testing.TB, service *transports.Service, door resolver.Door, from string, packet []byte, queries int) tally {
	t.Helper()
	var all tally
	for range queries {
		reply := says(t, service, door, from, packet)
		if len(reply) == 0 {
			all.silent++
			continue
		}
		message := unpacked(t, reply)
		switch {
		case message.Truncated && len(message.Answer) == 0:
			all.truncated++
		case message.Rcode == dns.RcodeBadCookie:
			all.badCookie++
		case message.Rcode == dns.RcodeRefused:
			all.refused++
		default:
			all.answered++
		}
	}
	return all
}

// slow is a limit that no test lives to see another query of.
var slow = rate.Limit{PerSecond: 1, Burst: 20}

func TestStrangersAreRefused(t *testing.T) {
	asked := 0
	service := serviceOf(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		asked++
		return small(ctx, query)
	}, transports.Limits{Clients: house{}})
	for _, door := range doors {
		for _, packet := range [][]byte{with(t), with(t, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})} {
			reply := unpacked(t, says(t, service, door, "198.51.100.1", packet))
			opt := reply.IsEdns0()
			if reply.Rcode != dns.RcodeRefused || reply.RecursionAvailable || len(opt.Option) != 1 || opt.Option[0].(*dns.EDNS0_EDE).InfoCode != dns.ExtendedErrorCodeProhibited {
				t.Errorf("%s: %v", door, reply)
			}
		}
		if reply := unpacked(t, says(t, service, door, "192.0.2.1", with(t))); reply.Rcode != dns.RcodeSuccess {
			t.Errorf("%s, admitted: %v", door, reply)
		}
	}
	if asked != len(doors) {
		t.Errorf("the chain was asked %d times", asked)
	}
}

// Over the limit a client that may be forged is told to come by TCP, now and then; one that
// is itself is told why.
func TestTooManyQueries(t *testing.T) {
	synctest.Test(t, testTooManyQueries) // no time passes, so no query comes to be allowed
}

func testTooManyQueries(t *testing.T) {
	keys := cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})
	limits := transports.Limits{Clients: house{}, Queries: slow, Slip: 1, Cookies: keys}
	service := serviceOf(small, limits)
	if got := count(t, service, resolver.UDP, "192.0.2.1", with(t), 100); got != (tally{answered: 20, truncated: 80}) {
		t.Errorf("UDP: %+v", got)
	}
	fresh := with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
	if got := count(t, service, resolver.UDP, "192.0.2.1", fresh, 10); got != (tally{badCookie: 10}) {
		t.Errorf("with a client's cookie: %+v", got)
	}
	brought := keys.Append(nil, []byte("clientAB"), netip.MustParseAddr("192.0.2.1"), time.Now())
	proven := with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(brought)})
	if got := count(t, service, resolver.UDP, "192.0.2.1", proven, 100); got != (tally{answered: 20, refused: 80}) {
		t.Errorf("with a whole cookie: %+v", got)
	}
	if got := count(t, service, resolver.TCP, "192.0.2.2", with(t), 100); got != (tally{answered: 20, refused: 80}) {
		t.Errorf("TCP: %+v", got)
	}
	reply := unpacked(t, says(t, service, resolver.TLS, "192.0.2.2", with(t)))
	if ede := reply.IsEdns0().Option[0].(*dns.EDNS0_EDE); ede.InfoCode != dns.ExtendedErrorCodeProhibited || ede.ExtraText == "" {
		t.Errorf("the reason is %v", ede)
	}
	if got := count(t, service, resolver.UDP, "192.0.2.65", with(t), 2000); got.answered != 64*20 {
		t.Errorf("a shared address: %+v", got)
	}
	if got := count(t, service, resolver.TLS, "192.0.2.65", with(t), 2000); got.answered != 64*20 {
		t.Errorf("a shared address over TLS: %+v", got)
	}
	limits.Slip = 0
	if got := count(t, serviceOf(small, limits), resolver.UDP, "192.0.2.1", with(t), 100); got != (tally{answered: 20, silent: 80}) {
		t.Errorf("without slip: %+v", got)
	}
	limits.Slip = 2
	if got := count(t, serviceOf(small, limits), resolver.UDP, "192.0.2.1", with(t), 10_020); got.answered != 20 || got.silent < 4000 || got.truncated < 4000 {
		t.Errorf("slip 2: %+v", got)
	}
}

// A query that has to wait is looked at twice, and counts once.
func TestWaitingCountsOnce(t *testing.T) { synctest.Test(t, testWaitingCountsOnce) }

func testWaitingCountsOnce(t *testing.T) {
	service := serviceOf(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		return small(ctx, query)
	}, transports.Limits{Queries: slow, Slip: 1})
	answered := 0
	for range 100 {
		client := resolver.Client{Addr: netip.MustParseAddr("192.0.2.1"), Door: resolver.UDP}
		if _, err := service.Answer(t.Context(), &resolver.Query{Client: client, Inline: true}, with(t), nil, 0); err == nil {
			continue
		}
		if reply := unpacked(t, says(t, service, resolver.UDP, "192.0.2.1", with(t))); len(reply.Answer) == 1 {
			answered++
		}
	}
	if answered != 20 {
		t.Errorf("%d were answered, of 20 that may be", answered)
	}
}

// repeats answers by name: nothing there, nothing of the type, something large, a failure.
func repeats(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	switch name := query.Question.Name.String(); {
	case strings.HasPrefix(name, "gone"):
		reply.Rcode = dns.RcodeNameError
	case strings.HasPrefix(name, "empty"):
	case strings.HasPrefix(name, "broken"):
		return nil, resolver.Fail(resolver.NetworkError, "no server answers")
	case strings.HasPrefix(name, "large"):
		for range 3 {
			reply.Answer = append(reply.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{strings.Repeat("x", 200)}})
		}
	default:
		reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, 1}})
	}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

func TestRepliesOfAKind(t *testing.T) { synctest.Test(t, testRepliesOfAKind) }

func testRepliesOfAKind(t *testing.T) {
	limits := transports.Limits{Clients: house{}, Replies: slow, Slip: 1, Cookies: cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})}
	about := func(name string) []byte {
		packet, err := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false).Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packet
	}
	for _, name := range []string{"gone.example.", "empty.example.", "broken.example.", "large.example."} {
		service := serviceOf(repeats, limits)
		if got := count(t, service, resolver.UDP, "192.0.2.1", about(name), 100); got != (tally{answered: 20, truncated: 80}) {
			t.Errorf("%s: %+v", name, got)
		}
		if got := count(t, service, resolver.UDP, "192.0.2.2", about(name), 10); got != (tally{truncated: 10}) {
			t.Errorf("%s, a neighbour: %+v", name, got)
		}
		if got := count(t, service, resolver.UDP, "192.0.2.70", about(name), 100); got != (tally{answered: 100}) && got.truncated == 0 {
			t.Errorf("%s, a shared address: %+v", name, got)
		}
		for _, free := range []struct {
			door resolver.Door
			from string
		}{{resolver.TCP, "192.0.2.1"}, {resolver.QUIC, "192.0.2.1"}, {resolver.UDP, "127.0.0.1"}, {resolver.UDP, "::1"}} {
			if got := count(t, service, free.door, free.from, about(name), 100); got != (tally{answered: 100}) {
				t.Errorf("%s from %s over %s: %+v", name, free.from, free.door, got)
			}
		}
	}
	service := serviceOf(repeats, limits)
	if got := count(t, service, resolver.UDP, "192.0.2.1", about("www.example."), 1000); got != (tally{answered: 1000}) {
		t.Errorf("an ordinary answer: %+v", got)
	}
	for i := range 20 {
		count(t, service, resolver.UDP, "192.0.2.1", about("gone"+string(rune('a'+i))+".example."), 1)
	}
	if got := count(t, service, resolver.UDP, "192.0.2.1", about("gone.sub.gone.example."), 1); got.truncated != 0 {
		t.Errorf("another zone: %+v", got)
	}
	if got := count(t, service, resolver.UDP, "198.51.100.1", about("www.example."), 100); got != (tally{refused: 20, truncated: 80}) {
		t.Errorf("strangers: %+v", got)
	}
	if got := count(t, service, resolver.UDP, "192.0.2.1", []byte{0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 100); got != (tally{answered: 20, silent: 80}) {
		t.Errorf("malformed: %+v", got)
	}
	limits.Cookies = cookie.NewKeys([]cookie.Secret{{}})
	baked := with(t, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(limits.Cookies.Append(nil, []byte("clientAB"), netip.MustParseAddr("198.51.100.1"), time.Now()))})
	if got := count(t, serviceOf(repeats, limits), resolver.UDP, "198.51.100.1", baked, 100); got != (tally{refused: 100}) {
		t.Errorf("strangers with a cookie: %+v", got)
	}
}

// One client cannot have all places to wait in, however many there are, and others find some.
func TestPlacesAreShared(t *testing.T) {
	const all = 900
	from := func(addr string) resolver.Client {
		return resolver.Client{Addr: netip.MustParseAddr(addr), Door: resolver.TCP}
	}
	fill := func(service *transports.Service, client resolver.Client) int {
		taken := 0
		for service.Admit(client) {
			taken++
		}
		return taken
	}
	service := serviceOf(small, transports.Limits{Waiting: all, Clients: house{}})
	if got := fill(service, from("192.0.2.1")); got != all/3 {
		t.Errorf("one client has %d", got)
	}
	if got := fill(service, from("192.0.2.2")); got != (all-all/3)/3 {
		t.Errorf("the next has %d", got)
	}
	if got := fill(service, from("198.51.100.1")); got == 0 {
		t.Error("another network has none")
	}
	if usage := service.Usage().Waiting; usage <= all/2 || usage >= all {
		t.Errorf("%d wait", usage)
	}
	for range all / 3 {
		service.Leave(from("192.0.2.1"))
	}
	if got := fill(service, from("192.0.2.1")); got == 0 {
		t.Error("who left finds no place again")
	}
	if got := fill(serviceOf(small, transports.Limits{Waiting: all, Clients: house{}}), from("192.0.2.64")); got != all*2/3 {
		t.Errorf("a shared address has %d", got)
	}
	if got := fill(serviceOf(small, transports.Limits{Waiting: all}), from("127.0.0.1")); got != all*2/3 {
		t.Errorf("loopback has %d", got)
	}
	service = serviceOf(small, transports.Limits{Waiting: all})
	for i := range 200 {
		fill(service, from(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String()))
	}
	if usage := service.Usage().Waiting; usage > all*2/3+all/100 {
		t.Errorf("one network has %d of %d", usage, all)
	}
	// To the last one, by clients who have next to none.
	service = serviceOf(small, transports.Limits{Waiting: 20})
	taken := 0
	for i := range 20 {
		if service.Admit(from(netip.AddrFrom4([4]byte{10, byte(i), 0, 1}).String())) {
			taken++
		}
	}
	if taken != 20 || service.Admit(from("10.99.0.1")) {
		t.Errorf("%d of 20 were taken", taken)
	}
}

// A flood from addresses of all kinds leaves places for those who cannot be part of it.
func TestForgersLeavePlaces(t *testing.T) {
	service := serviceOf(small, transports.Limits{Waiting: 800})
	taken := 0
	for i := range 2000 {
		if service.Admit(resolver.Client{Addr: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), Door: resolver.UDP}) {
			taken++
		}
	}
	if taken != 700 {
		t.Errorf("%d of 800 were taken over UDP", taken)
	}
	if !service.Admit(resolver.Client{Addr: netip.MustParseAddr("192.0.2.1"), Door: resolver.TLS}) {
		t.Error("nothing is left over TLS")
	}
}

func TestConnections(t *testing.T) {
	from := func(addr string, door resolver.Door) resolver.Client {
		return resolver.Client{Addr: netip.MustParseAddr(addr), Door: door}
	}
	fill := func(gate *transports.Gate, client resolver.Client) int {
		open := 0
		for open < 1000 && gate.Connect(client) {
			open++
		}
		return open
	}
	gate := transports.NewGate(transports.Limits{Connections: 640, ConnectionsPerClient: 2, Clients: house{}})
	for _, test := range []struct {
		client resolver.Client
		want   int
	}{
		{from("192.0.2.1", resolver.TLS), 2},
		{from("192.0.2.2", resolver.TCP), 2},
		{from("192.0.2.64", resolver.QUIC), 128},
		{from("198.51.100.1", resolver.TLS), 0},
		{from("198.51.100.1", resolver.HTTPS), 0},
		{from("198.51.100.1", resolver.TCP), 2},
		{from("2001:db8::1", resolver.TCP), 2},
		{from("2001:db8::2", resolver.TCP), 0}, // the same /64
		{from("2001:db8:0:1::1", resolver.TCP), 2},
		{from("203.0.113.1", resolver.TCP), 2},
		{from("203.0.113.2", resolver.TCP), 2}, // ten strangers, a 64th of all
		{from("203.0.113.3", resolver.TCP), 0},
		{from("127.0.0.1", resolver.TLS), 640 - 142},
		{from("127.0.0.2", resolver.TLS), 0},
	} {
		if got := fill(gate, test.client); got != test.want {
			t.Errorf("%v: %d, want %d", test.client, got, test.want)
		}
	}
	if usage := gate.Usage(); usage.Connections != 640 || usage.Strangers == 0 || usage.Crowded == 0 || usage.Full == 0 {
		t.Errorf("%+v", usage)
	}
	gate.Disconnect(from("203.0.113.1", resolver.TCP))
	if !gate.Connect(from("203.0.113.9", resolver.TCP)) || gate.Connect(from("203.0.113.9", resolver.TCP)) {
		t.Error("what is given back is not one to have")
	}
	wide := transports.NewGate(transports.Limits{ConnectionsPerClient: 1})
	open := 0
	for i := range 256 {
		open += fill(wide, from(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String(), resolver.TLS))
	}
	if open != 32 {
		t.Errorf("a network has %d", open)
	}
}
