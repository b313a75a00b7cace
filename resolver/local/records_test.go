package local_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func parseRecords(t testing.TB, text string) []dns.RR {
	t.Helper()
	var records []dns.RR
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		record, err := local.ParseRecord(line)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}

func newRecords(t testing.TB, text string) *local.Records {
	t.Helper()
	records, err := local.NewRecords(parseRecords(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return records
}

const household = `
printer.home.arpa. 300 A 192.168.1.9
printer.home.arpa. 300 A 192.168.1.10
Printer.Home.Arpa. 300 TXT "upstairs"
a.b.home.arpa. A 192.168.1.11
*.dev.home.arpa. 60 A 192.168.1.12
here.dev.home.arpa. TXT "not by the wildcard"
nas.home.arpa. CNAME printer.home.arpa.
out.home.arpa. 900 CNAME www.example.
gone.home.arpa. CNAME nowhere.home.arpa.
circle.home.arpa. CNAME circle2.home.arpa.
circle2.home.arpa. CNAME circle.home.arpa.
9.1.168.192.in-addr.arpa. PTR printer.home.arpa.
www.corp.example. A 10.0.0.1
`

// www stands for the world: it has www.example alone.
func www(t testing.TB) resolver.Handler {
	return resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Question.Name != wire.MustName("www.example") {
			return nil, errBelow
		}
		message := query.Message()
		message.Answer = parseRecords(t, "www.example. 300 A 192.0.2.1\n")
		answer := resolver.NewAnswer(message, query.Now.Add(-100*time.Second))
		answer.TTL, answer.Security = 300*time.Second, resolver.Secure
		return answer.Pack()
	})
}

