package dnssec_test

import (
	"errors"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
)

// outcome says in one number what came of a query: the standing, or minus the
// code of the failure.
type outcome struct {
	security resolver.Security
	rcode    int
	failure  uint16   // Extended DNS Error of a SERVFAIL
	extended []uint16 // of an answer
}

func check(t *testing.T, w *world, name string, kind uint16, want outcome) *resolver.Answer {
	t.Helper()
	answer, err := w.resolve(name, kind)
	return compare(t, name, answer, err, want)
}

func compare(t *testing.T, name string, answer *resolver.Answer, err error, want outcome) *resolver.Answer {
	t.Helper()
	if want.failure != 0 {
		var failure *resolver.Failure
		if !errors.As(err, &failure) {
			t.Fatalf("%s: answer %v, error %v; want failure %d", name, answer, err, want.failure)
		}
		if len(failure.Extended) != 1 || failure.Extended[0].Code != want.failure || failure.Extended[0].Text == "" {
			t.Fatalf("%s: failure %+v, want code %d with a text", name, failure.Extended, want.failure)
		}
		return nil
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if answer.Security != want.security || answer.Rcode() != want.rcode {
		t.Fatalf("%s: security %d, rcode %d; want %d, %d", name, answer.Security, answer.Rcode(), want.security, want.rcode)
	}
	var codes []uint16
	for _, extended := range answer.Extended {
		codes = append(codes, extended.Code)
	}
	if len(codes) != len(want.extended) || len(codes) > 0 && codes[0] != want.extended[0] {
		t.Fatalf("%s: extended %v, want %v", name, codes, want.extended)
	}
	return answer
}

var (
	isSecure   = outcome{security: resolver.Secure}
	isInsecure = outcome{security: resolver.Insecure}
	noName     = outcome{security: resolver.Secure, rcode: dns.RcodeNameError}
)

func fails(code uint16) outcome { return outcome{failure: code} }

const exampleText = `
www 600 IN A 192.0.2.1
deep.ent 600 IN A 192.0.2.2
*.wild 600 IN TXT "wild"
fixed.wild 600 IN TXT "fixed"
alias 600 IN CNAME www
wildalias 600 IN CNAME x.wild
away 600 IN CNAME www.plain.test.
out 600 IN CNAME nothing.example.test.
old 600 IN DNAME new
host.new 600 IN A 192.0.2.3
many 600 IN A 192.0.2.4
many 600 IN A 192.0.2.5
*.cw 600 IN CNAME www
`

// example is a world with two signed zones and an unsigned one in a signed TLD.
func example(t testing.TB) *world {
	return newWorld(t, signed(t, ".", ""), signed(t, "test.", ""), signed(t, "example.test.", exampleText),
		unsigned(t, "plain.test.", "www 600 IN A 192.0.2.9\nto 600 IN CNAME www.example.test.\nsub.deep 600 IN A 192.0.2.8"))
}

// hashedExample is the same with NSEC3, the TLD with opt-out.
func hashedExample(t testing.TB) *world {
	w := example(t)
	for _, name := range []string{"test.", "example.test."} {
		w.zone(name).hashed = true
	}
	w.zone("test.").optOut = true
	return w
}

func TestPositiveAndNegative(t *testing.T) {
	noData := isSecure
	cases := []struct {
		name  string
		kind  uint16
		plain outcome // with NSEC
		hash  outcome // with NSEC3, opt-out in the TLD
	}{
		{"www.example.test.", dns.TypeA, isSecure, isSecure},
		{"many.example.test.", dns.TypeA, isSecure, isSecure},
		{"example.test.", dns.TypeSOA, isSecure, isSecure},
		{"example.test.", dns.TypeDNSKEY, isSecure, isSecure},
		{"example.test.", dns.TypeDS, isSecure, isSecure},
		{".", dns.TypeNS, isSecure, isSecure},
		{".", dns.TypeDS, noData, noData},
		{"www.example.test.", dns.TypeAAAA, noData, noData},
		{"www.example.test.", dns.TypeDS, noData, noData},
		{"ent.example.test.", dns.TypeA, noData, noData},
		{"nothing.example.test.", dns.TypeA, noName, noName},
		{"a.b.nothing.example.test.", dns.TypeA, noName, noName},
		{"zzz.example.test.", dns.TypeA, noName, noName},
		{"!.example.test.", dns.TypeA, noName, noName},
		{"x.wild.example.test.", dns.TypeTXT, isSecure, isSecure},
		{"a.b.wild.example.test.", dns.TypeTXT, isSecure, isSecure},
		{"*.wild.example.test.", dns.TypeTXT, isSecure, isSecure},
		{"x.wild.example.test.", dns.TypeA, noData, noData},
		{"fixed.wild.example.test.", dns.TypeTXT, isSecure, isSecure},
		{"x.fixed.wild.example.test.", dns.TypeTXT, noName, noName},
		{"alias.example.test.", dns.TypeA, isSecure, isSecure},
		{"alias.example.test.", dns.TypeCNAME, isSecure, isSecure},
		{"alias.example.test.", dns.TypeAAAA, noData, noData},
		{"wildalias.example.test.", dns.TypeTXT, isSecure, isSecure},
		{"x.cw.example.test.", dns.TypeA, isSecure, isSecure},
		{"x.cw.example.test.", dns.TypeAAAA, noData, noData},
		{"out.example.test.", dns.TypeA, noName, noName},
		{"host.old.example.test.", dns.TypeA, isSecure, isSecure},
		{"none.old.example.test.", dns.TypeA, noName, noName},
		{"old.example.test.", dns.TypeDNAME, isSecure, isSecure},
		{"away.example.test.", dns.TypeA, isInsecure, isInsecure},
		{"www.plain.test.", dns.TypeA, isInsecure, isInsecure},
		{"www.plain.test.", dns.TypeAAAA, isInsecure, isInsecure},
		{"sub.deep.plain.test.", dns.TypeA, isInsecure, isInsecure},
		{"nothing.plain.test.", dns.TypeA, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError}, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError}},
		{"to.plain.test.", dns.TypeA, isInsecure, isInsecure},
		{"to.plain.test.", dns.TypeAAAA, isInsecure, isInsecure},
		{"plain.test.", dns.TypeDS, noData, isInsecure},
		{"nothing.test.", dns.TypeA, noName, outcome{security: resolver.Insecure, rcode: dns.RcodeNameError}},
		{"nothing.", dns.TypeA, noName, noName},
	}
	for _, forward := range []bool{false, true} {
		plain, hashed := example(t), hashedExample(t)
		plain.forward, hashed.forward = forward, forward
		for _, c := range cases {
			check(t, plain, c.name, c.kind, c.plain)
			check(t, hashed, c.name, c.kind, c.hash)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	for _, algorithm := range []uint8{dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448} {
		t.Run(dns.AlgorithmToString[algorithm], func(t *testing.T) {
			z := unsigned(t, "example.", "www 60 IN A 192.0.2.1")
			z.keys = []signingKey{newKey(t, "example.", algorithm)}
			w := newWorld(t, signed(t, ".", ""), z)
			check(t, w, "www.example.", dns.TypeA, isSecure)
			check(t, w, "no.example.", dns.TypeA, noName)
			w.edit("www.example. A", func(m *dns.Msg) { m.Answer[0].(*dns.A).A[3]++ })
			check(t, w, "www.example.", dns.TypeA, fails(resolver.Bogus))
		})
	}
}

// TestPassing covers what the stage leaves alone.
func TestPassing(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", strip(dns.TypeRRSIG))
	stage := w.validator(dnssec.Config{}).Stage(w)

	query := question("www.example.test.", dns.TypeA)
	query.Flags |= 1 << 4 // CD
	answer, err := stage.Resolve(t.Context(), query)
	if err != nil || answer.Security != resolver.Unchecked || len(w.questions()) != 1 {
		t.Fatalf("CD: %v, %v, asked %v; want unchecked and no lookup", answer, err, w.questions())
	}
	compareAfter := func(query *resolver.Query, want outcome) {
		t.Helper()
		answer, err := stage.Resolve(t.Context(), query)
		compare(t, query.Question.Name.String(), answer, err, want)
	}
	compareAfter(question("www.example.test.", dns.TypeRRSIG), isInsecure)
	chaos := question("www.example.test.", dns.TypeA)
	chaos.Question.Class = dns.ClassCHAOS
	compareAfter(chaos, isInsecure)
	withoutWork := question("many.example.test.", dns.TypeA)
	withoutWork.Work = nil
	compareAfter(withoutWork, isSecure)
}

// TestSecureAnswer looks at what is left of a secure answer.
func TestSecureAnswer(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", func(m *dns.Msg) {
		m.AuthenticatedData = true
		m.Answer = append(m.Answer, dns.Copy(m.Answer[0]), record(t, "evil.example.test. 60 IN A 192.0.2.66"))
		m.Answer[0].Header().Name = "WWW.example.test."
		m.Ns = append(m.Ns, record(t, "example.test. 60 IN NS evil.test."))
		m.Extra = append(m.Extra, record(t, "evil.test. 60 IN A 192.0.2.66"))
	})
	answer := check(t, w, "www.example.test.", dns.TypeA, isSecure)
	message := answer.Message()
	if len(message.Answer) != 2 || len(message.Ns) != 0 || len(message.Extra) != 0 || message.AuthenticatedData {
		t.Fatalf("junk left in\n%v", message)
	}
	if answer.Zone.String() != "example.test" || !answer.Stored.Equal(noon) {
		t.Fatalf("zone %q, stored %v", answer.Zone, answer.Stored)
	}
}

func TestTimeToLive(t *testing.T) {
	w := example(t)
	w.zone("example.test.").expires = noon.Add(90 * time.Second)
	answer := check(t, w, "www.example.test.", dns.TypeA, isSecure)
	if answer.TTL != 90*time.Second || answer.Message().Answer[0].Header().Ttl != 90 {
		t.Fatalf("TTL %v, %v; want the signature's 90 seconds", answer.TTL, answer.Message().Answer)
	}
	w = example(t)
	w.edit("www.example.test. A", func(m *dns.Msg) {
		m.Answer[0] = dns.Copy(m.Answer[0])
		m.Answer[0].Header().Ttl = 7200
	})
	answer = check(t, w, "www.example.test.", dns.TypeA, isSecure)
	if answer.TTL != 600*time.Second || answer.Message().Answer[0].Header().Ttl != 600 {
		t.Fatalf("TTL %v, %v; want the original 600 seconds", answer.TTL, answer.Message().Answer)
	}
}
