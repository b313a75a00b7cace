package denials_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache/denials"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func nsec(owner, next string, seconds uint32, types ...uint16) *dns.NSEC {
	return &dns.NSEC{Hdr: header(name(owner), dns.TypeNSEC, seconds), NextDomain: name(next).FQDN(), TypeBitMap: append(types, dns.TypeRRSIG, dns.TypeNSEC)}
}

// learned is a store with one NXDOMAIN answer: names between a and m, and no wildcard.
func learned(config denials.Config, soa *dns.SOA, records ...dns.RR) *denials.Store {
	store := denials.New(config)
	if records == nil {
		records = []dns.RR{nsec("zone.test", "a.zone.test", ttl, dns.TypeSOA, dns.TypeNS), nsec("a.zone.test", "m.zone.test", ttl, dns.TypeA)}
	}
	store.Learn(secure(name("b.zone.test"), dns.RcodeNameError, append(signed(soa), signed(records...)...), time.Now()))
	return store
}

var spans = denials.Config{Spans: true}

func TestASynthesisedAnswerIsWhole(t *testing.T) {
	store := learned(spans, soaOf(name("zone.test"), 300, 300))
	answer := ask(store, name("c.zone.test"), dns.TypeMX)
	if answer == nil {
		t.Fatal("not answered")
	}
	message, err := answer.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	if message.Rcode != dns.RcodeNameError || message.Question[0].Name != "c.zone.test." || message.Question[0].Qtype != dns.TypeMX || len(message.Ns) != 6 {
		t.Errorf("the answer is %v", message)
	}
	if answer.Security != resolver.Secure || answer.Zone != name("zone.test") || len(answer.Extended) != 1 || answer.Extended[0].Code != 29 {
		t.Errorf("standing %v, zone %v, errors %v", answer.Security, answer.Zone, answer.Extended)
	}
}

// TestTTL is RFC 9077, section 3: the least of the record's, the SOA's and MINIMUM.
func TestTTL(t *testing.T) {
	for _, test := range []struct{ record, soa, minimum, want uint32 }{{300, 400, 500, 300}, {500, 300, 400, 300}, {500, 400, 300, 300}, {90000, 90000, 90000, 3600}} {
		synctest.Test(t, func(t *testing.T) {
			store := learned(spans, soaOf(name("zone.test"), test.soa, test.minimum),
				nsec("zone.test", "a.zone.test", test.record, dns.TypeSOA), nsec("a.zone.test", "m.zone.test", test.record, dns.TypeA))
			time.Sleep(10 * time.Second)
			answer := ask(store, name("c.zone.test"), dns.TypeA)
			if answer == nil || answer.TTL != time.Duration(test.want-10)*time.Second {
				t.Fatalf("%v: answered %v", test, answer)
			}
			if got := wire.TTL(answer.Plain.Wire[answer.Plain.TTLs[0]:]); got != test.want-10 {
				t.Errorf("%v: the SOA's TTL is %d", test, got)
			}
			time.Sleep(time.Duration(test.want-10) * time.Second)
			if ask(store, name("c.zone.test"), dns.TypeA) != nil {
				t.Errorf("%v: answered after its time", test)
			}
		})
	}
}

func TestAClockSetBackIsNotBelieved(t *testing.T) {
	store := learned(spans, soaOf(name("zone.test"), 300, 300))
	query := resolver.NewQuery(name("c.zone.test"), dns.TypeA, nil)
	query.Now = time.Now().Add(-time.Hour)
	if store.Answer(query) != nil {
		t.Error("answered an hour before it was learnt")
	}
}

