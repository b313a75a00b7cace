package denials_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache/denials"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// expanded is a secure answer that a wildcard gave, below the name and with these
// records in its authority section.
func expanded(asked, encloser wire.Name, kind uint16, seconds uint32, authority []dns.RR, at time.Time) (wire.Question, *resolver.Answer) {
	question, answer := secure(asked, dns.RcodeSuccess, authority, at)
	question.Type = kind
	message := answer.Message()
	message.Question[0].Qtype = kind
	data := dns.RR(&dns.RFC3597{Hdr: header(asked, kind, seconds), Rdata: "c0000201"})
	if kind == dns.TypeTXT {
		data = &dns.TXT{Hdr: header(asked, kind, seconds), Txt: []string{"x"}}
	}
	set := signed(data)
	set[1].(*dns.RRSIG).Labels = uint8(encloser.Labels())
	message.Answer = set
	return question, answer
}

// TestWildcardsAreNeverWrong learns what wildcards gave for some names and a random part
// of the proofs, and holds every answer against the truth. With all proofs of a zone
// without opt-out, each name for which a known set stands in is answered.
func TestWildcardsAreNeverWrong(t *testing.T) {
	random := rand.New(rand.NewPCG(4592, 8198))
	answered := map[truth]int{}
	for round := range 100 {
		zone := newOracle(random, round%2 == 1)
		whole, chain := round%4 < 2, zone.chain()
		store, known := denials.New(denials.Config{Spans: true}), map[wire.Name]bool{}
		for range 6 {
			asked, kind := zone.random(random, 3), []uint16{dns.TypeA, dns.TypeTXT}[random.IntN(2)]
			if zone.tell(asked, kind) != given {
				continue
			}
			encloser := asked.Parent()
			for !zone.exists(encloser) {
				encloser = encloser.Parent()
			}
			var proofs []dns.RR
			for _, record := range chain {
				if whole || random.IntN(3) > 0 {
					proofs = append(proofs, signed(record)...)
				}
			}
			store.Learn(expanded(asked, encloser, kind, ttl, proofs, time.Now()))
			known["\x01*"+encloser] = kind == dns.TypeA || known["\x01*"+encloser]
		}
		for _, asked := range zone.every(3) {
			for _, kind := range kinds {
				zone.hold(t, store, asked, kind, false, answered)
			}
			if whole && !zone.optOut && zone.tell(asked, dns.TypeA) == given && ask(store, asked, dns.TypeA) == nil && known[zone.wildcard(asked)] {
				t.Fatalf("%s is not answered\n%s", asked, zone)
			}
		}
	}
	if answered[given] < 1000 || answered[nothing]+answered[noData] > 0 {
		t.Errorf("answered %v: the test shows nothing", answered)
	}
}

// wildcard is the one that stands in for a name that does not exist.
func (o *oracle) wildcard(asked wire.Name) wire.Name {
	for above := asked.Parent(); ; above = above.Parent() {
		if o.exists(above) {
			return "\x01*" + above
		}
	}
}

// wild is a store that knows *.zone.test TXT and that nothing is between a and m.
func wild(seconds, proof uint32, change func(*dns.RRSIG, *resolver.Answer)) *denials.Store {
	store := denials.New(spans)
	question, answer := expanded(name("b.zone.test"), name("zone.test"), dns.TypeTXT, seconds, signed(nsec("a.zone.test", "m.zone.test", proof, dns.TypeA)), time.Now())
	if change != nil {
		change(answer.Message().Answer[1].(*dns.RRSIG), answer)
	}
	store.Learn(question, answer)
	return store
}

func TestAWildcardsAnswerIsWhole(t *testing.T) {
	answer := ask(wild(300, 300, nil), name("d.C.zone.test"), dns.TypeTXT)
	if answer == nil {
		t.Fatal("not answered")
	}
	message, err := answer.Unpack()
	if err != nil || message.Rcode != 0 || len(message.Answer) != 2 || len(message.Ns) != 2 {
		t.Fatalf("the answer is %v: %v", message, err)
	}
	signature := message.Answer[1].(*dns.RRSIG)
	if owner := message.Answer[0].Header().Name; owner != "d.c.zone.test." || signature.Hdr.Name != owner || signature.Labels != 2 || signature.TypeCovered != dns.TypeTXT {
		t.Errorf("the answer is %v", message)
	}
	if answer.Security != resolver.Secure || answer.Zone != name("zone.test") || len(answer.Extended) != 1 || answer.Extended[0].Code != resolver.Synthesised {
		t.Errorf("standing %v, zone %v, errors %v", answer.Security, answer.Zone, answer.Extended)
	}
}

