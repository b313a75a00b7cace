package dnssec_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestBuiltinAnchors(t *testing.T) {
	published := []string{
		". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
		". IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=",
	}
	anchors := dnssec.BuiltinAnchors()
	if len(anchors) != len(published) {
		t.Fatalf("%d anchors, want %d", len(anchors), len(published))
	}
	for i, text := range published {
		ds := record(t, text).(*dns.DNSKEY).ToDS(dns.SHA256)
		got := anchors[i].(*dns.DS)
		if got.KeyTag != ds.KeyTag || !strings.EqualFold(got.Digest, ds.Digest) {
			t.Errorf("anchor %v does not stand for %v", got, ds)
		}
	}
}

func TestAnchorsRefused(t *testing.T) {
	notZone := newKey(t, "example.", dns.ED25519).record
	notZone.Flags = 1
	_, err := dnssec.New(dnssec.Config{Anchors: []dns.RR{
		record(t, "example. IN A 192.0.2.1"), dnssec.BuiltinAnchors()[0], notZone, nil,
	}}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("bad anchors taken")
	}
	for _, part := range []string{"trust anchor 1", "trust anchor 3", "trust anchor 4"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
	if strings.Contains(err.Error(), "trust anchor 2") {
		t.Errorf("error %q names a good anchor", err)
	}
	if _, err := dnssec.New(dnssec.Config{Zones: -1}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a negative size taken")
	}
}

func TestAnchorsElsewhere(t *testing.T) {
	w := example(t)
	island := signed(t, "island.plain.test.", "www 60 IN A 192.0.2.1")
	w.zones = append(w.zones, island)
	w.validators(dnssec.Config{Anchors: []dns.RR{island.keys[0].record.ToDS(dns.SHA384)}}, func(ask func(string, uint16, outcome)) {
		ask("www.island.plain.test.", dns.TypeA, isSecure)
		ask("no.island.plain.test.", dns.TypeA, noName)
		ask("www.example.test.", dns.TypeA, isInsecure)
		ask("island.plain.test.", dns.TypeDS, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError})
		if slices.Contains(w.questions(), "test. DS") {
			t.Errorf("asked %v above every anchor", w.questions())
		}
	})
	// An insecure zone above cannot sign for the island, nor take it back.
	plain := w.zone("plain.test.")
	plain.keys = []signingKey{newKey(t, "plain.test.", dns.ED25519)}
	w.edit("www.island.plain.test. A", func(m *dns.Msg) {
		m.Answer = plain.sign([]dns.RR{record(t, "www.island.plain.test. 60 IN A 192.0.2.66")})
	})
	both := []dns.RR{island.keys[0].record, w.zone(".").keys[0].record}
	w.validators(dnssec.Config{Anchors: both}, func(ask func(string, uint16, outcome)) {
		ask("www.island.plain.test.", dns.TypeA, fails(resolver.Bogus))
		ask("www.example.test.", dns.TypeA, isSecure)
	})
}

// validators gives a way to ask one validator several things.
func (w *world) validators(config dnssec.Config, run func(ask func(string, uint16, outcome))) {
	w.t.Helper()
	stage := w.validator(config).Stage(w)
	run(func(name string, kind uint16, want outcome) {
		w.t.Helper()
		answer, err := stage.Resolve(w.t.Context(), question(name, kind))
		compare(w.t.(*testing.T), name, answer, err, want)
	})
}