func TestWhatIsNotLearnt(t *testing.T) {
	soa := soaOf(name("zone.test"), 300, 300)
	apex := nsec("zone.test", "a.zone.test", ttl, dns.TypeSOA, dns.TypeNS)
	from := func(records ...dns.RR) *denials.Store { return learned(spans, soa, append(records, apex)...) }
	wildcardMade := signed(nsec("a.zone.test", "m.zone.test", ttl))
	wildcardMade[1].(*dns.RRSIG).Labels = 2
	for what, store := range map[string]*denials.Store{
		"a next name outside the zone": from(nsec("a.zone.test", "m.other.test", ttl)),
		"a gap that runs backwards":    from(nsec("n.zone.test", "b.zone.test", ttl)),
		"a record made of a wildcard":  from(wildcardMade...),
		"a signer below the owner":     learned(spans, soa, signedBy(name("x.zone.test"), nsec("a.zone.test", "m.zone.test", ttl))...),
		"a minimal lie":                from(nsec("c.zone.test", `\000.c.zone.test`, ttl, dns.TypeNXNAME)),
		"a zone without SOA":           learnedWithoutSOA(),
		"a SOA that forbids it":        learned(spans, soaOf(name("zone.test"), 300, 0)),
		"no wish to know":              learned(denials.Config{}, soa),
	} {
		if answer := ask(store, name("c.zone.test"), dns.TypeA); answer != nil {
			t.Errorf("%s: answered %v", what, answer)
		}
	}
}

func learnedWithoutSOA() *denials.Store {
	store := denials.New(spans)
	store.Learn(secure(name("b.zone.test"), dns.RcodeNameError,
		signed(nsec("zone.test", "a.zone.test", ttl), nsec("a.zone.test", "m.zone.test", ttl)), time.Now()))
	return store
}

func TestOnlySecureAnswersTeach(t *testing.T) {
	for _, security := range []resolver.Security{resolver.Unchecked, resolver.Insecure} {
		store := denials.New(denials.Config{Spans: true, Below: true})
		question, answer := secure(name("b.zone.test"), dns.RcodeNameError,
			signed(soaOf(name("zone.test"), 300, 300), nsec("zone.test", "zone.test", ttl, dns.TypeSOA)), time.Now())
		answer.Security = security
		store.Learn(question, answer)
		if ask(store, name("c.zone.test"), dns.TypeA) != nil {
			t.Errorf("learnt from an answer of standing %d", security)
		}
	}
}

func TestWhatStandsApartIsNotDenied(t *testing.T) {
	config := denials.Config{Spans: true, Below: true, Apart: []wire.Name{name("corp.zone.test"), name("b.zone.test")}}
	store := learned(config, soaOf(name("zone.test"), 300, 300))
	for text, denied := range map[string]bool{"corp.zone.test": false, "www.corp.zone.test": false, "b.zone.test": false, "x.b.zone.test": false, "corpse.zone.test": true} {
		for _, kind := range []uint16{dns.TypeA, dns.TypeDS} {
			if got := ask(store, name(text), kind) != nil; got != denied {
				t.Errorf("%s %s: denied is %t", text, dns.Type(kind), got)
			}
		}
	}
}

func TestTypesThatSayNothing(t *testing.T) {
	store := learned(spans, soaOf(name("zone.test"), 300, 300))
	for _, kind := range []uint16{dns.TypeANY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeAXFR, 0} {
		if ask(store, name("c.zone.test"), kind) != nil {
			t.Errorf("type %d is answered", kind)
		}
	}
	query := resolver.NewQuery(name("c.zone.test"), dns.TypeA, nil)
	query.Question.Class = dns.ClassCHAOS
	if store.Answer(query) != nil {
		t.Error("another class is answered")
	}
}

// TestBelow: a name that is absent stands for what lies below it; a proof that ends
// inside its subtree does not reach that far.
func TestBelow(t *testing.T) {
	config := denials.Config{Below: true}
	store := learned(config, soaOf(name("zone.test"), 300, 300))
	if ask(store, name("x.y.b.zone.test"), dns.TypeTXT) == nil || ask(store, name("b.zone.test"), dns.TypeTXT) == nil {
		t.Error("below an absent name nothing is known")
	}
	if ask(store, name("c.zone.test"), dns.TypeA) != nil {
		t.Error("another name in the gap is denied, though that was not asked for")
	}
	store = learned(config, soaOf(name("zone.test"), 300, 300), nsec("b.zone.test", `\000.b.zone.test`, ttl, dns.TypeNXNAME))
	if ask(store, name("x.b.zone.test"), dns.TypeA) != nil {
		t.Error("a compact denial was used for a name that it does not cover")
	}
	aliased := denials.New(config)
	question, answer := secure(name("b.zone.test"), dns.RcodeNameError, signed(soaOf(name("zone.test"), 300, 300), nsec("zone.test", "zone.test", ttl, dns.TypeSOA)), time.Now())
	answer.Message().Answer = []dns.RR{&dns.CNAME{Hdr: header(name("b.zone.test"), dns.TypeCNAME, ttl), Target: "gone.zone.test."}}
	aliased.Learn(question, answer)
	if ask(aliased, name("x.b.zone.test"), dns.TypeA) != nil {
		t.Error("the owner of an alias to an absent name counts as absent")
	}
}

