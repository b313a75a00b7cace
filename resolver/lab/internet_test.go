package lab_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
)

func serverAt(addr string) resolver.Server {
	return resolver.Server{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 53)}
}

func TestExchangeWithNobody(t *testing.T) {
	internet := build(t, lab.Config{})
	packet := must(query("www.example.", dns.TypeA).Pack())(t)
	for _, addr := range []string{"127.42.250.1", "127.42.3.6", "2001:db8::1"} {
		if _, err := internet.Exchange(t.Context(), serverAt(addr), packet, nil); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("%s: error %v, want %v", addr, err, syscall.EHOSTUNREACH)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := internet.Exchange(ctx, serverAt("127.42.0.1"), packet, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestExchangeWaits(t *testing.T) {
	internet := build(t, lab.Config{})
	packet := must(query("www.example.", dns.TypeA).Pack())(t)
	never := func([]byte) bool { return false }
	tests := []struct {
		about, server string
		accept        func([]byte) bool
		packet        []byte
	}{
		{"a silent server", "127.42.3.4", nil, packet},
		{"a reply that is not accepted", "127.42.0.1", never, packet},
		{"a packet too short for a reply", "127.42.0.1", nil, packet[:5]},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				_, err := internet.Exchange(ctx, serverAt(test.server), test.packet, test.accept)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
					t.Errorf("error %v after %s", err, time.Since(began))
				}
			})
		})
	}
}

// TestClock asks at times far apart, backwards too: signatures hold at each.
func TestClock(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	internet := build(t, lab.Config{Now: func() time.Time { return now }})
	signature := func(name string) *dns.RRSIG {
		reply := exchange(t, internet, signedServer, resolver.OverUDP, query(name, dns.TypeA))
		return reply.Answer[1].(*dns.RRSIG)
	}
	first := signature("www.signed.example.")
	for _, step := range []time.Duration{time.Hour, 11 * 24 * time.Hour, 400 * 24 * time.Hour, -900 * 24 * time.Hour, 0} {
		now = now.Add(step)
		if s := signature("www.signed.example."); !s.ValidityPeriod(now) || !s.ValidityPeriod(now.Add(13*24*time.Hour)) {
			t.Errorf("at %s the signature runs from %s to %s", now, dns.TimeToString(s.Inception), dns.TimeToString(s.Expiration))
		}
	}
	now = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	again := signature("www.signed.example.")
	if again.Inception != uint32(now.Add(-24*time.Hour).Unix()) || first.KeyTag != again.KeyTag {
		t.Errorf("signature from %s by key %d, before by %d", dns.TimeToString(again.Inception), again.KeyTag, first.KeyTag)
	}
	if once := signature("www.signed.example."); once.Signature != again.Signature {
		t.Error("a signature is made anew though nothing has changed")
	}
}

func TestTTLs(t *testing.T) {
	internet := build(t, lab.Config{})
	reply := exchange(t, internet, "127.42.0.1", resolver.OverUDP, query("missing.", dns.TypeA))
	for _, rr := range reply.Ns {
		if rr.Header().Ttl != 300 { // the least of the SOA's TTL, 86400, and its minimum
			t.Errorf("TTL of a denial: %s", rr)
		}
		if signature, is := rr.(*dns.RRSIG); is && signature.TypeCovered == dns.TypeSOA && signature.OrigTtl != 86400 {
			t.Errorf("original TTL %d", signature.OrigTtl)
		}
	}
	if len(reply.Ns) < 4 {
		t.Errorf("authority has %d records", len(reply.Ns))
	}
}

func TestHintsAndAnchors(t *testing.T) {
	internet := build(t, lab.Config{})
	hints := internet.Hints()
	if len(hints) != 6 {
		t.Errorf("%d hints, want three NS and three A", len(hints))
	}
	reply := exchange(t, internet, "127.42.0.1", resolver.OverUDP, query(".", dns.TypeDNSKEY))
	for _, rr := range internet.Anchors() {
		anchor := rr.(*dns.DS)
		matches := slices.ContainsFunc(reply.Answer, func(rr dns.RR) bool {
			key, is := rr.(*dns.DNSKEY)
			return is && dns.IsDuplicate(key.ToDS(anchor.DigestType), anchor)
		})
		if !matches {
			t.Errorf("no root key for anchor %s", anchor)
		}
	}
	hints[0].Header().Name = "changed."
	if internet.Hints()[0].Header().Name != "." {
		t.Error("hints are shared with the caller")
	}
}

