package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// exampleFolder is the examples beside the repository or, where they are absent, its own.
func exampleFolder(t *testing.T) string {
	t.Helper()
	for _, data := range []string{os.Getenv("RECOURSE_DATA"), filepath.Join("..", "..", "..", "shared", "data")} {
		examples := filepath.Join(data, "..", "examples")
		if _, err := os.Stat(filepath.Join(examples, "forward.yaml")); data != "" && err == nil {
			return examples
		}
	}
	t.Log("the folder shared/examples beside the repository is absent; the fixtures stand in")
	return filepath.Join("testdata", "config")
}

// exampleCopy copies the examples and changes the text of one, patterns to what stands for them.
func exampleCopy(t *testing.T, name string, changes ...string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	if err := os.CopyFS(directory, os.DirFS(exampleFolder(t))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		changed := regexp.MustCompile(changes[i]).ReplaceAll(text, []byte(changes[i+1]))
		if bytes.Equal(changed, text) {
			t.Fatalf("%s has nothing like %s", name, changes[i])
		}
		text = changed
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

// outcome is what a client sees of an answer: RCODE, how many records of the type, and the
// Extended DNS Error.
func outcomeOf(t *testing.T, door *entrance, name string, qtype uint16) string {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	message.Id = 0 // as QUIC wants it
	message.SetEdns0(1232, false)
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
		t.Fatalf("%s over %s: %v", name, door.name, err)
	}
	said := fmt.Sprintf("%s %d", dns.RcodeToString[reply.Rcode], len(reply.Answer))
	for _, one := range extended(reply) {
		said += fmt.Sprintf(" EDE %d", one.InfoCode)
	}
	return said
}

// TestForwardExample: the smallest file that shows everything, through every door, for each
// purpose and client.
func TestForwardExample(t *testing.T) {
	directory := exampleCopy(t, "forward.yaml",
		`"127\.0\.0\.1:5399"[^\]]*\]`, fmt.Sprintf("%q]", upstream(t)),
		`"127\.0\.0\.1:(5300|8853|8443|8080|9153)"`, `"127.0.0.1:0"`)
	for name, text := range map[string]string{ // what the fixtures lack
		"court.txt": "blocked-by-law.example\nXN--Bcher-kva.example\n", "phishing.hosts": "0.0.0.0 phish.example\n", "gambling.txt": "casino.example\nbet.example\n",
	} {
		if err := os.WriteFile(filepath.Join(directory, "lists", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, directory, "--config", "forward.yaml")
	doors := doorsOf(t, s)
	rest := atRest(t)
	wrong := forwardMistakes(t, doors, rest)
	if rest != atRest(t) { // the filters began or ended to rest meanwhile: asked again, they do not
		wrong = forwardMistakes(t, doors, atRest(t))
	}
	for _, mistake := range wrong {
		t.Error(mistake)
	}
	s.stop()
}

// forwardMistakes asks everything of everybody through every door, and says what is answered otherwise.
func forwardMistakes(t *testing.T, doors map[string]string, rest bool) []string {
	t.Helper()
	const passes = "NOERROR 1"
	var wrong []string
	filtered := func(blocked string) string {
		if rest {
			return passes
		}
		return blocked
	}
	for from, wanted := range map[string]map[string]string{
		"127.0.0.2": {
			"blocked-by-law.example": "NXDOMAIN 0 EDE 16", "www.xn--bcher-kva.example": "NXDOMAIN 0 EDE 16", "phish.example": "NXDOMAIN 0 EDE 15",
			"casino.example": filtered("NOERROR 0 EDE 17"), "www.bet.example": filtered("NOERROR 0 EDE 17"), "games.example": filtered("NXDOMAIN 0 EDE 17"),
			"lottery-museum.example": passes, "free.example": passes, "www.google.com": filtered("NOERROR 2 EDE 4"),
		},
		"127.0.0.3": {
			"blocked-by-law.example": passes, "www.xn--bcher-kva.example": passes, "phish.example": "NXDOMAIN 0 EDE 15",
			"casino.example": passes, "games.example": passes, "www.google.com": passes,
		},
		"127.0.0.1": {
			"blocked-by-law.example": "NXDOMAIN 0 EDE 16", "www.xn--bcher-kva.example": "NXDOMAIN 0 EDE 16", "phish.example": "NXDOMAIN 0 EDE 15",
			"other.phish.example": passes, "casino.example": passes, "games.example": passes, "www.google.com": passes,
		},
	} {
		for _, door := range entrances(t, doors, from) {
			for name, want := range wanted {
				if got := outcomeOf(t, &door, name, dns.TypeA); got != want {
					wrong = append(wrong, fmt.Sprintf("%s over %s from %s: %s, want %s", name, door.name, from, got, want))
				}
			}
		}
	}
	return wrong
}

// atRest says whether the filters of the example's profile rest: at the weekend by day in Rome.
func atRest(t *testing.T) bool {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(rome)
	return (now.Weekday() == time.Saturday || now.Weekday() == time.Sunday) && now.Hour() >= 10 && now.Hour() < 20
}

// TestProviderExample: a name chooses the profile of a client that its network has admitted,
// and never where it is.
func TestProviderExample(t *testing.T) {
	directory := providerExample(t)
	s := start(t, directory, "--config", "isp.yaml")
	doors := doorsOf(t, s)
	const family = "family.dns.isp.example"
	const passes, law, user = "NOERROR 1", "NXDOMAIN 0 EDE 16", "NXDOMAIN 0 EDE 17"
	for _, test := range []struct {
		from, name           string
		italian, est, adults string
	}{
		{"127.1.0.1", "", law, passes, passes},
		{"127.1.0.1", family, law, passes, user},
		{"127.2.0.1", "", passes, law, passes},
		{"127.2.0.1", family, passes, law, user},
		{"127.3.0.129", "", law, passes, passes},   // many homes behind one address
		{"127.3.0.129", family, law, passes, user}, // of whom this one says who it is
		{"127.1.0.1", "other.isp.example", law, passes, passes},
	} {
		for _, door := range entrancesAs(t, doors, test.from, test.name) {
			plain := door.name == "UDP" || door.name == "TCP"
			if plain && test.name != "" {
				continue // nothing is said of a name there
			}
			for name, want := range map[string]string{"a.italian.example": test.italian, "a.estonian.example": test.est, "a.adult.example": test.adults} {
				if got := outcomeOf(t, &door, name, dns.TypeA); got != want {
					t.Errorf("%s over %s from %s to %q: %s, want %s", name, door.name, test.from, test.name, got, want)
				}
			}
		}
	}
	assertRefused(t, s, doors, "127.4.0.1", family)
	s.stop()
}

// assertRefused asks from where no network is admitted: a name does not admit.
func assertRefused(t *testing.T, s *server, doors map[string]string, from, name string) {
	t.Helper()
	if reply := s.ask(from, "a.adult.example", dns.TypeA); reply.Rcode != dns.RcodeRefused {
		t.Errorf("from %s: %s", from, reply)
	}
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", doors["TLS"])
	if err != nil {
		return // not even a connection
	}
	defer conn.Close()
	config := unverified("dot")
	config.ServerName = name
	door := entrance{"DoT", framedOver(tls.Client(conn, config))}
	packet, err := new(dns.Msg).SetQuestion("a.adult.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	if octets, err := door.ask(t.Context(), packet); err == nil && octets[3]&0xf != dns.RcodeRefused {
		t.Errorf("from %s to %s: % x", from, name, octets)
	}
}

// providerExample has profiles and clients of isp.yaml, with networks of loopback, and lists in files.
func providerExample(t *testing.T) string {
	t.Helper()
	directory := exampleCopy(t, "isp.yaml", `198\.51\.100\.0/24`, "127.1.0.0/24", `203\.0\.113\.0/24`, "127.2.0.0/24", `192\.0\.2\.128/25`, "127.3.0.128/25")
	text, err := os.ReadFile(filepath.Join(directory, "isp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, found := strings.Cut(string(text), "\nprofiles:\n")
	if !found {
		t.Fatal("isp.yaml has no profiles")
	}
	rows, _, _ = strings.Cut(rows, "\nserve_rpz:")
	return write(t, map[string]string{
		"italian.txt": "a.italian.example\n", "estonian.txt": "a.estonian.example\n", "adult.txt": "a.adult.example\n",
		"isp.yaml": fmt.Sprintf(`operator: {name: Example Internet, contact: "mailto:redress@isp.example", portal: "https://dns.isp.example"}
listen: {do53: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: forward, forward: [%q], dnssec: "off"}
blocklists:
%s%s  - {id: adult, purpose: user, category: adult, title: {en: Adult}, publisher: {name: Example}, source: {file: adult.txt}, format: domains, scope: subtree, review_every: 365d}
profiles:
`, upstream(t), providerOrder("italian", "IT"), providerOrder("estonian", "EE")) + rows + "\n",
	})
}

func providerOrder(id, country string) string {
	return fmt.Sprintf(`  - {id: %s, purpose: law, category: gambling, title: {en: Orders}, authority: {name: Authority, kind: regulator, country: %s}, legal_basis: [{act: Act 1}], jurisdiction: [%s],
     redress: {venues: [{kind: court, name: Court}], deadline_from: knowledge}, at_enforce_by: hold, source: {file: %s.txt}, format: domains, scope: subtree, review_every: 365d}
`, id, country, country, id)
}