func TestAnchorThatDoesNotHold(t *testing.T) {
	w := example(t)
	var log bytes.Buffer
	v, err := dnssec.New(dnssec.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := v.Stage(w).Resolve(t.Context(), question("www.example.test.", dns.TypeA))
	compare(t, "www", answer, err, fails(resolver.KeyMissing))
	if !strings.Contains(log.String(), "trust anchor") || strings.Contains(log.String(), "example") {
		t.Errorf("log %q: want the anchor named and no query", log.String())
	}
}

func TestModes(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", strip(dns.TypeRRSIG))
	w.validators(dnssec.Config{Mode: dnssec.Process}, func(ask func(string, uint16, outcome)) {
		ask("many.example.test.", dns.TypeA, isSecure)
		ask("www.plain.test.", dns.TypeA, isInsecure)
		ask("www.example.test.", dns.TypeA, outcome{security: resolver.Insecure, extended: []uint16{resolver.SignaturesMissing}})
	})
	w.validators(dnssec.Config{NoAnchors: true}, func(ask func(string, uint16, outcome)) {
		before := len(w.questions())
		ask("many.example.test.", dns.TypeA, isInsecure)
		ask("no.example.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError})
		if after := len(w.questions()); after != before+2 {
			t.Errorf("%d lookups without an anchor", after-before-2)
		}
	})
	w.validators(dnssec.Config{Mode: dnssec.Off}, func(ask func(string, uint16, outcome)) {
		ask("www.example.test.", dns.TypeA, outcome{security: resolver.Unchecked})
	})
	late := dnssec.Config{Now: func() time.Time { return noon.Add(100 * time.Hour) }}
	w.validators(late, func(ask func(string, uint16, outcome)) {
		ask("many.example.test.", dns.TypeA, fails(resolver.SignatureExpired))
	})
}

// TestInsecureIsland is a zone that signs itself and has no DS.
func TestInsecureIsland(t *testing.T) {
	lone := signed(t, "lone.test.", "www 60 IN A 192.0.2.1")
	lone.noDS = true
	w := newWorld(t, signed(t, ".", ""), signed(t, "test.", ""), lone, signed(t, "deep.lone.test.", "www 60 IN A 192.0.2.2"))
	for _, forward := range []bool{false, true} {
		w.forward = forward
		check(t, w, "www.lone.test.", dns.TypeA, isInsecure)
		check(t, w, "no.lone.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError})
		check(t, w, "www.deep.lone.test.", dns.TypeA, isInsecure)
	}
}

func TestLongSubstitution(t *testing.T) {
	w := example(t)
	z := w.zone("example.test.")
	long := strings.Repeat(strings.Repeat("x", 60)+".", 3)
	z.records = append(z.records, record(t, "big.example.test. 60 IN DNAME "+long+"example.test."))
	name := strings.Repeat("y", 60) + ".big.example.test."
	w.edit(name+" A", func(m *dns.Msg) {
		m.Answer, m.Ns, m.Rcode = z.sign(z.set("big.example.test.", dns.TypeDNAME)), nil, dns.RcodeYXDomain
	})
	check(t, w, name, dns.TypeA, outcome{security: resolver.Secure, rcode: dns.RcodeYXDomain})
}

// TestMissingCNAME: a server may leave out the CNAME that its DNAME makes.
func TestMissingCNAME(t *testing.T) {
	w := example(t)
	w.edit("host.old.example.test. A", strip(dns.TypeCNAME))
	answer := check(t, w, "host.old.example.test.", dns.TypeA, isSecure)
	kinds := make([]uint16, 0, 5)
	for _, rr := range answer.Message().Answer {
		kinds = append(kinds, rr.Header().Rrtype)
	}
	if want := []uint16{dns.TypeDNAME, dns.TypeRRSIG, dns.TypeCNAME, dns.TypeA, dns.TypeRRSIG}; !slices.Equal(kinds, want) {
		t.Errorf("types %v, want %v", kinds, want)
	}
}

func TestCompactDenial(t *testing.T) {
	w := example(t)
	z := w.zone("example.test.")
	own := &dns.NSEC{
		Hdr:        dns.RR_Header{Name: "no.example.test.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
		NextDomain: `\000.no.example.test.`, TypeBitMap: []uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNXNAME},
	}
	soa := z.sign(z.set(z.name, dns.TypeSOA))
	w.edit("no.example.test. A", func(m *dns.Msg) { m.Ns = append(z.sign([]dns.RR{own}), soa...) })
	check(t, w, "no.example.test.", dns.TypeA, noName)
	w.edit("no.example.test. A", func(m *dns.Msg) {
		m.Rcode, m.Ns = dns.RcodeSuccess, append(z.sign([]dns.RR{own}), soa...)
	})
	check(t, w, "no.example.test.", dns.TypeA, isSecure)
}

// TestMemory: keys are fetched once, unless the query wants everything fresh.
func TestMemory(t *testing.T) {
	w := example(t)
	stage := w.validator(dnssec.Config{}).Stage(w)
	ask := func(name string, fresh bool, at time.Time) int {
		t.Helper()
		before := len(w.questions())
		query := question(name, dns.TypeA)
		query.Fresh, query.Now = fresh, at
		if answer, err := stage.Resolve(t.Context(), query); err != nil || answer.Security != resolver.Secure {
			t.Fatalf("%s: %v, %v", name, answer, err)
		}
		return len(w.questions()) - before
	}
	const all = 1 + 5 // the question; DNSKEY of the root; DS and DNSKEY of test. and example.test.
	steps := []struct {
		fresh bool
		at    time.Duration
		want  int
	}{{false, 0, all}, {false, 0, 1}, {true, 0, all}, {false, 59 * time.Minute, 1}, {false, 61 * time.Minute, all}}
	for i, step := range steps {
		if got := ask("www.example.test.", step.fresh, noon.Add(step.at)); got != step.want {
			t.Errorf("step %d: %d questions, want %d: %v", i, got, step.want, w.questions())
		}
	}
}

// TestBogusMemory: what is bogus is proved anew, but not at once.
func TestBogusMemory(t *testing.T) {
	w := example(t)
	w.edit("example.test. DNSKEY", strip(dns.TypeRRSIG))
	stage := w.validator(dnssec.Config{}).Stage(w)
	at := func(after time.Duration, want outcome) {
		t.Helper()
		query := question("www.example.test.", dns.TypeA)
		query.Now = noon.Add(after)
		answer, err := stage.Resolve(t.Context(), query)
		compare(t, "www", answer, err, want)
	}
	at(0, fails(resolver.SignaturesMissing))
	w.edit("example.test. DNSKEY", func(*dns.Msg) {})
	before := len(w.questions())
	at(4*time.Second, fails(resolver.SignaturesMissing))
	if asked := len(w.questions()) - before; asked != 1 {
		t.Errorf("%d questions for what is known to be bogus", asked)
	}
	at(6*time.Second, isSecure)
}

// TestHints: a hint that lies costs lookups and changes nothing.
func TestHints(t *testing.T) {
	below := unsigned(t, "island.ent.example.test.", "www 60 IN A 192.0.2.1")
	w := newWorld(t, signed(t, ".", ""), signed(t, "test.", ""), signed(t, "example.test.", exampleText), unsigned(t, "plain.test.", "www 600 IN A 192.0.2.9"), below)
	w.edit("www.example.test. A", strip(dns.TypeRRSIG))
	for _, hint := range []string{"", ".", "ent.example.test.", "test.", "plain.test.", "www.plain.test.", "www.example.test.", "example.test.", "elsewhere."} {
		next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if sub := query.Question.Type; (sub == dns.TypeDS || sub == dns.TypeDNSKEY) && !query.CheckingDisabled() {
				t.Errorf("%s asked without CD", query.Question.Name)
			}
			answer, err := w.Resolve(ctx, query)
			if answer.Zone = ""; hint != "" {
				answer.Zone = wire.MustName(hint)
			}
			return answer, err
		})
		stage := w.validator(dnssec.Config{}).Stage(next)
		answer, err := stage.Resolve(t.Context(), question("www.plain.test.", dns.TypeA))
		compare(t, "hint "+hint, answer, err, isInsecure)
		answer, err = stage.Resolve(t.Context(), question("www.island.ent.example.test.", dns.TypeA))
		compare(t, "hint "+hint, answer, err, isInsecure)
		answer, err = stage.Resolve(t.Context(), question("www.example.test.", dns.TypeA))
		compare(t, "hint "+hint, answer, err, fails(resolver.SignaturesMissing))
	}
}

// TestErrorReply: a reply that is an error carries no records past the validator.
func TestErrorReply(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", func(m *dns.Msg) { m.Rcode = dns.RcodeRefused })
	answer := check(t, w, "www.example.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeRefused})
	if message := answer.Message(); len(message.Answer)+len(message.Ns) != 0 {
		t.Errorf("records left in\n%v", message)
	}
}

// TestErrorsFromBelow pass through unchanged and are not remembered.
func TestErrorsFromBelow(t *testing.T) {
	w := example(t)
	broken := resolver.Fail(resolver.NetworkError, "no server answers")
	var down atomic.Bool
	down.Store(true)
	next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if down.Load() && query.Question.Type == dns.TypeDNSKEY {
			return nil, broken
		}
		return w.Resolve(ctx, query)
	})
	stage := w.validator(dnssec.Config{}).Stage(next)
	if _, err := stage.Resolve(t.Context(), question("www.example.test.", dns.TypeA)); !errors.Is(err, broken) {
		t.Fatalf("error %v, want that from below", err)
	}
	down.Store(false)
	answer, err := stage.Resolve(t.Context(), question("www.example.test.", dns.TypeA))
	compare(t, "www", answer, err, isSecure)

	w.edit("example.test. DS", func(m *dns.Msg) { m.Rcode = dns.RcodeRefused })
	check(t, w, "www.example.test.", dns.TypeA, fails(resolver.Bogus))
	w = example(t)
	w.edit("example.test. DNSKEY", func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })
	check(t, w, "www.example.test.", dns.TypeA, fails(resolver.KeyMissing))
}

