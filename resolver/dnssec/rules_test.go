package dnssec_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestWildcardDNAME(t *testing.T) {
	w := newWorld(t, signed(t, ".", ""), signed(t, "example.", "*.wild 60 IN DNAME other.example.\nhost.other 60 IN A 192.0.2.1"))
	z := w.zone("example.")
	w.edit("host.a.wild.example. A", func(m *dns.Msg) {
		m.Rcode = dns.RcodeSuccess
		m.Answer = z.expand(z.sign(z.set("*.wild.example.", dns.TypeDNAME)), "a.wild.example.")
		m.Answer = append(m.Answer, z.sign(z.set("host.other.example.", dns.TypeA))...)
		m.Ns = z.pick(z.chain(), covering("a.wild.example."))
	})
	check(t, w, "host.a.wild.example.", dns.TypeA, fails(resolver.Bogus))
}

// TestReferralAtHand: a denial that came with the answer proves the delegation, and
// nobody is asked for a DS record that the zone's servers may not know.
func TestReferralAtHand(t *testing.T) {
	for _, w := range []*world{example(t), hashedExample(t)} {
		w.zone("test.").optOut = false
		w.edit("www.plain.test. A", func(m *dns.Msg) { m.Ns = w.zone("test.").denial("plain.test.", "plain.test.", "plain.test.") })
		w.edit("plain.test. DS", func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })
		w.forward = true
		check(t, w, "www.plain.test.", dns.TypeA, isInsecure)
		// A record without NS, or with DS, proves nothing of the kind.
		w.edit("www.plain.test. A", func(m *dns.Msg) { m.Ns = w.zone("test.").denial("example.test.", "example.test.", "example.test.") })
		check(t, w, "www.plain.test.", dns.TypeA, fails(resolver.Bogus))
	}
}

// TestAny: a server may keep what it has to itself (RFC 8482).
func TestAny(t *testing.T) {
	for _, w := range []*world{example(t), hashedExample(t)} {
		w.zone("test.").optOut = false
		z := w.zone("example.test.")
		w.edit("www.example.test. ANY", func(m *dns.Msg) {
			m.Answer, m.Ns = z.sign(z.set("www.example.test.", dns.TypeA)), nil
		})
		check(t, w, "www.example.test.", dns.TypeANY, isSecure)
		check(t, w, "ent.example.test.", dns.TypeANY, isSecure)
		check(t, w, "no.example.test.", dns.TypeANY, noName)
		silent := func(name string) {
			w.edit(name+" ANY", func(m *dns.Msg) {
				m.Rcode, m.Answer = dns.RcodeSuccess, nil
				m.Ns = append(z.sign(z.set(z.name, dns.TypeSOA)), z.denial(name, name, name)...)
			})
		}
		silent("www.example.test.")
		check(t, w, "www.example.test.", dns.TypeANY, isInsecure)
		w.edit("many.example.test. ANY", func(m *dns.Msg) {
			m.Answer, m.Ns = nil, z.denial("www.example.test.", "www.example.test.", "www.example.test.")
		})
		check(t, w, "many.example.test.", dns.TypeANY, fails(resolver.DenialMissing))
	}
}

// TestBackwards: a signature that ends before it begins never was valid.
func TestBackwards(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", func(m *dns.Msg) {
		old := *w.zone("example.test.")
		old.inception, old.expires = noon.Add(time.Hour), noon.Add(-time.Hour)
		m.Answer = old.sign(old.set("www.example.test.", dns.TypeA))
	})
	check(t, w, "www.example.test.", dns.TypeA, fails(25))
}

func TestNXNAME(t *testing.T) {
	w := example(t)
	answer := check(t, w, "www.example.test.", dns.TypeNXNAME, outcome{security: resolver.Insecure, rcode: dns.RcodeFormatError, extended: []uint16{30}})
	if len(w.questions()) != 0 || answer.TTL != 0 {
		t.Errorf("asked %v, kept %v", w.questions(), answer.TTL)
	}
}

