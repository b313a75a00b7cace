package probe_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	at4  = netip.MustParseAddr("192.168.1.20")
	at6  = netip.MustParseAddr("fd00::20")
	zone = probe.Zone{Name: wire.MustName("check.dns.home.arpa"), Toward: func(netip.Addr) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
	}}
)

// everybody is a visitor, known by path or address.
type everybody struct{}

func (everybody) Visitor(client resolver.Client) household.Visitor {
	if client.Path != "" {
		return household.Visitor{Device: client.Path, Profile: "teens"}
	}
	return household.Visitor{Device: client.Addr.String(), Profile: "kids"}
}

func look(t testing.TB, stage resolver.Handler, name string, qtype uint16, client resolver.Client) *dns.Msg {
	t.Helper()
	query := resolver.NewQuery(wire.MustName(name), qtype, nil)
	query.Client, query.Inline = client, true
	answer, err := stage.Resolve(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	message, err := answer.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func chain(probes *probe.Probes, zone probe.Zone) resolver.Handler {
	return probes.Stage(zone)(resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Question.Name != zone.Host || zone.Host == "" {
			return nil, resolver.ErrWouldBlock
		}
		reply := query.Message()
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 168, 1, 2}}}
		return resolver.NewAnswer(reply, query.Now), nil
	}))
}

func TestWhatIsSeen(t *testing.T) {
	plain4, plain6 := resolver.Client{Addr: at4, Door: resolver.UDP}, resolver.Client{Addr: at6, Door: resolver.TCP}
	secure := resolver.Client{Addr: at4, Door: resolver.HTTPS, Path: "token"}
	for _, test := range []struct {
		about  string
		looks  int
		client resolver.Client
		want   probe.Verdict
		seen   string
	}{
		{"nothing", 0, plain4, probe.Elsewhere, "false false false false"},
		{"all over IPv4", probe.Names, plain4, probe.Here, "true false true false"},
		{"all over IPv6", probe.Names, plain6, probe.Here, "false true true false"},
		{"some", probe.Names - 1, plain4, probe.Partly, "true false true false"},
		{"through an encrypted door", probe.Names, secure, probe.Here, "true false false true"},
	} {
		probes := probe.New(everybody{})
		stage := chain(probes, zone)
		label, made := probes.Make()
		if !made {
			t.Fatal("there is no room")
		}
		for i := range test.looks {
			look(t, stage, fmt.Sprintf("%d.%s.check.dns.home.arpa", i, strings.ToUpper(label)), dns.TypeA, test.client)
		}
		seen, known := probes.Seen(label)
		if got := fmt.Sprint(seen.IPv4, seen.IPv6, seen.Plain, seen.Encrypted); !known || seen.Verdict() != test.want || got != test.seen {
			t.Errorf("%s: %+v", test.about, seen)
		}
		visitor, recognised := probes.Recognise(label, test.client.Addr)
		if recognised != (test.looks > 0) || recognised && visitor != (everybody{}).Visitor(test.client) {
			t.Errorf("%s: recognised as %+v", test.about, visitor)
		}
		if _, recognised := probes.Recognise(label, netip.MustParseAddr("198.51.100.1")); recognised {
			t.Errorf("%s: recognised from far away", test.about)
		}
	}
}