func TestLocalRecords(t *testing.T) {
	h := resolver.Chain(www(t), local.Stage(local.Config{Zones: true, Records: newRecords(t, household)}))
	const below = -1
	tests := []struct {
		name   string
		kind   uint16
		rcode  int
		answer string
		soa    string
	}{
		{"printer.home.arpa", dns.TypeA, dns.RcodeSuccess, "A 192.168.1.9; A 192.168.1.10; ", ""},
		{"printer.home.arpa", dns.TypeTXT, dns.RcodeSuccess, `TXT "upstairs"; `, ""},
		{"printer.home.arpa", dns.TypeANY, dns.RcodeSuccess, `A 192.168.1.9; A 192.168.1.10; TXT "upstairs"; `, ""},
		{"printer.home.arpa", dns.TypeAAAA, dns.RcodeSuccess, "", "home.arpa."},
		{"x.printer.home.arpa", dns.TypeA, dns.RcodeNameError, "", "home.arpa."},
		// RFC 8020, section 2: a name above others exists.
		{"b.home.arpa", dns.TypeA, dns.RcodeSuccess, "", "home.arpa."},
		// RFC 4592, sections 2.2.2 and 3.3.1: a name that exists is no wildcard's.
		{"x.dev.home.arpa", dns.TypeA, dns.RcodeSuccess, "A 192.168.1.12; ", ""},
		{"y.x.dev.home.arpa", dns.TypeA, dns.RcodeSuccess, "A 192.168.1.12; ", ""},
		{"here.dev.home.arpa", dns.TypeA, dns.RcodeSuccess, "", "home.arpa."},
		{"x.here.dev.home.arpa", dns.TypeA, dns.RcodeNameError, "", "home.arpa."},
		{"dev.home.arpa", dns.TypeA, dns.RcodeSuccess, "", "home.arpa."},
		// Aliases, here and out of here.
		{"nas.home.arpa", dns.TypeCNAME, dns.RcodeSuccess, "CNAME printer.home.arpa.; ", ""},
		{"nas.home.arpa", dns.TypeA, dns.RcodeSuccess, "CNAME printer.home.arpa.; A 192.168.1.9; A 192.168.1.10; ", ""},
		{"nas.home.arpa", dns.TypeMX, dns.RcodeSuccess, "CNAME printer.home.arpa.; ", "home.arpa."},
		{"gone.home.arpa", dns.TypeA, dns.RcodeNameError, "CNAME nowhere.home.arpa.; ", "home.arpa."},
		{"out.home.arpa", dns.TypeA, dns.RcodeSuccess, "CNAME www.example.; A 192.0.2.1; ", ""},
		{"9.1.168.192.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "PTR printer.home.arpa.; ", ""},
		// A name of the operator's own in the public DNS: what is not said here is asked for.
		{"www.corp.example", dns.TypeA, dns.RcodeSuccess, "A 10.0.0.1; ", ""},
		{"www.corp.example", dns.TypeAAAA, dns.RcodeSuccess, "", "www.corp.example."},
		{"mail.corp.example", dns.TypeA, below, "", ""},
		{"corp.example", dns.TypeA, below, "", ""},
	}
	for _, test := range tests {
		answer, message, err := ask(t, h, test.name, test.kind)
		if test.rcode == below {
			if !errors.Is(err, errBelow) {
				t.Errorf("%s: %v, %v", test.name, message, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		soa := ""
		if len(message.Ns) > 0 {
			soa = message.Ns[0].Header().Name
		}
		if message.Rcode != test.rcode || data(message.Answer) != test.answer || soa != test.soa || answer.Security != resolver.Insecure {
			t.Errorf("%s %s: SOA %q, %v", test.name, dns.Type(test.kind), soa, message)
		}
	}
}

func TestLocalRecordsTTL(t *testing.T) {
	h := resolver.Chain(www(t), local.Stage(local.Config{Zones: true, Records: newRecords(t, household)}))
	for name, want := range map[string][]uint32{
		"printer.home.arpa": {300, 300},
		"a.b.home.arpa":     {3600},
		"out.home.arpa":     {900, 200}, // what was kept for 100 seconds has aged
	} {
		answer, message, err := ask(t, h, name, dns.TypeA)
		if err != nil || len(message.Answer) != len(want) {
			t.Errorf("%s: %v, %v", name, message, err)
			continue
		}
		for i, record := range message.Answer {
			if record.Header().Ttl != want[i] {
				t.Errorf("%s: %s, want a TTL of %d", name, record, want[i])
			}
		}
		if shortest := time.Duration(want[len(want)-1]) * time.Second; answer.TTL != shortest {
			t.Errorf("%s may be kept for %s, not %s", name, answer.TTL, shortest)
		}
	}
}

func TestLocalAliasesEnd(t *testing.T) {
	h := handler(local.Config{Zones: true, Records: newRecords(t, household)})
	_, _, err := ask(t, h, "circle.home.arpa", dns.TypeA)
	if failure := (*resolver.Failure)(nil); !errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
	lines := "n0.test. A 192.0.2.1\n"
	for i := range 9 {
		lines += fmt.Sprintf("n%d.test. CNAME n%d.test.\n", i+1, i)
	}
	h = handler(local.Config{Zones: true, Records: newRecords(t, lines)})
	if _, message, err := ask(t, h, "n8.test", dns.TypeA); err != nil || len(message.Answer) != 9 {
		t.Errorf("eight aliases: %v, %v", message, err)
	}
	if _, message, err := ask(t, h, "n9.test", dns.TypeA); err == nil {
		t.Errorf("nine aliases: %v", message)
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	for _, line := range []string{"", "; a comment", "printer.home.arpa", "printer.home.arpa. A 1.2.3", "a.test. CH A 192.0.2.1", "a.test. A 192.0.2.1\nb.test. A 192.0.2.1", "$INCLUDE /etc/passwd", "$GENERATE 1-9999999 a$ A 192.0.2.1"} {
		if record, err := local.ParseRecord(line); err == nil {
			t.Errorf("%q is read as %v", line, record)
		}
	}
	for _, text := range []string{
		"a.test. CNAME b.test.\na.test. A 192.0.2.1", "a.test. A 192.0.2.1\na.test. CNAME b.test.", "a.test. CNAME b.test.\na.test. CNAME c.test.",
		"a.test. NS ns.test.", "a.test. DNAME b.test.", "a.test. SOA a. b. 1 2 3 4 5",
	} {
		if _, err := local.NewRecords(parseRecords(t, text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := local.NewRecords(make([]dns.RR, local.MaxRecords+1)); err == nil {
		t.Error("any number of records is taken")
	}
}

func TestMayHold(t *testing.T) {
	own := []wire.Name{wire.MustName("corp.example")}
	for name, want := range map[string]bool{
		"printer.home.arpa": true, "a.internal": true, "x.test": true, "9.1.168.192.in-addr.arpa": true, "www.corp.example": true, "corp.example": true,
		"1.d.f.ip6.arpa": true, "www.example": false, "com": false, "x.onion": false, "localhost": false, "x.invalid": false,
		"9.9.9.9.in-addr.arpa": false, "resolver.arpa": false, "notcorp.example": false, "arpa": false,
	} {
		if got := local.MayHold(wire.MustName(name), own); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestLocalRecordsThatDoNotFit: what no message can hold is a failure, not a broken message.
func TestLocalRecordsThatDoNotFit(t *testing.T) {
	lines := strings.Repeat("big.test. TXT"+strings.Repeat(` "`+strings.Repeat("a", 250)+`"`, 40)+"\n", 7)
	_, _, err := ask(t, handler(local.Config{Records: newRecords(t, lines)}), "big.test", dns.TypeTXT)
	if failure := (*resolver.Failure)(nil); !errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}