func TestHashingHasALimit(t *testing.T) {
	store := denials.New(spans)
	hash := func(n string) string { return dns.HashName(n, dns.SHA1, 40, "") }
	record := &dns.NSEC3{Hdr: header(name(hash("zone.test.")+".zone.test"), dns.TypeNSEC3, ttl), Hash: dns.SHA1, Iterations: 40, HashLength: 20,
		NextDomain: hash("zone.test."), TypeBitMap: []uint16{dns.TypeSOA}}
	store.Learn(secure(name("b.zone.test"), dns.RcodeNameError, signed(soaOf(name("zone.test"), 300, 300), record), time.Now()))
	if ask(store, name("c.zone.test"), dns.TypeA) == nil {
		t.Error("three hashes are too many")
	}
	if ask(store, name("d.c.b.a.zone.test"), dns.TypeA) != nil {
		t.Error("there is no limit")
	}
}

func TestANewSaltEndsTheOldChain(t *testing.T) {
	store := denials.New(spans)
	learn := func(salt string, optOut uint8) {
		hash := dns.HashName("zone.test.", dns.SHA1, 0, salt)
		record := &dns.NSEC3{Hdr: header(name(hash+".zone.test"), dns.TypeNSEC3, ttl), Hash: dns.SHA1, Flags: optOut, Salt: salt, SaltLength: uint8(len(salt) / 2), HashLength: 20,
			NextDomain: hash, TypeBitMap: []uint16{dns.TypeSOA}}
		store.Learn(secure(name("b.zone.test"), dns.RcodeNameError, signed(soaOf(name("zone.test"), 300, 300), record), time.Now()))
	}
	learn("AA", 0)
	if ask(store, name("c.zone.test"), dns.TypeA) == nil {
		t.Fatal("not answered")
	}
	learn("BB", 1)
	if ask(store, name("c.zone.test"), dns.TypeA) != nil {
		t.Error("answered from the old chain, or from a span of opt-out")
	}
	if ask(store, name("zone.test"), dns.TypeMX) == nil {
		t.Error("a record at the name is used whatever its span is")
	}
}

func TestNewerRecordsEndOlderOnes(t *testing.T) {
	store := learned(spans, soaOf(name("zone.test"), 300, 300))
	// A name has come into the gap, and another that stood there is gone.
	store.Learn(secure(name("b.zone.test"), dns.RcodeNameError, signed(soaOf(name("zone.test"), 300, 300), nsec("a.zone.test", "c.zone.test", ttl, dns.TypeA)), time.Now()))
	if ask(store, name("d.zone.test"), dns.TypeA) != nil || ask(store, name("b.zone.test"), dns.TypeA) == nil {
		t.Error("the old gap is still open")
	}
	store.Learn(secure(name("b.zone.test"), dns.RcodeNameError, signed(soaOf(name("zone.test"), 300, 300), nsec("zone.test", "z.zone.test", ttl, dns.TypeSOA)), time.Now()))
	if answer := ask(store, name("a.zone.test"), dns.TypeMX); answer == nil || answer.Rcode() != dns.RcodeNameError {
		t.Error("a name inside the new gap is still known by its old record")
	}
}