// spent counts the signatures that a query has cost.
func spent(query *resolver.Query) int {
	left := 0
	for query.Work.Signature(1) {
		left++
	}
	return resolver.MaxSignatures - left
}

// TestKeyTrap is CVE-2023-50387: many keys of one tag and many signatures. Five proofs
// lead to the zone's keys; the set itself may cost four signatures with two keys each,
// and what does not hold counts four times. It is asked for once more, with the zone's
// DS and keys, two more proofs; with two keys that ends where nothing is left.
func TestKeyTrap(t *testing.T) {
	for more, want := range map[int]int{0: 5 + 4*4 + 2 + 4*4, 20: resolver.MaxSignatures} {
		if got := trapped(t, more); got != want {
			t.Errorf("%d more keys of the tag: %d of the budget for signatures spent, want %d", more, got, want)
		}
	}
}

// TestUnreadableKeysArePaidFor is CVE-2025-8677: keys of the tag that are none. One is
// tried beside the true key, for each of four signatures, twice.
func TestUnreadableKeysArePaidFor(t *testing.T) {
	want := 5 + 4*(4+1) + 2 + 4*(4+1)
	if got := trappedBy(t, func(z *zone) {
		for i := range 10 {
			record := *z.keys[0].record
			octets, _ := base64.StdEncoding.DecodeString(record.PublicKey)
			record.PublicKey = base64.StdEncoding.EncodeToString(append(octets, make([]byte, 2*i+2)...)) // zeros leave the tag alone
			z.keys = append(z.keys, signingKey{record: &record, private: z.keys[0].private})
		}
	}); got != want {
		t.Errorf("%d of the budget for signatures spent, want %d", got, want)
	}
}