func TestAWildcardsAnswerLivesAsLongAsItsParts(t *testing.T) {
	for _, test := range []struct{ set, proof, minimum, want uint32 }{{300, 400, 0, 300}, {400, 300, 0, 300}, {90000, 90000, 0, 3600}, {400, 400, 200, 200}} {
		synctest.Test(t, func(t *testing.T) {
			store := wild(test.set, test.proof, nil)
			if test.minimum > 0 { // RFC 9077: the SOA came later, and allows less
				store.Learn(secure(name("zone.test"), dns.RcodeSuccess, signed(soaOf(name("zone.test"), 900, test.minimum)), time.Now()))
			}
			time.Sleep(10 * time.Second)
			answer := ask(store, name("c.zone.test"), dns.TypeTXT)
			if answer == nil || answer.TTL != time.Duration(test.want-10)*time.Second || wire.TTL(answer.Plain.Wire[answer.Plain.TTLs[0]:]) != test.want-10 {
				t.Fatalf("%v: answered %v", test, answer)
			}
			time.Sleep(time.Duration(test.want-10) * time.Second)
			if ask(store, name("c.zone.test"), dns.TypeTXT) != nil {
				t.Errorf("%v: answered after its time", test)
			}
		})
	}
}

// TestADenialNeedsTheSOA: proofs that a wildcard's answer brought have none.
func TestADenialNeedsTheSOA(t *testing.T) {
	store := denials.New(spans)
	chain := signed(nsec("zone.test", "a.zone.test", 900, dns.TypeSOA), nsec("a.zone.test", "*.x.zone.test", 900, dns.TypeA))
	store.Learn(expanded(name("b.x.zone.test"), name("x.zone.test"), dns.TypeTXT, 900, chain, time.Now()))
	if ask(store, name("b.zone.test"), dns.TypeA) != nil {
		t.Error("denied without a SOA record")
	}
	store.Learn(secure(name("zone.test"), dns.RcodeSuccess, signed(soaOf(name("zone.test"), 900, 100)), time.Now()))
	if answer := ask(store, name("b.zone.test"), dns.TypeA); answer == nil || answer.TTL > 100*time.Second {
		t.Errorf("with one: %v", answer)
	}
}

func TestWildcardsThatAreNotLearnt(t *testing.T) {
	for what, store := range map[string]*denials.Store{
		"not secure":               wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) { answer.Security = resolver.Insecure }),
		"no signature":             wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) { answer.Message().Answer = answer.Message().Answer[:1] }),
		"no wildcard":              wild(300, 300, func(signature *dns.RRSIG, _ *resolver.Answer) { signature.Labels = 3 }),
		"labels below the signer":  wild(300, 300, func(signature *dns.RRSIG, _ *resolver.Answer) { signature.Labels = 1 }),
		"another zone's signature": wild(300, 300, func(signature *dns.RRSIG, _ *resolver.Answer) { signature.SignerName = "zones.test." }),
		"two that differ": wild(300, 300, func(signature *dns.RRSIG, answer *resolver.Answer) {
			second := *signature
			second.Labels = 1
			answer.Message().Answer = append(answer.Message().Answer, &second)
		}),
		"two zones": wild(300, 300, func(signature *dns.RRSIG, answer *resolver.Answer) {
			second := *signature
			second.SignerName = "test."
			answer.Message().Answer = append(answer.Message().Answer, &second)
		}),
		"an alias before it": wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) {
			link := &dns.CNAME{Hdr: header(name("b.zone.test"), dns.TypeCNAME, 300), Target: "b.zone.test."}
			answer.Message().Answer = slices.Insert(answer.Message().Answer, 0, dns.RR(link))
		}),
		"another owner": wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) { answer.Message().Answer[0].Header().Name = "x.zone.test." }),
		"too many records": wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) {
			for len(answer.Message().Answer) < 200 {
				answer.Message().Answer = append(answer.Message().Answer, answer.Message().Answer[0])
			}
		}),
		"no time": wild(0, 300, nil),
	} {
		if answer := ask(store, name("c.zone.test"), dns.TypeTXT); answer != nil {
			t.Errorf("%s: answered", what)
		}
	}
	for _, kind := range []uint16{dns.TypeDS, dns.TypeNS, dns.TypeDNAME, dns.TypeSOA, dns.TypeRRSIG, dns.TypeANY} {
		store := denials.New(spans)
		store.Learn(expanded(name("b.zone.test"), name("zone.test"), kind, 300, signed(nsec("a.zone.test", "m.zone.test", 300, dns.TypeA)), time.Now()))
		if ask(store, name("c.zone.test"), kind) != nil {
			t.Errorf("%s by a wildcard", dns.Type(kind))
		}
	}
	off := denials.New(denials.Config{Below: true})
	off.Learn(expanded(name("b.zone.test"), name("zone.test"), dns.TypeTXT, 300, signed(nsec("a.zone.test", "m.zone.test", 300)), time.Now()))
	if ask(off, name("c.zone.test"), dns.TypeTXT) != nil || off.Size() != 0 {
		t.Error("learnt though nobody wants it")
	}
}

