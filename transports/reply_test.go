package transports_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// asked packs a message and reads it as a door does.
func asked(t testing.TB, message *dns.Msg) (*resolver.Query, []byte) {
	t.Helper()
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	query := new(resolver.Query)
	query.Now = time.Now()
	if err := query.Read(packet); err != nil {
		t.Fatal(err)
	}
	return query, packet
}

func answerWith(t testing.TB, stored time.Time, records ...string) *resolver.Answer {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response, message.RecursionAvailable = true, true
	for _, text := range records {
		message.Answer = append(message.Answer, record(t, text))
	}
	answer, err := resolver.NewAnswer(message, stored).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func unpacked(t testing.TB, packet []byte) *dns.Msg {
	t.Helper()
	message := new(dns.Msg)
	if err := message.Unpack(packet); err != nil {
		t.Fatalf("the reply is malformed: %v", err)
	}
	return message
}

const signature = "www.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA"

func TestReplyIsTheClientsOwn(t *testing.T) {
	answer := answerWith(t, time.Now().Add(-100*time.Second), "www.example. 300 A 192.0.2.1", "www.example. 60 A 192.0.2.2", signature)
	answer.Security = resolver.Secure
	message := new(dns.Msg).SetQuestion("wWw.ExAmPlE.", dns.TypeA)
	message.Id = 99
	query, packet := asked(t, message)
	reply := unpacked(t, transports.AppendReply(nil, packet, query, answer, 512, &transports.Options{}))
	if reply.Id != 99 || !reply.Response || !reply.RecursionDesired || !reply.RecursionAvailable || reply.Authoritative {
		t.Errorf("header is wrong: %v", reply.MsgHdr)
	}
	if reply.Question[0].Name != "wWw.ExAmPlE." || reply.Answer[0].Header().Name != "wWw.ExAmPlE." {
		t.Errorf("the casing is not the client's: %v", reply)
	}
	if len(reply.Answer) != 2 || reply.Answer[0].Header().Ttl != 200 || reply.Answer[1].Header().Ttl != 0 {
		t.Errorf("TTLs were not counted down: %v", reply.Answer)
	}
	if reply.AuthenticatedData || reply.IsEdns0() != nil {
		t.Error("a client that said neither AD nor EDNS got them")
	}
}

func TestADGoesToThoseWhoKnowIt(t *testing.T) {
	for _, test := range []struct {
		ad, do, secure, want bool
	}{{false, false, true, false}, {true, false, true, true}, {false, true, true, true}, {true, true, false, false}} {
		answer := answerWith(t, time.Now(), "www.example. 300 A 192.0.2.1")
		if test.secure {
			answer.Security = resolver.Secure
		}
		message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		message.AuthenticatedData = test.ad
		message.SetEdns0(1232, test.do)
		query, packet := asked(t, message)
		if got := unpacked(t, transports.AppendReply(nil, packet, query, answer, 1232, &transports.Options{})).AuthenticatedData; got != test.want {
			t.Errorf("%+v: AD is %t", test, got)
		}
	}
}

func TestOPTOnlyIfAskedWithOne(t *testing.T) {
	answer := answerWith(t, time.Now(), "www.example. 300 A 192.0.2.1", signature).Explained(resolver.Extended{Code: 16, Text: "why"})
	plain, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	if reply := unpacked(t, transports.AppendReply(nil, packet, plain, answer, 512, &transports.Options{})); len(reply.Extra) != 0 {
		t.Errorf("no OPT was asked for: %v", reply)
	}
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(4096, true)
	query, packet := asked(t, message)
	reply := unpacked(t, transports.AppendReply(nil, packet, query, answer, transports.Limit(query), &transports.Options{}))
	opt := reply.IsEdns0()
	if opt == nil || !opt.Do() || opt.UDPSize() != transports.UDPSize || len(opt.Option) != 1 {
		t.Fatalf("OPT is %v", opt)
	}
	if ede := opt.Option[0].(*dns.EDNS0_EDE); ede.InfoCode != 16 || ede.ExtraText != "why" {
		t.Errorf("the error is %v", ede)
	}
	if len(reply.Answer) != 2 {
		t.Error("DO did not bring the signature")
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	var many []string
	for range 20 {
		many = append(many, `www.example. 300 TXT "`+strings.Repeat("x", 100)+`"`)
	}
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(1232, false)
	query, packet := asked(t, message)
	big := answerWith(t, time.Now(), many...).Explained(resolver.Extended{Code: 3, Text: "stale"})
	wireForm := transports.AppendReply(nil, packet, query, big, 1232, &transports.Options{})
	if reply := unpacked(t, wireForm); !reply.Truncated || len(reply.Answer) != 0 || reply.IsEdns0() == nil || len(reply.IsEdns0().Option) != 1 || len(wireForm) > 1232 {
		t.Errorf("a large answer: %v", reply)
	}
	if reply := unpacked(t, transports.AppendReply(nil, packet, query, big, 65535, &transports.Options{})); reply.Truncated || len(reply.Answer) != 20 {
		t.Error("over a stream it was cut too")
	}
	// The explanation's text goes before the data does (RFC 8914, section 3).
	text := answerWith(t, time.Now(), many[:4]...).Explained(resolver.Extended{Code: 15, Text: strings.Repeat("y", 150)})
	wireForm = transports.AppendReply(nil, packet, query, text, 560, &transports.Options{})
	if reply := unpacked(t, wireForm); !reply.Truncated || len(reply.Answer) != 4 || reasonsIn(t, wireForm) != "15" {
		t.Errorf("explanation and data: %v", reply)
	}
}

func TestLimit(t *testing.T) {
	for size, want := range map[uint16]int{0: 512, 100: 512, 512: 512, 1000: 1000, 1232: 1232, 4096: 1232} {
		message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		message.SetEdns0(size, false)
		query, _ := asked(t, message)
		if got := transports.Limit(query); got != want {
			t.Errorf("a client with room for %d gets %d", size, got)
		}
	}
}

func TestCachedReplyAllocatesNothing(t *testing.T) {
	answer := answerWith(t, time.Now().Add(-5*time.Second), "www.example. 300 A 192.0.2.1", signature)
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(1232, true)
	query, packet := asked(t, message)
	buffer := make([]byte, 0, 1232)
	if allocs := testing.AllocsPerRun(100, func() {
		buffer = transports.AppendReply(buffer[:0], packet, query, answer, 1232, &transports.Options{})
	}); allocs != 0 {
		t.Errorf("a reply allocates %v times", allocs)
	}
}

// Policy may want a client to come again over TCP, however short the reply is.
func TestReplyKeepsTruncation(t *testing.T) {
	query, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response, message.Truncated = true, true
	answer, err := resolver.NewAnswer(message, query.Now).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{512, 65535} {
		if reply := unpacked(t, transports.AppendReply(nil, packet, query, answer, limit, &transports.Options{})); !reply.Truncated {
			t.Errorf("limit %d: %v", limit, reply)
		}
	}
}

// TestAdditionalDataGivesWay: what was not asked for is left out, without TC, before the
// client is sent to TCP (RFC 2181, section 9).
func TestAdditionalDataGivesWay(t *testing.T) {
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Answer = []dns.RR{record(t, "www.example. 300 A 192.0.2.1")}
	for range 30 {
		message.Extra = append(message.Extra, record(t, "ns.example. 300 AAAA 2001:db8::1"))
	}
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	query, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	for limit, want := range map[int]int{512: 0, 1232: 30} {
		reply := unpacked(t, transports.AppendReply(nil, packet, query, answer, limit, &transports.Options{}))
		if reply.Truncated || len(reply.Answer) != 1 || len(reply.Extra) != want {
			t.Errorf("%d octets: TC %t, %d answers, %d additional", limit, reply.Truncated, len(reply.Answer), len(reply.Extra))
		}
	}
}

// AA is for what this resolver tells of itself (RFC 9606, section 3), whatever other
// servers said of theirs.
func TestOnlyOwnAnswersAreAuthoritative(t *testing.T) {
	query, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	for _, origin := range []resolver.Origin{resolver.Resolved, resolver.Cached, resolver.Local, resolver.Policy} {
		message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		message.Response, message.Authoritative = true, true
		answer, err := resolver.NewAnswer(message, query.Now).Pack()
		if err != nil {
			t.Fatal(err)
		}
		answer.Origin = origin
		if got := unpacked(t, transports.AppendReply(nil, packet, query, answer, 512, &transports.Options{})).Authoritative; got != (origin == resolver.Local) {
			t.Errorf("%s: AA is %t", origin, got)
		}
	}
}

// A client that may keep nothing for long gets the same answer with lower TTLs.
func TestCappedTTLs(t *testing.T) {
	query, packet := asked(t, new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
	answer := answerWith(t, query.Now.Add(-10*time.Second), "www.example. 3600 IN CNAME b.example.", "b.example. 30 IN A 192.0.2.1")
	ttls := func() (ttls []uint32) {
		for _, record := range unpacked(t, transports.AppendReply(nil, packet, query, answer, 1232, nil)).Answer {
			ttls = append(ttls, record.Header().Ttl)
		}
		return ttls
	}
	if got := ttls(); !slices.Equal(got, []uint32{3590, 20}) {
		t.Errorf("without a cap: %v", got)
	}
	query.CapTTL(300)
	query.CapTTL(400)
	if got := ttls(); !slices.Equal(got, []uint32{300, 20}) {
		t.Errorf("capped at 300: %v", got)
	}
	query.CapTTL(0)
	if got := ttls(); !slices.Equal(got, []uint32{0, 0}) {
		t.Errorf("capped at 0: %v", got)
	}
	if err := query.Read(packet); err != nil {
		t.Fatal(err)
	}
	if got := ttls(); got[0] < 300 {
		t.Errorf("the next query is capped too: %v", got)
	}
}