func trapped(t *testing.T, more int) int {
	return trappedBy(t, func(z *zone) {
		for i := range more {
			z.keys = append(z.keys, colliding(t, z.keys[0], i))
		}
	})
}

// trappedBy asks for a name with forty bad signatures, in a zone with further keys.
func trappedBy(t *testing.T, further func(z *zone)) int {
	w := example(t)
	further(w.zone("example.test."))
	w.edit("www.example.test. A", func(m *dns.Msg) {
		sig := m.Answer[1].(*dns.RRSIG)
		m.Answer = m.Answer[:1]
		for i := range 40 {
			bad := dns.Copy(sig).(*dns.RRSIG)
			octets, _ := base64.StdEncoding.DecodeString(bad.Signature)
			octets[5] ^= byte(i + 1)
			bad.Signature = base64.StdEncoding.EncodeToString(octets)
			m.Answer = append(m.Answer, bad)
		}
	})
	query := question("www.example.test.", dns.TypeA)
	answer, err := w.validator(dnssec.Config{}).Stage(w).Resolve(t.Context(), query)
	compare(t, "www", answer, err, fails(resolver.Bogus))
	return spent(query)
}

// TestSlowSignaturesCostMore: a good proof with a slow key takes two of the budget;
// the zone's keys and the answer need one each.
func TestSlowSignaturesCostMore(t *testing.T) {
	for algorithm, each := range map[uint8]int{dns.ECDSAP256SHA256: 1, dns.RSASHA256: 1, dns.ED25519: 1, dns.ECDSAP384SHA384: 2, dns.ED448: 2} {
		root, child := signed(t, ".", ""), signed(t, "test.", "www IN A 192.0.2.1")
		child.keys = []signingKey{newKey(t, "test.", algorithm)}
		if got := spentOn(t, root, child); got != 2+2*each { // keys and DS by the root
			t.Errorf("%s: %d spent, want %d", dns.AlgorithmToString[algorithm], got, 2+2*each)
		}
	}
	root, child := signed(t, ".", ""), signed(t, "test.", "www IN A 192.0.2.1")
	large := newKey(t, "test.", dns.RSASHA256)
	private, err := large.record.Generate(2304)
	if err != nil {
		t.Fatal(err)
	}
	child.keys = []signingKey{{record: large.record, private: private.(crypto.Signer)}}
	if got := spentOn(t, root, child); got != 2+2*2 {
		t.Errorf("RSA of 2304 bits: %d spent, want 6", got)
	}
}