func TestForget(t *testing.T) {
	fill := func() *denials.Store {
		store := learned(spans, soaOf(name("zone.test"), 300, 300))
		deeper := name("z.zone.test")
		store.Learn(secure(name("b.z.zone.test"), dns.RcodeNameError, signedBy(deeper, soaOf(deeper, 300, 300), nsec("z.zone.test", "z.zone.test", ttl, dns.TypeSOA)), time.Now()))
		return store
	}
	for _, test := range []struct {
		name    string
		subtree bool
		dropped int
		zone    bool
		deep    bool
	}{{"c.zone.test", false, 1, false, true}, {"c.zone.test", true, 1, false, true}, {"zone.test", true, 2, false, false}, {"x.z.zone.test", false, 1, true, false}, {"test", true, 2, false, false}, {"test", false, 0, true, true}} {
		store := fill()
		if got := store.Forget(name(test.name), test.subtree); got != test.dropped {
			t.Errorf("%v: dropped %d", test, got)
		}
		if ask(store, name("c.zone.test"), dns.TypeA) != nil != test.zone || ask(store, name("c.z.zone.test"), dns.TypeA) != nil != test.deep {
			t.Errorf("%v: what is left is wrong", test)
		}
	}
}

// TestNoZonePushesOthersOut: a zone that sends ever new records keeps to its share, and
// all zones together to theirs, while a zone that is asked for stays.
func TestNoZonePushesOthersOut(t *testing.T) {
	const size = 256 << 10
	store := learned(denials.Config{Spans: true, Below: true, Size: size}, soaOf(name("zone.test"), 300, 300))
	attack := func(zone string, records int) {
		apex := name(zone)
		for i := range records {
			owner := fmt.Sprintf("n%06d.%s", i, zone)
			store.Learn(secure(name("x."+owner), dns.RcodeNameError,
				signedBy(apex, soaOf(apex, 300, 300), nsec(owner, "a"+fmt.Sprintf("n%06d.", i+1)[1:]+zone, ttl), nsec(owner, fmt.Sprintf("n%06d.%s", i+1, zone), ttl)), time.Now()))
			if store.Size() > size {
				t.Fatalf("%d octets kept, %d allowed", store.Size(), size)
			}
			if i%50 == 0 && ask(store, name("c.zone.test"), dns.TypeA) == nil {
				t.Fatalf("pushed out by %s after %d records", zone, i)
			}
		}
	}
	attack("greedy.test", 2000)
	for i := range 300 {
		attack(fmt.Sprintf("z%d.test", i), 3)
	}
}

func FuzzLearn(f *testing.F) {
	zone := &oracle{apex: name("zone.test"), types: map[wire.Name][]uint16{name("zone.test"): {dns.TypeSOA}, name("a.zone.test"): {dns.TypeA}}}
	for _, hashed := range []bool{false, true} {
		zone.hashed = hashed
		_, answer := secure(name("b.zone.test"), dns.RcodeNameError, append(signed(soaOf(zone.apex, 300, 300)), signed(zone.chain()...)...), time.Now())
		packed, err := answer.Message().Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, []byte(name("c.zone.test")), dns.TypeA)
	}
	f.Fuzz(func(t *testing.T, packet, asked []byte, kind uint16) {
		message := new(dns.Msg)
		var buffer [wire.MaxName]byte
		question, _, err := wire.ReadName(asked, 0, &buffer)
		if message.Unpack(packet) != nil || err != nil {
			return
		}
		answer := resolver.NewAnswer(message, time.Now())
		answer.Security = resolver.Secure
		store := denials.New(denials.Config{Spans: true, Below: true, Size: 1 << 16})
		store.Learn(wire.Question{Name: question, Type: kind, Class: wire.ClassIN}, answer)
		if store.Size() > 1<<16 {
			t.Fatalf("%d octets are kept", store.Size())
		}
		found := ask(store, question, kind)
		if found == nil {
			return
		}
		reply, err := found.Unpack()
		if err != nil || !slices.Contains([]int{dns.RcodeSuccess, dns.RcodeNameError}, reply.Rcode) || len(reply.Answer) != 0 {
			t.Fatalf("answered %v, %v", reply, err)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	store := learned(spans, soaOf(name("zone.test"), 3600, 3600))
	query := resolver.NewQuery(name("c.zone.test"), dns.TypeA, nil)
	b.ReportAllocs()
	for b.Loop() {
		if store.Answer(query) == nil {
			b.Fatal("not answered")
		}
	}
}
