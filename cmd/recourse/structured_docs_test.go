package main

import (
	"bytes"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// documented is the configuration that the octets of docs/extended-errors.md are of.
const documented = `
operator: {name: Example Net, contact: "mailto:redress@example.net", portal: "https://dns.example.net", languages: [en]}
listen: {do53: ["127.0.0.1:0"], web: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: forward, forward: ["127.0.0.1@9"], dnssec: off}
blocklists:
  - {id: court, purpose: law, category: copyright, title: {en: Court orders on copyright}, authority: {name: Example Court, kind: court, country: IT},
     legal_basis: [{act: Act 1/2026}], jurisdiction: [IT], published: {db: lumen, id: "12345678"}, at_enforce_by: hold,
     redress: {venues: [{kind: court, name: Example Court}], deadline: 30d, deadline_from: notification, languages: [en]},
     source: {file: lists/court.txt}, format: domains, scope: subtree, review_every: 180d}
  - {id: phishing, purpose: security, category: phishing, title: {en: Phishing}, publisher: {name: Example CERT},
     source: {file: lists/phishing.txt}, format: domains, scope: exact, review_every: 90d}
  - {id: gambling, purpose: user, category: gambling, title: {en: Gambling}, publisher: {name: Example Lists},
     source: {file: lists/gambling.txt}, format: domains, scope: subtree, review_every: 365d}
profiles: [{id: kids, requested: {by: account-42, at: 2026-11-01}, categories: [gambling]}]
clients: [{match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT, profile: kids}]
`

// TestOctetsOfTheDocs: this server answers what docs/extended-errors.md shows, octet by octet.
func TestOctetsOfTheDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "extended-errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	directory := write(t, map[string]string{
		"recourse.yaml": documented, "lists/court.txt": "court.example\n", "lists/phishing.txt": "phish.example\n", "lists/gambling.txt": "casino.example\n",
		"state/deployment.key": strings.Repeat("00", 32),
	})
	s := start(t, directory, "--config", "recourse.yaml")
	conn, err := net.Dial("udp", s.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var reply []byte // to the question that was documented last
	asked := 0
	for _, dump := range dumps(t, string(text)) {
		if dump[2]&0x80 != 0 {
			if !bytes.Equal(reply, dump) {
				t.Errorf("answered\n%s\nand documented\n%s", hex.Dump(reply), hex.Dump(dump))
			}
			continue
		}
		if reply, err = overUDP(conn, dump); err != nil {
			t.Fatal(err)
		}
		asked++
	}
	if asked != 5 {
		t.Errorf("%d questions are documented", asked)
	}
	s.stop()
}

// dumps are the messages of a text that are written in hexadecimal.
func dumps(t *testing.T, text string) [][]byte {
	t.Helper()
	var found [][]byte
	for line := range strings.Lines(text) {
		if len(line) < 57 || !strings.HasPrefix(line, "    0") || line[8:10] != "  " {
			continue
		}
		octets, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line[10:57]), " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if strings.HasPrefix(line, "    0000") {
			found = append(found, nil)
		}
		found[len(found)-1] = append(found[len(found)-1], octets...)
	}
	return found
}