func spentOn(t *testing.T, zones ...*zone) int {
	w := newWorld(t, zones...)
	query := question("www.test.", dns.TypeA)
	answer, err := w.validator(dnssec.Config{}).Stage(w).Resolve(t.Context(), query)
	compare(t, "www", answer, err, isSecure)
	return spent(query)
}

// TestManyKeys: no more than twenty-four keys of a zone are read.
func TestManyKeys(t *testing.T) {
	for before, want := range map[int]outcome{23: isSecure, 24: fails(resolver.KeyMissing)} {
		w := example(t)
		z := w.zone("example.test.")
		var set []dns.RR
		for range before {
			set = append(set, newKey(t, "example.test.", dns.ED25519).record)
		}
		set = append(set, z.keys[0].record)
		w.edit("example.test. DNSKEY", func(m *dns.Msg) { m.Answer = append(set[:before+1:before+1], z.signature(z.keys[0], set)) })
		check(t, w, "www.example.test.", dns.TypeA, want)
	}
}

// TestCollidingDS: no more than two keys of one tag are held against a digest.
func TestCollidingDS(t *testing.T) {
	for place, want := range []outcome{isSecure, isSecure, fails(resolver.KeyMissing)} {
		w := example(t)
		z := w.zone("example.test.")
		key := z.keys[0]
		var set []dns.RR
		for i := range place {
			set = append(set, colliding(t, key, i).record)
		}
		set = append(set, key.record)
		w.edit("example.test. DNSKEY", func(m *dns.Msg) { m.Answer = append(set[:place+1:place+1], z.signature(key, set)) })
		check(t, w, "www.example.test.", dns.TypeA, want)
	}
}