func TestNamesOfAShowing(t *testing.T) {
	probes := probe.New(everybody{})
	stage := chain(probes, zone)
	label, _ := probes.Make()
	for _, test := range []struct {
		name  string
		qtype uint16
		rcode int
		data  string
	}{
		{"0." + label, dns.TypeA, dns.RcodeSuccess, "192.168.1.2"}, {"0." + label, dns.TypeAAAA, dns.RcodeSuccess, "fd00::2"},
		{"0." + label, dns.TypeHTTPS, dns.RcodeSuccess, ""},
		{probe.Only4 + "." + label, dns.TypeA, dns.RcodeSuccess, "192.168.1.2"}, {probe.Only4 + "." + label, dns.TypeAAAA, dns.RcodeSuccess, ""},
		{probe.Only6 + "." + label, dns.TypeAAAA, dns.RcodeSuccess, "fd00::2"}, {probe.Only6 + "." + label, dns.TypeA, dns.RcodeSuccess, ""},
		{"x.0." + label, dns.TypeA, dns.RcodeNameError, ""}, {"0.other", dns.TypeA, dns.RcodeNameError, ""}, {"0." + label[1:] + "a", dns.TypeA, dns.RcodeNameError, ""},
		{label, dns.TypeA, dns.RcodeSuccess, ""},
	} {
		reply := look(t, stage, test.name+".check.dns.home.arpa", test.qtype, resolver.Client{Addr: at4, Door: resolver.UDP})
		data := ""
		for _, record := range reply.Answer {
			data += strings.TrimPrefix(record.String(), record.Header().String())
		}
		if reply.Rcode != test.rcode || data != test.data || len(reply.Answer) == 0 && reply.Ns[0].Header().Ttl != 0 {
			t.Errorf("%s: %v", test.name, reply)
		}
	}
	named := chain(probes, probe.Zone{Name: zone.Name, Host: wire.MustName("dns.home.arpa")})
	if reply := look(t, named, "1."+label+".check.dns.home.arpa", dns.TypeA, resolver.Client{Addr: at4}); len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl != 0 {
		t.Errorf("by the host's own name: %v", reply)
	}
}

func TestPictures(t *testing.T) {
	probes := probe.New(everybody{})
	label, _ := probes.Make()
	for host, want := range map[string]bool{
		"0." + label + ".check.dns.home.arpa:8080": true, "0." + strings.ToUpper(label) + ".CHECK.dns.home.arpa.": true,
		"dns.home.arpa:8080": false, "check.dns.home.arpa": false, label + ".check.dns.home.arpa": false, "0." + label + ".check.evil.example": false,
	} {
		found, is := probe.LabelOf(host, "check.dns.home.arpa")
		if is != want || is && found != label {
			t.Errorf("%s: %q %v", host, found, is)
		}
	}
	if !probes.Fetched(label, at6) || probes.Fetched("x", at4) {
		t.Error("which pictures are ours")
	}
	if seen, _ := probes.Seen(label); !seen.Reach6 || seen.Reach4 {
		t.Errorf("%+v", seen)
	}
}

func TestShowingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probes := probe.New(everybody{})
		first, _ := probes.Make()
		made := 1
		for range 10_000 {
			if _, is := probes.Make(); is {
				made++
			}
		}
		if _, known := probes.Seen(first); made != 8192 || !known {
			t.Errorf("%d showings, the first %v", made, known)
		}
		for i := range 20 { // no more devices than are remembered
			look(t, chain(probes, zone), "0."+first+".check.dns.home.arpa", dns.TypeA, resolver.Client{Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
		}
		if _, is := probes.Recognise(first, netip.MustParseAddr("10.0.0.19")); is {
			t.Error("everybody is remembered")
		}
		time.Sleep(15 * time.Minute)
		if _, known := probes.Seen(first); known {
			t.Error("it is good for ever")
		}
		if _, is := probes.Make(); !is {
			t.Error("there is no room when they are good no more")
		}
	})
}

// Whatever is looked up: nothing is recognised that was not made, and nothing of the zone leaves.
func FuzzZone(f *testing.F) {
	probes := probe.New(everybody{})
	stage := chain(probes, zone)
	label, _ := probes.Make()
	for _, seed := range []string{"", "0", "0." + label, "check-4." + label, "255." + label, strings.Repeat("a", 63)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, below string) {
		name, err := wire.ParseName(below + ".check.dns.home.arpa")
		if err != nil || !name.IsBelow(zone.Name) {
			return
		}
		query := resolver.NewQuery(name, dns.TypeA, nil)
		query.Client = resolver.Client{Addr: at4}
		answer, err := stage.Resolve(t.Context(), query)
		if err != nil {
			t.Fatalf("%q: %v", below, err)
		}
		message, err := answer.Unpack()
		if err != nil || len(message.Answer) > 0 && !strings.Contains(strings.ToLower(below), label) {
			t.Errorf("%q: %v, %v", below, message, err)
		}
	})
}