// TestWildcardsAreBoundedByTheirZone: a zone that makes a wildcard for each name fills
// its own share.
func TestWildcardsAreBoundedByTheirZone(t *testing.T) {
	const size = 256 << 10
	store := denials.New(denials.Config{Spans: true, Size: size})
	store.Learn(expanded(name("b.zone.test"), name("zone.test"), dns.TypeTXT, 300, signed(nsec("a.zone.test", "m.zone.test", 300)), time.Now()))
	for i := range 2000 {
		encloser := name(strings.Repeat("x", 1+i%60) + string(rune('a'+i%26)) + ".evil.test")
		asked, _ := encloser.Child("b")
		question, answer := expanded(asked, encloser, dns.TypeTXT, 300, signedBy(name("evil.test"), nsec("evil.test", "z.evil.test", 300)), time.Now())
		answer.Message().Answer[1].(*dns.RRSIG).SignerName = "evil.test."
		store.Learn(question, answer)
		if store.Size() > size/2 {
			t.Fatalf("%d octets after %d", store.Size(), i)
		}
	}
	if ask(store, name("c.zone.test"), dns.TypeTXT) == nil {
		t.Error("another zone's wildcard was pushed out")
	}
}

// TestANameOfItsOwnIsNoWildcard for the names below it, nor is a signature alone data.
func TestANameOfItsOwnIsNoWildcard(t *testing.T) {
	own := denials.New(spans)
	all, _ := name("zone.test").Child(strings.Repeat("0", 32)) // a gap around every name
	proofs := signed(&dns.NSEC3{Hdr: header(all, dns.TypeNSEC3, 300), Hash: dns.SHA1, HashLength: 20, NextDomain: strings.Repeat("V", 32)})
	own.Learn(expanded(name("b.zone.test"), name("b.zone.test"), dns.TypeTXT, 300, proofs, time.Now()))
	if ask(own, name("d.b.zone.test"), dns.TypeTXT) != nil {
		t.Error("a name's own data is given below it")
	}
	bare := wild(300, 300, func(_ *dns.RRSIG, answer *resolver.Answer) { answer.Message().Answer = answer.Message().Answer[1:] })
	if ask(bare, name("c.zone.test"), dns.TypeTXT) != nil {
		t.Error("a signature alone is given")
	}
}

// TestAWildcardLearntAgainTakesNoMoreRoom, and neither do its proofs.
func TestAWildcardLearntAgainTakesNoMoreRoom(t *testing.T) {
	store := wild(300, 300, nil)
	once := store.Size()
	for range 10 {
		store.Learn(expanded(name("b.zone.test"), name("zone.test"), dns.TypeTXT, 300, signed(nsec("a.zone.test", "m.zone.test", 300, dns.TypeA)), time.Now()))
	}
	if store.Size() != once {
		t.Errorf("%d octets once, then %d", once, store.Size())
	}
}