// colliding makes another key of the same tag: the tag is a sum of 16-bit words,
// which does not mind their order.
func colliding(t testing.TB, key signingKey, shift int) signingKey {
	octets, err := base64.StdEncoding.DecodeString(key.record.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	words := len(octets) / 2
	at, other := shift%words, (shift/words+shift+1)%words
	octets[2*at], octets[2*other] = octets[2*other], octets[2*at]
	octets[2*at+1], octets[2*other+1] = octets[2*other+1], octets[2*at+1]
	copied := *key.record
	copied.PublicKey = base64.StdEncoding.EncodeToString(octets)
	if copied.KeyTag() != key.record.KeyTag() {
		t.Fatalf("tag %d, want %d", copied.KeyTag(), key.record.KeyTag())
	}
	return signingKey{record: &copied, private: key.private}
}

// TestBudget: a client that has nothing left to spend spoils nothing for others.
func TestBudget(t *testing.T) {
	for _, w := range []*world{example(t), hashedExample(t)} {
		stage := w.validator(dnssec.Config{}).Stage(w)
		poor := question("no.example.test.", dns.TypeA)
		poor.Work.Hash(resolver.MaxHashes)
		for range resolver.MaxSignatures - 6 {
			poor.Work.Signature(1)
		}
		answer, err := stage.Resolve(t.Context(), poor)
		compare(t, "no", answer, err, fails(resolver.Bogus))
		spentAll := question("no.example.test.", dns.TypeA)
		spentAll.Work = poor.Work
		answer, err = stage.Resolve(t.Context(), spentAll)
		compare(t, "no", answer, err, fails(resolver.Bogus))
		answer, err = stage.Resolve(t.Context(), question("no.example.test.", dns.TypeA))
		compare(t, "no", answer, err, noName)
	}
}

// TestLookups bounds the walk to a name of many labels in forward mode.
func TestLookups(t *testing.T) {
	w := example(t)
	w.forward = true
	name := strings.Repeat("a.", 100) + "example.test."
	z := w.zone("example.test.")
	z.records = append(z.records, record(t, name+" 60 IN A 192.0.2.1"))
	w.edit(name+" A", strip(dns.TypeRRSIG))
	check(t, w, name, dns.TypeA, fails(resolver.Indeterminate))
	if asked := len(w.questions()); asked > 70 {
		t.Errorf("%d questions", asked)
	}
}

// TestFlight: queries that need the same keys share one fetch, and a leader whose
// client has gone takes nobody along.
func TestFlight(t *testing.T) {
	w := example(t)
	synctest.Test(t, func(t *testing.T) {
		slow := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if query.Question.Type == dns.TypeDNSKEY {
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			return w.Resolve(ctx, query)
		})
		stage := w.validator(dnssec.Config{}).Stage(slow)
		gone, leave := context.WithCancel(t.Context())
		ask := func(ctx context.Context) chan error {
			done := make(chan error, 1)
			go func() {
				answer, err := stage.Resolve(ctx, question("www.example.test.", dns.TypeA))
				if err == nil && answer.Security != resolver.Secure {
					err = errors.New("not secure")
				}
				done <- err
			}()
			return done
		}
		leader := ask(gone)
		synctest.Wait()
		followers := []chan error{ask(t.Context()), ask(t.Context())}
		synctest.Wait()
		leave()
		if err := <-leader; !errors.Is(err, context.Canceled) {
			t.Errorf("leader: %v", err)
		}
		for _, follower := range followers {
			if err := <-follower; err != nil {
				t.Errorf("follower: %v", err)
			}
		}
	})
	keys := 0
	for _, question := range w.questions() {
		if question == "example.test. DNSKEY" {
			keys++
		}
	}
	if keys != 1 {
		t.Errorf("keys of example.test. fetched %d times, want once", keys)
	}
}
