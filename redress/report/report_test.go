package report_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/report"
)

// deployment has one of everything.
func deployment() *report.Deployment {
	court := blocklists.Authority{Name: "Tribunale di Esempio", Kind: "court", Country: "IT"}
	canaries := policy.Canaries{ICloudRelay: policy.Switch{Purpose: blocklists.Security, Because: map[string]string{"en": "A school network must see attacks."}}}
	return &report.Deployment{
		Operator: policy.Operator{Name: "Example <Net>", Contact: "mailto:redress@example.net", Phone: "tel:+39-06-1", Portal: "https://dns.example.net", Languages: []string{"en", "it"}},
		Lists: []*blocklists.Manifest{
			{
				ID: "court", Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"it": "Ordini"}, Authority: court, OrderRef: "RG 1/2026", Jurisdiction: []string{"IT"},
				LegalBasis: []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}}, Redress: blocklists.Redress{Venues: []blocklists.Venue{{Name: "Corte", URL: "https://court.example"}}},
				Source: blocklists.Source{File: "/etc/private/court.txt"}, ReviewEvery: 24 * time.Hour,
			},
			{
				ID: "phishing", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Phishing"}, Publisher: blocklists.Publisher{Name: "Example CERT", Contact: "mailto:fp@cert.example", URL: "javascript:alert(1)"},
				Source: blocklists.Source{URL: "https://user:s3cret@lists.example/a.txt?key=s3cret", Refresh: time.Hour}, Pass: time.Hour,
			},
			{ID: "hidden-1", Purpose: blocklists.Law, Title: map[string]string{"en": "Hidden one"}, Disclosure: blocklists.Secret, Authority: court, Publisher: blocklists.Publisher{Name: "Hidden publisher"}},
			{ID: "hidden-2", Purpose: blocklists.Law, Title: map[string]string{"en": "Hidden two"}, Disclosure: blocklists.Secret, Authority: court},
			{ID: "adult", Purpose: blocklists.User, Category: "adult", Title: map[string]string{"en": "Adult"}, Source: blocklists.Source{RPZ: "adult.rpz.example"}},
		},
		Canaries: canaries.On(),
		Clients: []profile.Client{
			{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, Jurisdiction: "IT", Profile: "secret-profile"},
			{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}}, Jurisdiction: "none", Because: "A laboratory without customers."},
		},
		Profiles: 1, Authorities: []string{"Tribunale di Esempio"},
		Doors: []report.Door{
			{Kind: report.PlainDoor, Ports: []uint16{53, 5353}}, {Kind: report.TLSDoor, Ports: []uint16{853}, Name: "dns.example.net"},
			{Kind: report.HTTPSDoor, Ports: []uint16{443}, Address: "https://dns.example.net/dns-query"},
		},
		Resolver: report.Resolver{Validates: true, Minimises: "relaxed", Zones: 1},
		Keeps:    report.Keeps{CacheOnDisk: true, Stale: 36 * time.Hour, Contacts: 30 * 24 * time.Hour, ClientRate: true, Mail: true, Bindings: true, Devices: true},
	}
}

// speaker is a teller that speaks English where it is not told otherwise.
type speaker struct{ *report.Teller }

func teller(t testing.TB) speaker {
	t.Helper()
	made, err := report.NewTeller(nil)
	if err != nil {
		t.Fatal(err)
	}
	return speaker{made}
}

func (s speaker) disclosure(d *report.Deployment) *report.Statement { return s.Disclosure(d, "en") }

