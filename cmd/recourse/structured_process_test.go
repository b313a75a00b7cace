package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/structuredtest"
)

// signs are the ways in which clients ask for structured errors, by what they are called here.
func signs() map[string][]dns.EDNS0 {
	return map[string][]dns.EDNS0{
		"none": nil, "option": {&dns.EDNS0_LOCAL{Code: structuredOption}}, "older": {new(dns.EDNS0_EDE)},
		"both, among others": {&dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_LOCAL{Code: structuredOption, Data: []byte("x")}, new(dns.EDNS0_EDE)},
	}
}

// structuredFiles is the configuration of the other tests with all doors, a secret list, a name
// with several reasons, a rewrite and an upstream that blocks.
func structuredFiles(t *testing.T) map[string]string {
	up := startEncrypted(t, "tls", "up.example", "127.0.0.1")
	files := exampleFiles("tls://up.example@" + up.address)
	text := strings.Replace(files["recourse.yaml"], "dnssec: off", `dnssec: off, upstream_ca: "`+up.authority+`"`, 1)
	text = strings.Replace(text, "listen: {", `listen: {dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], `, 1)
	text = strings.Replace(text, `contact: "mailto:redress@example.net"`, `contact: "mailto:redress@example.net", phone: "tel:+390612345", database: example-net`, 1)
	text = strings.Replace(text, "    jurisdiction: [IT]\n", "    jurisdiction: [IT]\n    published: {db: lumen, id: \"12345678\"}\n", 1)
	court := text[strings.Index(text, "  - id: court"):strings.Index(text, "  - id: phishing")]
	hidden := strings.NewReplacer("id: court", "id: hidden", "lists/court.txt", "lists/hidden.txt", "category: copyright", "category: csam\n    disclosure: secret",
		"on copyright", "nobody sees", "    published: {db: lumen, id: \"12345678\"}\n", "", "RG 1234/2026", "RG 9/2026").Replace(court)
	garden := `  - {id: garden, purpose: security, category: malware, title: {en: Malware}, publisher: {name: Example CERT}, source: {file: lists/garden.rpz}, format: rpz, review_every: 90d}
`
	files["recourse.yaml"] = strings.Replace(text, "  - id: phishing", hidden+garden+"  - id: phishing", 1)
	files["lists/hidden.txt"] = "hidden.example\nblocked-by-law.example\n"
	files["lists/phishing.hosts"] += "0.0.0.0 blocked-by-law.example\n"
	files["lists/gambling.txt"] += "blocked-by-law.example\n"
	files["lists/garden.rpz"] = "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\nmalware.example A 192.0.2.80\n"
	return files
}

// TestStructuredErrorsOverTheWire: by each purpose, each sign and each door; without a sign the
// text is plain.
func TestStructuredErrorsOverTheWire(t *testing.T) {
	t.Parallel()
	directory := write(t, structuredFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	doors := entrances(t, doorsOf(t, s), "127.0.0.2")
	for _, test := range []struct {
		name  string
		code  uint16
		plain string
		want  string // of j, s and fdbs
	}{
		{"blocked-by-law.example", 16, "Blocked by order of Tribunale di Esempio. ",
			"Blocked by order of Tribunale di Esempio: Court orders on copyright. Blocked for security by Example Net: Phishing. Blocked by a filter that the account holder chose: Gambling. <nil> example-net lumen"},
		{"hidden.example", 16, "Blocked by order of an authority. ", "Blocked by order of an authority. <nil> example-net"},
		{"phish.example", 15, "Blocked for security by Example Net: phishing. ", "Blocked for security by Example Net: Phishing. 2 example-net"},
		{"malware.example", 15, "Blocked for security by Example Net: malware. ", "Blocked for security by Example Net: Malware. 1 example-net"},
		{"casino.example", 17, "Blocked by a filter that the account holder chose: gambling. ", "Blocked by a filter that the account holder chose: Gambling. <nil> example-net"},
		{"games.example", 17, "Blocked by a filter that the account holder chose. ", "Blocked by a filter that the account holder chose. <nil> example-net"},
		{"www.withheld.example", 15, "blocked by up.example: on a list", "up.example: on a list 1"},
	} {
		for sign, options := range signs() {
			for _, door := range doors {
				said := saidTo(t, &door, test.name, options)
				if forged := len(said) > 1 && said[1].InfoCode == dns.ExtendedErrorCodeForgedAnswer; len(said) == 0 || said[0].InfoCode != test.code || forged != (sign == "none" && test.name == "malware.example") {
					t.Fatalf("%s over %s, %s: %v", test.name, door.name, sign, said)
				}
				text := said[0].ExtraText
				if sign == "none" {
					if !strings.HasPrefix(text, test.plain) || len(text) > 200 {
						t.Errorf("%s over %s: %s", test.name, door.name, text)
					}
					continue
				}
				if got := readWire(t, test.name, test.code, text); got != test.want {
					t.Errorf("%s over %s, %s: %s\nwant %s", test.name, door.name, sign, got, test.want)
				}
			}
		}
	}
	s.stop()
}

// saidTo are the Extended DNS Errors of a reply through a door.
func saidTo(t *testing.T, door *entrance, name string, options []dns.EDNS0) []*dns.EDNS0_EDE {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	message.SetEdns0(1232, false)
	message.IsEdns0().Option = options
	message.Id = 0 // as DNS over QUIC wants it
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	octets, err := door.ask(t.Context(), packet)
	if err != nil {
		t.Fatalf("%s over %s: %v", name, door.name, err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(octets); err != nil {
		t.Fatal(err)
	}
	return extended(reply)
}

// readWire holds a text to the schema, and gives what it says.
func readWire(t *testing.T, name string, code uint16, text string) string {
	t.Helper()
	members, err := structuredtest.Check(code, text)
	if err != nil {
		t.Error(err)
		return ""
	}
	for _, private := range []string{"kids", "account-42", "127.0.0.2", "hidden", "nobody sees", "RG 9", "csam"} {
		if strings.Contains(text, private) {
			t.Errorf("%s: %s has %q", name, text, private)
		}
	}
	said := fmt.Sprint(members["j"], " ", members["s"])
	databases, _ := members["fdbs"].([]any)
	for _, one := range databases {
		said += fmt.Sprint(" ", one.(map[string]any)["db"])
	}
	return said
}