func TestNegativeAnchors(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", strip(dns.TypeRRSIG))
	w.edit("example.test. DNSKEY", strip(dns.TypeRRSIG))
	negative := func(zone string, until time.Time) dnssec.Config {
		return dnssec.Config{Negative: []dnssec.NegativeAnchor{{Zone: wire.MustName(zone), Until: until}}}
	}
	off := outcome{security: resolver.Insecure, extended: []uint16{33}}
	for _, test := range []struct {
		config dnssec.Config
		want   outcome
	}{
		{negative("example.test.", time.Time{}), off},
		{negative("test.", time.Time{}), off},
		{negative(".", noon.Add(time.Second)), off},
		{negative("www.example.test.", noon.Add(time.Hour)), off},
		{negative("example.test.", noon), fails(resolver.SignaturesMissing)}, // over
		{negative("plain.test.", time.Time{}), fails(resolver.SignaturesMissing)},
	} {
		w.validators(test.config, func(ask func(string, uint16, outcome)) { ask("www.example.test.", dns.TypeA, test.want) })
	}
	// An anchor below takes up again (RFC 7646, section 2).
	below := negative("test.", time.Time{})
	below.Anchors = []dns.RR{w.zone(".").keys[0].record, w.zone("example.test.").keys[0].record}
	w.validators(below, func(ask func(string, uint16, outcome)) {
		ask("www.example.test.", dns.TypeA, fails(resolver.SignaturesMissing))
		ask("www.plain.test.", dns.TypeA, off)
	})
	// What was let through ends with the anchor, and so does the standing.
	stage := w.validator(negative("example.test.", noon.Add(90*time.Second))).Stage(w)
	answer, err := stage.Resolve(t.Context(), question("www.example.test.", dns.TypeA))
	compare(t, "www", answer, err, off)
	if answer.TTL != 90*time.Second || !strings.Contains(answer.Extended[0].Text, "example.test") {
		t.Errorf("TTL %v, text %q", answer.TTL, answer.Extended[0].Text)
	}
	later := question("www.example.test.", dns.TypeA)
	later.Now = noon.Add(91 * time.Second)
	answer, err = stage.Resolve(t.Context(), later)
	compare(t, "www", answer, err, fails(resolver.SignaturesMissing))
}

func TestSentinel(t *testing.T) {
	w := newWorld(t, signed(t, ".", ""), signed(t, "example.", "* 60 IN A 192.0.2.1\n* 60 IN TXT x"), unsigned(t, "plain.", "* 60 IN A 192.0.2.1"))
	tag := w.zone(".").keys[0].record.KeyTag()
	trusted, other := five(tag), five(tag^1)
	const withheld = "withheld"
	for _, test := range []struct {
		name string
		kind uint16
		want string
	}{
		{"root-key-sentinel-is-ta-" + trusted + ".example.", dns.TypeA, ""},
		{"root-key-sentinel-is-ta-" + other + ".example.", dns.TypeA, withheld},
		{"root-key-sentinel-not-ta-" + trusted + ".example.", dns.TypeA, withheld},
		{"root-key-sentinel-not-ta-" + other + ".example.", dns.TypeA, ""},
		{"ROOT-key-sentinel-not-ta-" + trusted + ".example.", dns.TypeA, withheld},
		{"root-key-sentinel-not-ta-" + trusted + ".example.", dns.TypeTXT, ""},
		{"root-key-sentinel-not-ta-" + trusted + ".plain.", dns.TypeA, ""}, // not secure
		{"root-key-sentinel-not-ta-0" + trusted + ".example.", dns.TypeA, ""},
		{"root-key-sentinel-not-ta-" + trusted[1:] + ".example.", dns.TypeA, ""},
		{"root-key-sentinel-is-ta-99999.example.", dns.TypeA, ""}, // no tag
		{"a.root-key-sentinel-not-ta-" + trusted + ".example.", dns.TypeA, ""},
	} {
		_, err := w.resolve(test.name, test.kind)
		var failure *resolver.Failure
		if got := map[bool]string{true: withheld}[errors.As(err, &failure)]; got != test.want {
			t.Errorf("%s %s: %v, want %q", test.name, dns.Type(test.kind), err, test.want)
		}
	}
}

func five(tag uint16) string {
	digits := "0000" + strings.TrimSpace(record5(tag))
	return digits[len(digits)-5:]
}

func record5(tag uint16) string {
	text := []byte{}
	for ; tag > 0; tag /= 10 {
		text = append([]byte{byte('0' + tag%10)}, text...)
	}
	return string(text)
}

// TestUnknownAnchor: an anchor for an algorithm to come is no reason not to start.
func TestUnknownAnchor(t *testing.T) {
	w := example(t)
	unknown := record(t, "example.test. IN DS 1 17 2 "+strings.Repeat("00", 32))
	var log bytes.Buffer
	v, err := dnssec.New(dnssec.Config{Anchors: []dns.RR{w.zone(".").keys[0].record, unknown}}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "zone=example.test") {
		t.Errorf("log %q names no zone", log.String())
	}
	answer, err := v.Stage(w).Resolve(t.Context(), question("www.example.test.", dns.TypeA))
	compare(t, "www", answer, err, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}})
	answer, err = v.Stage(w).Resolve(t.Context(), question("www.example.test.", dns.TypeDS))
	compare(t, "www", answer, err, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}})
}

func TestFlush(t *testing.T) {
	w := example(t)
	v := w.validator(dnssec.Config{})
	stage := v.Stage(w)
	fetched := func() int {
		answer, err := stage.Resolve(t.Context(), question("www.example.test.", dns.TypeA))
		compare(t, "www", answer, err, isSecure)
		return count(w.questions(), "example.test. DNSKEY")
	}
	if fetched(); fetched() != 1 {
		t.Fatal("the zone is not remembered")
	}
	if gone := v.Flush(wire.MustName("test."), false); gone != 1 || fetched() != 1 {
		t.Errorf("%d findings forgotten without the subtree, keys below fetched %d times", gone, fetched())
	}
	if gone := v.Flush(wire.MustName("test."), true); gone != 1 || fetched() != 2 {
		t.Errorf("%d findings forgotten with the subtree", gone)
	}
}