func textOf(t testing.TB, s *report.Statement) string {
	t.Helper()
	var text strings.Builder
	if err := s.Text(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func pageOf(t testing.TB, s *report.Statement) string {
	t.Helper()
	var page strings.Builder
	if err := s.HTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// all is a statement in each of its forms, white space evened out.
func all(t testing.TB, s *report.Statement) []string {
	t.Helper()
	octets, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{textOf(t, s), pageOf(t, s), string(octets)}
	for i := range forms {
		forms[i] = strings.Join(strings.Fields(forms[i]), " ")
	}
	return forms
}

func TestDisclosureHasTheHeadsOfTheRFC(t *testing.T) {
	var got []string
	for _, section := range teller(t).disclosure(deployment()).Sections {
		if len(section.Text)+len(section.Entries) == 0 {
			t.Errorf("%s says nothing", section.Heading)
		}
		got = append(got, section.ID)
	}
	// RFC 8932, section 6.1: policy 1 to 6, practice 1 to 5; between them what we add.
	want := "addresses collection exceptions associates correlation filtering leaving contesting deviations doors upstream support processing"
	if strings.Join(got, " ") != want {
		t.Errorf("heads %q, want %q", got, want)
	}
}

func TestDisclosureTellsWhatRuns(t *testing.T) {
	for _, form := range all(t, teller(t).disclosure(deployment())) {
		for _, want := range []string{
			"Ordini", "Tribunale di Esempio (IT)", "Legge 633/1941, article 163", "RG 1/2026", "a file that we keep", "https://court.example", "every day",
			"Phishing", "Example CERT", "lists.example, over HTTPS; asked every hour", "the zone adult.rpz.example, by zone transfer",
			"mask.icloud.com", "A school network must see attacks.", "10.9.0.0/16", "A laboratory without customers.", "bound to: IT.",
			"you may go past that block for a time", "ends it whole, in one step", "port 853, with a certificate for dns.example.net", "1 zone is answered",
			"What the law keeps confidential", "redress@example.net", "There is no log of what you ask", "encrypted on disk", "hardware address",
		} {
			if !strings.Contains(form, want) {
				t.Errorf("no %q in %s", want, form)
			}
		}
	}
}

// TestStatementsKeepSecrets: nothing of secret lists but who ordered secrecy, no key of a
// source, no path of a file, no profile.
func TestStatementsKeepSecrets(t *testing.T) {
	for _, made := range []func(*report.Deployment) *report.Statement{teller(t).disclosure, teller(t).Assessment} {
		for _, form := range all(t, made(deployment())) {
			for _, secret := range []string{"Hidden", "hidden", "s3cret", "/etc/private", "secret-profile", "javascript:", "192.0.2.0"} {
				if strings.Contains(form, secret) {
					t.Errorf("%q is told in %s", secret, form)
				}
			}
		}
	}
	one, two := deployment(), deployment()
	one.Lists = append(one.Lists[:3:3], one.Lists[4:]...)
	if first, second := textOf(t, teller(t).disclosure(one)), textOf(t, teller(t).disclosure(two)); first != second {
		t.Error("the text tells how many secret lists there are")
	}
}

func TestStatementIsEscapedAndWrapped(t *testing.T) {
	statement := teller(t).disclosure(deployment())
	if page := pageOf(t, statement); strings.Contains(page, "<Net>") || !strings.Contains(page, "Example &lt;Net&gt;") {
		t.Error("the operator's name is not escaped")
	}
	for line := range strings.Lines(textOf(t, statement)) {
		if len([]rune(line)) > 79 {
			t.Errorf("a line of %d characters: %q", len([]rune(line)), line)
		}
	}
}

func TestAssessmentFollowsTheConfiguration(t *testing.T) {
	full := textOf(t, teller(t).Assessment(deployment()))
	bare := deployment()
	bare.Profiles, bare.Keeps, bare.Lists, bare.Deviations = 0, report.Keeps{}, nil, []report.Deviation{{Kind: report.Unvalidated}, {Kind: report.Unsigned, Zone: "broken.example"}}
	bare.Resolver.Forward = []string{"9.9.9.9 (tls)"}
	less := textOf(t, teller(t).Assessment(bare))
	for _, only := range []string{"household asked to have filtered", "encrypted on disk", "hardware address", "Messages to authorities", "goes past one security block", "kept answers on disk"} {
		if !strings.Contains(strings.Join(strings.Fields(full), " "), only) || strings.Contains(strings.Join(strings.Fields(less), " "), only) {
			t.Errorf("%q does not follow the configuration", only)
		}
	}
	for _, want := range []string{"9.9.9.9 (tls)", "not validated with DNSSEC: a forged", "Below broken.example", "Article 6(1)(b)", "Controller: Example <Net>"} {
		if !strings.Contains(less, want) {
			t.Errorf("no %q in\n%s", want, less)
		}
	}
}

func TestEmptyDeployment(t *testing.T) {
	for _, form := range all(t, teller(t).disclosure(new(report.Deployment))) {
		if !strings.Contains(form, "Nothing is withheld on this ground.") {
			t.Errorf("an empty configuration says %s", form)
		}
		if strings.Contains(form, fmt.Sprint(time.Time{}.Year())+"-") {
			t.Errorf("a date of nothing in %s", form)
		}
	}
}
