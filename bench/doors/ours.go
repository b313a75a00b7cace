package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/recourse-dns/recourse/bench/peer"
)

// listLength is how many names each list has where none is said to have more.
const listLength = 100_000

// ours is what is on while we are measured: a list of each purpose with policy for a client of
// theirs, pages and metrics. The list for security has as many names as it says.
type ours struct {
	text string
	web  netip.AddrPort
	file string // of the list for security
}

func (w *world) ours(listed int) (*ours, error) {
	dir, err := os.MkdirTemp(w.dir, "lists")
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		id     string
		length int
	}{{"law", listLength}, {"security", listed}, {"user", listLength}} {
		if err := os.WriteFile(filepath.Join(dir, one.id), []byte(listOf(one.id, one.length)), 0o600); err != nil {
			return nil, err
		}
	}
	web, err := peer.FreePort()
	if err != nil {
		return nil, err
	}
	metrics, err := peer.FreePort()
	if err != nil {
		return nil, err
	}
	return &ours{text: fmt.Sprintf(configuration, web, metrics, dir), web: web, file: filepath.Join(dir, "security")}, nil
}

// listOf is names of some length, none of which is asked for.
func listOf(id string, length int) string {
	var text strings.Builder
	for i := range length {
		fmt.Fprintf(&text, "host-%d.%s-%d.invalid.example.net\n", i, id, i%997)
	}
	return text.String()
}

// configuration is added to that of the doors. Limits are on, but do not stop the load.
const configuration = `  web: ["%[1]s"]
  web_trusted_proxies: [127.0.0.1/32]
  metrics: ["%[2]s"]
  response_rate_limit: {per_network: 10000000}
  limits: {connections: 200000, connections_per_client: 1000}
blocklists:
  - id: law
    purpose: law
    category: copyright
    title: {en: Orders}
    authority: {name: Example Court, kind: court, country: IT}
    legal_basis: [{act: Example Act, article: "1"}]
    order_ref: Example 1/2026
    jurisdiction: [IT]
    redress: {venues: [{kind: court, name: Example Court, url: "https://court.example/contest", for: merits}], deadline: 30d, deadline_from: notification, languages: [en], cost: free}
    at_enforce_by: hold
    source: {file: "%[3]s/law"}
    format: domains
    scope: subtree
    review_every: 180d
    answer: nxdomain
  - id: security
    purpose: security
    category: phishing
    title: {en: Phishing}
    publisher: {name: Example CERT, contact: "mailto:list@cert.example"}
    source: {file: "%[3]s/security"}
    format: domains
    scope: subtree
    review_every: 90d
    answer: nxdomain
  - id: user
    purpose: user
    category: gambling
    title: {en: Gambling}
    publisher: {name: Example Lists, contact: "mailto:list@lists.example"}
    source: {file: "%[3]s/user"}
    format: domains
    scope: subtree
    review_every: 365d
    answer: nodata
profiles:
  - {id: household, requested: {by: bench, at: 2026-11-01}, categories: [gambling]}
clients:
  - {match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT, profile: household}
desk: {store: sqlite}`
