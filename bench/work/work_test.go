package main

import (
	"crypto/ecdsa"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func ask(t *testing.T, w *world, at level, name string, kind uint16) *dns.Msg {
	t.Helper()
	query := new(dns.Msg).SetQuestion(name, kind)
	query.SetEdns0(1232, true)
	packet, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(w.respond(at, packet)); err != nil {
		t.Fatalf("%s at level %d: %v", name, at, err)
	}
	return reply
}

func TestPlainWorld(t *testing.T) {
	w, err := newWorld(100, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		at            level
		name          string
		kind          uint16
		rcode         int
		answers, glue int
	}{
		{root, ".", dns.TypeNS, dns.RcodeSuccess, 1, 0},
		{root, "ns.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{root, "t07.", dns.TypeNS, dns.RcodeSuccess, 0, 1},
		{root, "www.z000007.t07.", dns.TypeA, dns.RcodeSuccess, 0, 1},
		{root, "t20.", dns.TypeA, dns.RcodeNameError, 0, 0},
		{root, "missing.", dns.TypeA, dns.RcodeNameError, 0, 0},
		{tld, "WWW.z000007.T07.", dns.TypeA, dns.RcodeSuccess, 0, 1},
		{tld, "z000007.t08.", dns.TypeA, dns.RcodeNameError, 0, 0}, // lies in t07
		{tld, "z000100.t00.", dns.TypeA, dns.RcodeNameError, 0, 0},
		{tld, "www.z000007.com.", dns.TypeA, dns.RcodeRefused, 0, 0},
		{tld, "t07.", dns.TypeSOA, dns.RcodeSuccess, 1, 0},
		{leaf, "www.z000007.t07.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{leaf, "ns.z000007.t07.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{leaf, "www.z000007.t07.", dns.TypeAAAA, dns.RcodeSuccess, 0, 0},
		{leaf, "no.z000007.t07.", dns.TypeA, dns.RcodeNameError, 0, 0},
	} {
		reply := ask(t, w, test.at, test.name, test.kind)
		glue := 0
		for _, record := range reply.Extra {
			if record.Header().Rrtype == dns.TypeA {
				glue++
			}
		}
		if reply.Rcode != test.rcode || len(reply.Answer) != test.answers || glue != test.glue {
			t.Errorf("%+v: got\n%s", test, reply)
		}
	}
}

// Every signature holds, and the chain of digests goes from the anchor to the name.
func TestSignedWorld(t *testing.T) {
	w, err := newWorld(40, true)
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := w.anchors()
	if err != nil || len(anchors) != 1 {
		t.Fatalf("anchors %v, %v", anchors, err)
	}
	anchor, err := dns.NewRR(anchors[0])
	if err != nil {
		t.Fatal(err)
	}
	digest := anchor.(*dns.DS)
	for at, zone := range []string{".", "t07.", "z000027.t07."} {
		key := ask(t, w, level(at), zone, dns.TypeDNSKEY).Answer[0].(*dns.DNSKEY)
		if made := key.ToDS(dns.SHA256); made.Digest != strings.ToLower(digest.Digest) {
			t.Fatalf("%s: the key's digest is %s, the parent's %s", zone, made.Digest, digest.Digest)
		}
		for _, question := range []struct {
			name string
			kind uint16
		}{
			{zone, dns.TypeDNSKEY}, {zone, dns.TypeSOA}, {"www.z000027.t07.", dns.TypeA},
			{zone, dns.TypeMX}, {"missing." + strings.TrimPrefix(zone, "."), dns.TypeA},
		} {
			reply := ask(t, w, level(at), question.name, question.kind)
			verify(t, key, reply.Answer)
			for _, record := range verify(t, key, reply.Ns) {
				if found, ok := record.(*dns.DS); ok {
					digest = found
				}
			}
		}
	}
}

// verify checks the signatures of a section and gives what they cover. Only NS and
// glue of a delegation may be without.
func verify(t *testing.T, key *dns.DNSKEY, section []dns.RR) []dns.RR {
	t.Helper()
	type set struct {
		name string
		kind uint16
	}
	sets := map[set][]dns.RR{}
	var covered []dns.RR
	for _, record := range section {
		at := set{record.Header().Name, record.Header().Rrtype}
		sets[at] = append(sets[at], record)
	}
	for at, records := range sets {
		if at.kind != dns.TypeRRSIG {
			continue
		}
		for _, record := range records {
			signature := record.(*dns.RRSIG)
			signed := sets[set{at.name, signature.TypeCovered}]
			if err := signature.Verify(key, signed); err != nil {
				t.Errorf("%s %s: %v", at.name, dns.Type(signature.TypeCovered), err)
			}
			covered = append(covered, signed...)
			delete(sets, set{at.name, signature.TypeCovered})
		}
		delete(sets, at)
	}
	for at := range sets {
		if at.kind != dns.TypeNS {
			t.Errorf("%s %s has no signature", at.name, dns.Type(at.kind))
		}
	}
	return covered
}

func TestKeysDiffer(t *testing.T) {
	s := newSigner()
	one, err := s.key("a.")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := s.key("b.")
	again, _ := s.key("a.")
	if one != again || one.private.(*ecdsa.PrivateKey).Equal(other.private) {
		t.Error("a zone has one key, and another zone another")
	}
}

func TestTable(t *testing.T) {
	ours := result{"recourse", []sample{{cpu: 0.3, queries: 3}, {cpu: 0.1, queries: 3}, {cpu: 0.2, queries: 3.02}}}
	theirs := result{"unbound", []sample{{cpu: 0.4, queries: 3}}}
	var out strings.Builder
	if !printTable(&out, "validated", limits["validated"], []result{ours, theirs}) {
		t.Errorf("three queries are too many:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "0.50") {
		t.Errorf("the table lacks our share of Unbound's time:\n%s", out.String())
	}
	for _, bad := range []sample{{cpu: 0.1, queries: 3.2}, {cpu: 0.1, queries: 3, wrong: 1}} {
		if printTable(&out, "validated", limits["validated"], []result{{"recourse", []sample{bad}}}) {
			t.Errorf("%+v is good", bad)
		}
	}
}

func TestTypeOf(t *testing.T) {
	packet, err := new(dns.Msg).SetQuestion("www.example.", dns.TypeAAAA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	if got := typeOf(packet); got != int(dns.TypeAAAA) {
		t.Errorf("type %d", got)
	}
	for cut := range packet {
		typeOf(packet[:cut]) // must not panic
	}
}