func TestWildcardTLDs(t *testing.T) {
	internet := build(t, lab.Config{})
	domains := internet.WildcardTLDs()
	if len(domains) < 80 || len(slices.Compact(slices.Sorted(slices.Values(domains)))) != len(domains) {
		t.Fatalf("%d domains, or one twice", len(domains))
	}
	w := &walker{internet: internet, budget: 100 * len(domains)}
	for _, domain := range domains {
		for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
			reply, secure, err := w.resolve("a.b.name."+domain+".", kind)
			if err != nil || !secure || len(reply.Answer) != 2 {
				t.Errorf("%s %s: secure %t, error %v, reply %v", domain, dns.TypeToString[kind], secure, err, reply)
			}
		}
	}
}

func TestExtraZones(t *testing.T) {
	own := netip.MustParseAddr("127.42.77.1")
	internet := build(t, lab.Config{
		Extra: []lab.ZoneSource{
			{Origin: "mine.example.", Signing: lab.Signing{Algorithm: dns.ED25519}, Text: "@ NS ns\nns A 127.42.77.1\nwww A 192.0.2.99\n"},
			{Origin: "shop.example.", Text: "@ NS ns\nns A 127.42.77.1\nwww A 192.0.2.98\n"},
			{Origin: "quiet.example.", Text: "@ NS ns\nns A 127.42.77.2\n"},
		},
		Conduct: map[netip.Addr]lab.Conduct{netip.MustParseAddr("127.42.77.2"): lab.Refusing},
	})
	w := &walker{internet: internet, budget: 100}
	if reply, secure, err := w.resolve("www.mine.example.", dns.TypeA); err != nil || !secure || len(reply.Answer) != 2 {
		t.Errorf("a further zone: secure %t, error %v", secure, err)
	}
	if reply, secure, err := w.resolve("www.shop.example.", dns.TypeA); err != nil || secure || describe(reply.Answer[0]) != "www.shop.example. A 192.0.2.98" {
		t.Errorf("a zone in place of a built-in one: secure %t, error %v", secure, err)
	}
	if reply := exchange(t, internet, "127.42.77.2", resolver.OverUDP, query("quiet.example.", dns.TypeNS)); reply.Rcode != dns.RcodeRefused {
		t.Errorf("conduct of a further server: %s", brief(reply))
	}
	if !slices.Contains(internet.Addresses(), own) {
		t.Errorf("addresses lack %s", own)
	}
}

func TestZonesThatDoNotLoad(t *testing.T) {
	for about, source := range map[string]lab.ZoneSource{
		"no name":          {Origin: "a..b."},
		"not a zone file":  {Origin: "mine.example.", Text: "@ A not-an-address\n"},
		"not junk either":  {Origin: "mine.example.", Junk: "@ A not-an-address\n"},
		"data of another":  {Origin: "mine.example.", Text: "www.other.example. A 192.0.2.1\n"},
		"include of files": {Origin: "mine.example.", Text: "$INCLUDE other.zone\n"},
	} {
		if _, err := lab.New(lab.Config{Extra: []lab.ZoneSource{source}}); err == nil {
			t.Errorf("%s: loads", about)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	internet := build(t, lab.Config{})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for _, sample := range internet.Names()[worker*4:] {
				packet, err := query(dns.Fqdn(sample.Name), sample.Type).Pack()
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := internet.Exchange(t.Context(), serverAt(signedServer), packet, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkWildcard(b *testing.B) {
	internet := build(b, lab.Config{})
	packet := must(query("www.every-name.com.", dns.TypeA).Pack())(b)
	for b.Loop() {
		if _, err := internet.Exchange(b.Context(), serverAt("127.42.1.1"), packet, nil); err != nil {
			b.Fatal(err)
		}
	}
}
