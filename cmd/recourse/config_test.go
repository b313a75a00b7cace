package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// fixtures are whole files and the keys that each is warned about.
var fixtures = map[string][]string{
	"forward":     {},
	"household":   {"desk.plain_sign_in"},
	"conformance": {"operator.portal", "resolver.validation_time", "bundle.guard"},
	"isp": {"bundle.popular.file",
		"serve_rpz.jurisdiction",
		"desk.store"},
}

func TestLoadConfigWarnsOfWhatComesLater(t *testing.T) {
	for name, want := range fixtures {
		_, warnings, err := LoadConfig(filepath.Join("testdata", "config", name+".yaml"))
		if err != nil {
			t.Errorf("%s: %s", name, err)
			continue
		}
		var paths []string
		for _, warning := range warnings {
			if warning.Line == 0 {
				t.Errorf("%s: a warning without a line: %s", name, warning)
			}
			paths = append(paths, warning.Path)
		}
		slices.Sort(paths)
		want = slices.Sorted(slices.Values(want))
		if !slices.Equal(paths, want) {
			t.Errorf("%s: warned of\n%q, not of\n%q", name, paths, want)
		}
	}
}

// TestContractExamples loads the example files of the contract, which lie beside
// the repository on machines where it is worked on.
func TestContractExamples(t *testing.T) {
	examples, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "examples", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) == 0 {
		t.Skip("real data is absent: no folder shared/examples beside the repository; the fixtures of TestLoadConfigWarnsOfWhatComesLater stand in")
	}
	for _, path := range examples {
		config, _, err := LoadConfig(path)
		if lacksOnlyFiles(err) {
			continue // certificates, secrets and servers of a machine that this is not
		}
		if err != nil {
			t.Errorf("%s", err)
		} else if config.Operator.Name == "" || len(config.Listen.Do53) == 0 {
			t.Errorf("%s: read as %+v", path, config)
		}
	}
}

func lacksOnlyFiles(err error) bool {
	var problems *ConfigError
	return errors.As(err, &problems) && !slices.ContainsFunc(problems.Problems, func(p Problem) bool {
		return !strings.Contains(p.Text, "no such file or directory")
	})
}

func TestLoadConfigValues(t *testing.T) {
	config, _, err := LoadConfig(filepath.Join("testdata", "config", "conformance.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	settings := config.Resolver
	settings.ValidationTime, settings.ServeStale, settings.Harden = time.Time{}, ServeStale{}, Harden{}
	want := Resolver{Mode: "recurse", DNSSEC: "validate", Cache: 64 << 20, PersistCache: true, RootHints: "hints.zone", TrustAnchors: "anchors.zone",
		QueryLocalhost: true, IPv4: true, UpstreamPort: 5353, EDNSSize: 1400, Structured: Structured{Option: structuredOption}, LocalZones: "default", QNAMEMinimisation: "off",
		SHA1: "validate", Rollover: "builtin", Opportunistic: "off",
		TTL:                  TTL{Min: 5 * time.Second, Max: 12 * time.Hour, MaxNegative: 30 * time.Minute},
		NegativeTrustAnchors: []NegativeTrustAnchor{}, Zones: []Zone{}, PrivateAddresses: []netip.Prefix{}}
	if !reflect.DeepEqual(settings, want) {
		t.Errorf("resolver:\n got %+v\nwant %+v", settings, want)
	}
	hints, err := config.RootHints()
	if err != nil || len(hints) != 2 {
		t.Errorf("hints: %v, %v", hints, err)
	}
	anchors, named, err := config.TrustAnchors()
	if err != nil || !named || len(anchors) != 2 {
		t.Errorf("anchors: %v, %v, %v", anchors, named, err)
	}
	if lists := config.Loadable(); len(lists) != 1 || lists[0].Manifest.ID != "rpz0" {
		t.Errorf("loadable: %v", lists)
	}
}

func TestLoadConfigForward(t *testing.T) {
	config, _, err := LoadConfig(filepath.Join("testdata", "config", "forward.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []resolver.Server{{Addr: netip.MustParseAddrPort("127.0.0.1:5399")}, {Addr: netip.MustParseAddrPort("9.9.9.9:853"), Transport: resolver.OverTLS}}
	if got := servers(config.Resolver.Forward); !slices.Equal(got, want) {
		t.Errorf("upstreams %v, not %v", got, want)
	}
	if config.Operator.Portal != "http://127.0.0.1:8080" {
		t.Errorf("portal %q keeps its slash", config.Operator.Portal)
	}
	if got := config.StateDir(); got != filepath.Join("testdata", "config", "state") {
		t.Errorf("state in %q", got)
	}
	catalog, err := config.Catalog()
	if err != nil || len(catalog.Lists()) != 3 {
		t.Fatalf("catalog %v, %v", catalog, err)
	}
	court := catalog.List("court")
	if want := filepath.Join("testdata", "config", "lists", "court.txt"); court.Source.File != want {
		t.Errorf("court's source is %q, not %q", court.Source.File, want)
	}
	if court.Purpose != blocklists.Law || court.Scope != blocklists.Subtree || court.Redress.Deadline != 720*time.Hour || court.LegalBasis[0].Article != "163" {
		t.Errorf("court read as %+v", court)
	}
	if secret, err := config.ReadToken(&config.Desk.Tokens[0]); err != nil || secret != "reviewer-test-token-0123456789abcdef" {
		t.Errorf("token %q, %v", secret, err)
	}
	problem := config.Problem("blocklists[2].source.file", "is %s", "HTML")
	if want := "testdata/config/forward.yaml:58: blocklists[2].source.file: is HTML"; problem.String() != want {
		t.Errorf("%s, not %s", problem, want)
	}
}

func TestQuickStart(t *testing.T) {
	for _, lab := range []bool{false, true} {
		config, err := QuickStart(lab)
		if err != nil {
			t.Fatal(err)
		}
		if len(config.report.warnings) > 0 {
			t.Errorf("warns: %v", config.report.warnings)
		}
		if config.Resolver.QueryLocalhost != lab {
			t.Errorf("lab %v: query_localhost %v", lab, config.Resolver.QueryLocalhost)
		}
		if got := config.StateDir(); got != "recourse-state" {
			t.Errorf("state in %q", got)
		}
		purposes := map[blocklists.Purpose]bool{}
		for _, list := range config.Loadable() {
			purposes[list.Manifest.Purpose] = true
		}
		found := inspectLists(t.Context(), config)
		want := []ListFinding{{"example-law", blocklists.Law, 1, 0}, {"example-security", blocklists.Security, 2, 0}, {"example-user", blocklists.User, 2, 0}}
		if !slices.Equal(found.Lists, want) || len(found.Problems)+len(found.Warnings) > 0 {
			t.Errorf("lists: %+v", found)
		}
		if len(purposes) != 3 {
			t.Errorf("purposes %v, not all three", purposes)
		}
	}
}

// smallest is the shortest configuration without a problem or a warning.
const smallest = `operator: {name: A, contact: "mailto:a@b.example", portal: "http://127.0.0.1"}
listen: {do53: ["127.0.0.1:5300"]}
state: ./state
resolver: {mode: recurse}
clients: [{match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT}]
blocklists: [{id: a, purpose: user, category: adult, title: {en: A}, publisher: {name: B}, source: {file: a.txt}, format: domains, review_every: 1d}]
profiles: [{id: p, requested: {by: x, at: 2026-01-01}, categories: [adult]}]
desk: {tokens: [{name: r, role: reviewer, file: r.token}]}
`

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.txt": "a.example\n", "r.token": "0123456789abcdef\n", "short.token": "secret", "two.secret": "# ours\n00112233445566778899aabbccddeeff\nffeeddccbbaa99887766554433221100\n", "two.token": "0123456789abcdef\n0123456789abcdef\n",
		"long.token": strings.Repeat("x", maxSecret+1), "junk.zone": "this is no zone\n", "empty.zone": "; nothing\n",
		"a.zone": "a.example. 60 IN A 192.0.2.1\n", "root.zone": ". NS a.root.example.\na.root.example. A 192.0.2.1\n", "include.zone": "$INCLUDE a.zone\n", "file": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	law := `{id: l, purpose: law, category: copyright, title: {en: L}, authority: {name: C, kind: court, country: IT}, legal_basis: [{act: X}], jurisdiction: [IT], redress: {venues: [{name: C}], deadline_from: notification}, at_enforce_by: hold, source: {file: a.txt}, format: domains, review_every: 1d}`
	for _, test := range []struct{ name, old, new, want string }{
		{"nothing wrong", "", "", ""},
		{"no operator", smallest[:strings.Index(smallest, "\n")+1], "", "f:1: operator.name: is missing: who answers for this resolver; and contact: is missing: a mailto:\nf:1: warning: operator.portal: is missing"},
		{"bare mail address", "mailto:a@b.example", "a@b.example", `f:1: operator.contact: "a@b.example" is not a mailto:, tel: or https: address: write mailto:a@b.example`},
		{"phone", `contact: "mailto:a@b.example"`, `contact: "mailto:a@b.example", phone: "0612"`, `f:1: operator.phone: "0612" is not a tel: address`},
		{"database", `contact: "mailto:a@b.example"`, `contact: "mailto:a@b.example", database: a/b`, `f:1: operator.database: "a/b" is not the name of a database`},
		{"contact over http", "mailto:a@b.example", "http://b.example", `f:1: operator.contact: "http://b.example" is not`},
		{"telephone", "mailto:a@b.example", "tel:+39-06-1", ""},
		{"language", "portal:", "languages: [english please], portal:", `f:1: operator.languages[0]: "english please" is not a language tag`},
		{"portal", "http://127.0.0.1", "dns.example", `f:1: operator.portal: "dns.example" is not an http or https address`},
		{"portal with query", "http://127.0.0.1", "http://a.example/?q", "f:1: operator.portal: \"http://a.example/?q\" has a query"},
		{"portal with password", "http://127.0.0.1", "http://a:b@a.example/", "f:1: operator.portal:"},
		{"no door", "do53: [\"127.0.0.1:5300\"]", "", "f:2: listen.do53: is missing: where questions come in"},
		{"an encrypted door alone", "do53:", "dot:", ""},
		{"everybody a load balancer", "do53: [\"127.0.0.1:5300\"]", "do53: [\"127.0.0.1:5300\"], proxy_protocol_from: [192.0.2.1/32, \"::/0\"]", "f:2: listen.proxy_protocol_from[1]: believes everybody's word"},
		{"one socket twice", "do53: [\"127.0.0.1:5300\"]", "do53: [\"127.0.0.1:5300\"], web: [\"127.0.0.1:5300\"]", "f:2: listen.web[0]: 127.0.0.1 port tcp 5300 is taken by listen.do53[0] already"},
		{"all addresses and one", "do53: [\"127.0.0.1:5300\"]", "do53: [\"127.0.0.1:5300\", \"0.0.0.0:5300\"]", "f:2: listen.do53[1]: 0.0.0.0 port udp 5300 is taken by listen.do53[0] already"},
		{"both families", "do53: [\"127.0.0.1:5300\"]", "do53: [\"0.0.0.0:53\", \"[::]:53\"]", ""},
		{"any free port", "do53: [\"127.0.0.1:5300\"]", "do53: [\"127.0.0.1:0\"], web: [\"127.0.0.1:0\"]", ""},
		{"limits of clients", "do53:", "rate_limit: {per_client: 200, burst: 400}, response_rate_limit: {per_network: 0}, slip: 0, nsid: ams1, cookie_secret_file: two.secret, limits: {waiting: 10, connections: 20, connections_per_client: 20}, do53:", ""},
		{"open to all", "[\"127.0.0.0/8\"]", "[\"127.0.0.0/8\", \"::/0\"]", "f:5: warning: clients[0].match.networks[1]: ::/0 admits everybody, and listen.rate_limit bounds nobody"},
		{"burst of nothing", "do53:", "rate_limit: {burst: 10}, do53:", "f:2: listen.rate_limit.burst: is of no use without per_client: how many a second"},
		{"burst of an hour", "do53:", "response_rate_limit: {per_network: 10, burst: 36000}, do53:", "f:2: listen.response_rate_limit.burst: 36000 is more than a minute of per_network brings, 600"},
		{"no limit at all", "do53:", "rate_limit: {per_client: 4000000000}, do53:", "f:2: listen.rate_limit.per_client: 4000000000 a second is more than 10000000"},
		{"held by one", "do53:", "limits: {connections: 10, connections_per_client: 11}, do53:", "f:2: listen.limits.connections_per_client: 11 is more than the 10 connections of all clients"},
		{"held by all", "do53:", "limits: {waiting: 4000000000}, do53:", "f:2: listen.limits.waiting: 4000000000 is more than"},
		{"a long name of the server", "do53:", "nsid: " + strings.Repeat("n", 65) + ", do53:", "f:2: listen.nsid: has 65 octets, more than 64"},
		{"a name that nobody can read", "do53:", "nsid: é, do53:", `f:2: listen.nsid: "é" is not printable ASCII, as ams1.dns.example.net`},
		{"no cookie secret", "do53:", "cookie_secret_file: no.secret, do53:", `f:2: listen.cookie_secret_file: "no.secret" (` + dir + `/no.secret) cannot be read: no such file or directory`},
		{"a short cookie secret", "do53:", "cookie_secret_file: r.token, do53:", `f:2: listen.cookie_secret_file: "r.token" (` + dir + `/r.token) line 1: has 16 characters, not the 32 hexadecimal digits of a secret`},
		{"shared and somebody's", "jurisdiction: IT}]", "jurisdiction: IT, shared: true, profile: p}]", "f:5: clients[0].profile: cannot be of a row that is shared"},
		{"no state", "state: ./state\n", "", "f:1: state: is missing"},
		{"state is a file", "./state", "file", `f:3: state: "file" (` + dir + `/file) is not a directory`},
		{"forward to nobody", "mode: recurse", "mode: forward", "f:4: resolver.forward: is missing: whom to ask in mode forward"},
		{"encrypted upstreams", "mode: recurse", "mode: forward, forward: [\"quic://9.9.9.9\", \"https://dns.example@9.9.9.9/q\", \"h3://9.9.9.9\"], zones: [{zone: a.home.arpa, stub: [\"tls://ns.example@192.0.2.1\"]}]", ""},
		{"upstream by name", "mode: recurse", "mode: forward, forward: [\"tls://9.9.9.9\", \"https://dns.example/q\"]", `f:4: resolver.forward[1]: "dns.example" must be looked up: say who does, as resolver.bootstrap: ["192.0.2.53"], or give its address too, as https://dns.example@192.0.2.53`},
		{"zone by name", "mode: recurse", "mode: recurse, zones: [{zone: a.home.arpa, forward: [\"tls://dns.example\"]}]", `f:4: resolver.zones[0].forward[0]: "dns.example" must be looked up`},
		{"bootstrap", "mode: recurse", "mode: forward, forward: [\"https://dns.example/q\"], bootstrap: [192.0.2.53, \"tls://192.0.2.54\"]", ""},
		{"bootstrap of a zone", "mode: recurse", "mode: recurse, bootstrap: [192.0.2.53], zones: [{zone: a.home.arpa, forward: [\"tls://dns.example\"]}]", ""},
		{"bootstrap by name", "mode: recurse", "mode: forward, forward: [\"https://dns.example/q\"], bootstrap: [\"tls://boot.example\"]", `f:4: resolver.bootstrap[0]: "boot.example" has no address: write tls://boot.example@192.0.2.53`},
		{"bootstrap for nobody", "mode: recurse", "mode: forward, forward: [192.0.2.1], bootstrap: [192.0.2.53]", "f:4: warning: resolver.bootstrap: is not used: all upstreams have addresses"},
		{"stub by name", "mode: recurse", "mode: recurse, bootstrap: [192.0.2.53], zones: [{zone: a.home.arpa, stub: [\"tls://ns.example\"]}]", `f:4: resolver.zones[0].stub[0]: "ns.example" has no address: write tls://ns.example@192.0.2.53` + "\nf:4: warning: resolver.bootstrap: is not used"},
		{"authority that is not there", "mode: recurse", "mode: recurse, upstream_ca: none.pem", `f:4: resolver.upstream_ca: "none.pem" (` + dir + `/none.pem) cannot be read`},
		{"authority that is none", "mode: recurse", "mode: recurse, upstream_ca: a.txt", "resolver.upstream_ca: \"a.txt\" (" + dir + "/a.txt) holds no certificate in PEM"},
		{"tries of authorities", "mode: recurse", "mode: recurse, opportunistic: dot", ""},
		{"tries of nobody", "mode: recurse", "mode: forward, forward: [192.0.2.1], opportunistic: dot", "f:4: warning: resolver.opportunistic: does nothing"},
		{"tries in another way", "mode: recurse", "mode: recurse, opportunistic: doq", `f:4: resolver.opportunistic: "doq" is not one of off, dot`},
		{"upstream", "mode: recurse", "mode: forward, forward: [dns.example]", `f:4: resolver.forward[0]: server "dns.example": has a name: without encryption a server is known by its address alone; write tls://NAME or the address`},
		{"upstream not used", "mode: recurse", "forward: [192.0.2.1]", "f:4: warning: resolver.forward: is not used: resolver.mode is recurse"},
		{"small cache", "mode: recurse", "cache: 1kB", "f:4: resolver.cache: is smaller than 1MiB"},
		{"payload", "mode: recurse", "edns_size: 100", "f:4: resolver.edns_size: 100 is not from 512 to 4096"},
		{"option", "mode: recurse", "structured_errors: {option: 15}", "f:4: resolver.structured_errors.option: 15 means something else; until IANA assigns one, say 65001, or 0 for none"},
		{"port", "mode: recurse", "upstream_port: 0", "f:4: resolver.upstream_port: 0 is no port"},
		{"TTLs", "mode: recurse", "ttl: {min: 2d}", "f:4: resolver.ttl.min: 48h0m0s is longer than resolver.ttl.max, 24h0m0s"},
		{"no family", "mode: recurse", "ipv4: false, ipv6: false", "f:4: resolver.ipv4: is false, and so is ipv6"},
		{"no hints", "mode: recurse", "root_hints: no.zone", `f:4: resolver.root_hints: "no.zone" (` + dir + `/no.zone) cannot be read: no such file or directory`},
		{"hints without servers", "mode: recurse", "root_hints: a.zone", "holds no NS record of the root"},
		{"junk for hints", "mode: recurse", "root_hints: junk.zone", "junk.zone) is no zone file: dns:"},
		{"hints elsewhere", "mode: recurse", "root_hints: include.zone", "include.zone) is no zone file: dns:"},
		{"a directory for hints", "mode: recurse", "root_hints: .", "is not a file"},
		{"other anchors", "mode: recurse", "trust_anchors: a.zone", "a.zone) holds a record of type A; an anchor is DS or DNSKEY"},
		{"empty anchors", "mode: recurse", "trust_anchors: empty.zone", "holds no anchor; for none at all write trust_anchors: none"},
		{"no anchors", "mode: recurse", "trust_anchors: none, dnssec: process", ""},
		{"validation without anchors", "mode: recurse", "trust_anchors: none", "f:4: warning: resolver.trust_anchors: there is no anchor"},
		{"zone", "mode: recurse", "zones: [{forward: [192.0.2.1], stub: [192.0.2.2]}]", "f:4: resolver.zones[0].zone: is missing\nf:4: resolver.zones[0]: must have one of forward and stub"},
		{"nothing to distrust", "mode: recurse", "negative_trust_anchors: [{until: 2036-01-01}]", "f:4: resolver.negative_trust_anchors[0].zone: is missing"},
		{"distrust without end", "mode: recurse", "negative_trust_anchors: [{zone: a.example}]", "f:4: warning: resolver.negative_trust_anchors[0]: has no end"},
		{"distrust that is over", "mode: recurse", "negative_trust_anchors: [{zone: a.example, until: 2020-01-01}]", "f:4: warning: resolver.negative_trust_anchors[0].until: is past"},
		{"time server", "mode: recurse", "ntp_names: [\"a..b\"]", `f:4: resolver.ntp_names[0]: "a..b" is not a domain name`},
		{"pretended time", "mode: recurse", "validation_time: 2026-01-02", "f:4: warning: resolver.validation_time: signatures are judged as of 2026-01-02T00:00:00Z"},
		{"SHA-1", "mode: recurse", "sha1: maybe", "f:4: resolver.sha1:"},
		{"zones", "mode: recurse", "zones: [{zone: a.example, stub: [192.0.2.1@5353]}, {zone: A.example., forward: [tls://192.0.2.1]}, {zone: a..b, stub: [192.0.2.1]}]", "f:4: resolver.zones[1].zone: \"A.example.\" is there twice\nf:4: resolver.zones[2].zone: \"a..b\" is not a name"},
		{"no clients", smallest[strings.Index(smallest, "clients:"):strings.Index(smallest, "blocklists:")], "", "f:1: warning: clients: is missing: nobody is admitted"},
		{"shadowed row", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {networks: [127.0.0.0/8]}}]", "f:5: clients[1]: never matches"},
		{"profile that is not there", "jurisdiction: IT}]", "jurisdiction: IT, profile: q}]", `f:5: clients[0].profile: no profile has the id "q"`},
		{"jurisdiction", "jurisdiction: IT}]", "jurisdiction: Italy}]", `f:5: clients[0].jurisdiction: "Italy" is not an ISO 3166 code`},
		{"no purpose", "purpose: user, ", "", "f:6: blocklists[0].purpose: is missing: a list without one does not load; say law, security or user"},
		{"wrong purpose is told once", "purpose: user", "purpose: fun", `f:6: blocklists[0].purpose: purpose "fun" is not one of law, security, user`},
		{"list that is not there", "a.txt", "b.txt", `f:6: blocklists[0].source.file: "b.txt" (` + dir + `/b.txt) cannot be read: no such file or directory`},
		{"nothing built in", "a.txt", "builtin:x", `f:6: blocklists[0].source.file: "builtin:x" is not built in: law, security and user are`},
		{"built in, out of its folder", "a.txt", "builtin:../quickstart.yaml", "is not built in"},
		{"one id twice", "review_every: 1d}]", "review_every: 1d}, " + strings.Replace(law, "id: l", "id: a", 1) + "]", `f:6: blocklists[1].id: "a" is the id of blocklists[0] already`},
		{"an empty list", "review_every: 1d}]", "review_every: 1d}, ~]", "f:6: blocklists[1]: is empty"},
		{"no page", "format: domains", "answer: page, format: domains", "f:6: blocklists[0].answer: page needs an address in block_page.ipv4 or block_page.ipv6"},
		{"ended list", "format: domains", "expires: 2020-01-01, format: domains", `f:6: warning: blocklists[0].expires: list "a" ended on 2020-01-01`},
		{"law for nobody", "jurisdiction: IT}]\nblocklists: [", "}]\nblocklists: [" + law + ", ", `f:5: clients[0]: has no jurisdiction, so that no law list, as "l", would hold for its networks`},
		{"law for nobody, with a reason", "jurisdiction: IT}]\nblocklists: [", "jurisdiction: none, because: A laboratory.}]\nblocklists: [" + law + ", ", ""},
		{"law for nobody, without one", "jurisdiction: IT}]\nblocklists: [", "jurisdiction: none}]\nblocklists: [" + law + ", ", "f:5: clients[0].because: is missing: say why no law list is for these networks"},
		{"no law, and nothing said", "jurisdiction: IT}]", "}]", ""},
		{"anyone, where there is law", "jurisdiction: IT}]\nblocklists: [", "jurisdiction: IT}, {match: {server_name: a.example}, anyone: true}]\nblocklists: [" + law + ", ", "f:5: warning: clients[1]: admits anyone by name, and no law list, as \"l\", holds for whom no network is known"},
		{"law chosen by a name", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {server_name: a.example}, jurisdiction: FR}]", "f:5: clients[1].jurisdiction: cannot be chosen by a name: networks alone bind to one"},
		{"shadowed name", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {server_name: a.example}}, {match: {server_name: a.example, path: /dns-query/x}}]", "f:5: clients[2]: never matches: clients[1] above it takes whomever it asks for"},
		{"shadowed by halves", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {networks: [10.0.0.0/9]}}, {match: {networks: [10.128.0.0/9]}}, {match: {networks: [10.0.0.0/8]}}]", "f:5: clients[3]: never matches: rows take in all parts of 10.0.0.0/8"},
		{"contradiction", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {server_name: a.example, networks: [10.0.0.0/8]}, anyone: true}]", "f:5: clients[1].anyone: contradicts match"},
		{"hardware address", "jurisdiction: IT}]", "jurisdiction: IT}, {match: {mac: [\"02:00:5e\"]}}]", `f:5: clients[1].match.mac[0]: "02:00:5e" is not a hardware address`},
		{"law", "blocklists: [", "blocklists: [" + law + ", ", ""},
		{"nobody asked", "requested: {by: x, at: 2026-01-01}, ", "", "f:7: profiles[0].requested.by: is missing: a profile that filters says who asked for it; and at: is missing"},
		{"nobody's name", "{by: x, at: 2026-01-01}", "{}", "f:7: profiles[0].requested.by: is missing\nf:7: profiles[0].requested.at: is missing"},
		{"slip in a key is told once", "purpose: user", "purpsoe: user", `f:6: blocklists[0].purpsoe: unknown key; did you mean "purpose"?`},
		{"slip in a section is told once", "profiles:", "profile:", `f:7: profile: unknown key; did you mean "profiles"?`},
		{"law without redress", "blocklists: [", "blocklists: [" + strings.Replace(law, "redress: {venues: [{name: C}], deadline_from: notification}, ", "", 1) + ", ",
			"f:6: blocklists[0].redress.venues: is missing: where the owner of a name contests the order; and deadline_from: must be one of"},
		{"category of no list", "categories: [adult]", "categories: [games]", `f:7: profiles[0].categories[0]: no list of purpose user has category "games"`},
		{"store", "desk: {", "desk: {store: mysql, ", `f:8: desk.store: "mysql" is neither sqlite nor a postgres:// address`},
		{"store without a database", "desk: {", "desk: {store: 'postgres://desk@db.example', ", `f:8: desk.store: names no database: postgres://desk@db.example/recourse`},
		{"store that is no address", "desk: {", "desk: {store: 'postgres://desk:hidden@db.example:no/recourse', ", `f:8: desk.store: is no address of PostgreSQL`},
		{"store of several servers", "desk: {", "desk: {store: 'postgres://desk@127.0.0.1:5432,127.0.0.1:5433/recourse', ", `names several servers, of which the first that answers is taken`},
		{"store of several servers, the second of them far", "desk: {", "desk: {store: 'postgres://desk@127.0.0.1,db.example/recourse?target_session_attrs=read-write', ", `"db.example" is reached without looking at its certificate`},
		{"store with a setting that is none", "desk: {", "desk: {store: 'postgres://desk:hidden@db.example/recourse?sslmode=maybe', ", `f:8: desk.store: address postgres://desk:xxxxx@db.example/recourse?sslmode=maybe: `},
		{"token that is not there", "r.token", "s.token", `f:8: desk.tokens[0].file: "s.token" (` + dir + `/s.token) cannot be read`},
		{"short token", "r.token", "short.token", "short.token) holds a token of 6 characters; at least 16"},
		{"two tokens in a file", "r.token", "two.token", "two.token) holds more than one word"},
		{"long token", "r.token", "long.token", "long.token) holds more than the 1024 octets of a token"},
		{"token without anything", "{name: r, role: reviewer, file: r.token}", "{}", "f:8: desk.tokens[0].name: is missing\nf:8: desk.tokens[0].file: is missing\nf:8: desk.tokens[0].role: is missing"},
		{"role", "role: reviewer", "role: reviewers", `f:8: desk.tokens[0].role: "reviewers" is not one of reviewer, second_reviewer,`},
		{"bound reviewer", "role: reviewer", "role: reviewer, lists: [a]", "f:8: desk.tokens[0]: authority, jurisdiction, lists and daily_max bind tokens of role authority only"},
		{"list of a token", "role: reviewer", "role: authority, authority: C, jurisdiction: [IT], lists: [b]", `f:8: desk.tokens[0].lists[0]: no list has the id "b"`},
		{"ended token", "role: reviewer", "role: reviewer, until: 2020-01-01", `f:8: warning: desk.tokens[0].until: token "r" ended on 2020-01-01`},
		{"one name twice", "r.token}", "r.token}, {name: r, role: reviewer, file: r.token}", `f:8: desk.tokens[1].name: "r" is the name of desk.tokens[0] already`},
		{"a forward for a public name", "mode: recurse", "mode: recurse, zones: [{zone: shop.example.com, forward: [192.0.2.1]}]", `f:4: resolver.zones[0].zone: "shop.example.com" is a public name`},
		{"a forward below another root", "mode: recurse", "mode: recurse, root_hints: root.zone, zones: [{zone: shop.example.com, forward: [192.0.2.1]}]", `f:4: warning: resolver.zones[0].zone: "shop.example.com" is a public name`},
		{"hints that nothing uses", "mode: recurse", "mode: forward, forward: [192.0.2.1], root_hints: root.zone, zones: [{zone: shop.example.com, forward: [192.0.2.1]}]", `f:4: resolver.zones[0].zone: "shop.example.com" is a public name`},
		{"protected name", "desk:", "bundle: {protected: [a.example, 192.0.2.0/24, b..example]}\ndesk:", `f:8: bundle.protected[2]: "b..example" is no name to list: has an empty label; write NAME, =NAME for the name alone, .NAME for all below it, or a network`},
		{"popular without a file", "desk:", "bundle: {popular: {hold_above: 10}}\ndesk:", "f:8: bundle.popular.file: is missing: hold_above needs the names by rank"},
		{"popular file that is not there", "desk:", "bundle: {popular: {file: none.txt, hold_above: 10}}\ndesk:", `f:8: warning: bundle.popular.file: "none.txt" cannot be read: no such file or directory; until it can, its names are not known`},
		{"popular file that is none", "desk:", "bundle: {popular: {file: two.token, hold_above: 10}}\ndesk:", `f:8: bundle.popular.file: not a list of popular names: it has no names`},
		{"limits", "desk:", "bundle: {limits: {growth: 0%, shrink: 5000}}\ndesk:", `f:8: bundle.limits.growth: "0%" is no limit: a share as 20%, or a number of entries as 5000`},
		{"licence without names", "desk:", "bundle: {licensed: [{title: ANJ}]}\ndesk:", "f:8: bundle.licensed[0].file: is missing: the names, one a line"},
		{"no generation", "desk:", "bundle: {keep: 0}\ndesk:", "f:8: bundle.keep: must be at least 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(smallest, test.old, test.new, 1)
			if test.old != "" && text == smallest {
				t.Fatal("changes nothing")
			}
			report := newReport("f")
			report.dir = dir
			parseConfig([]byte(text), report)
			compareReport(t, report, test.want)
		})
	}
}

// compareReport wants the lines, each by its beginning or a part of it, and no other.
func compareReport(t *testing.T, report *report, want string) {
	t.Helper()
	var got []string
	if err := report.err(); err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	for _, warning := range report.sortedWarnings() {
		got = append(got, warning.String())
	}
	var wanted []string
	if want != "" {
		wanted = strings.Split(want, "\n")
	}
	same := len(got) == len(wanted)
	for i := range min(len(got), len(wanted)) {
		same = same && strings.Contains(got[i], wanted[i])
	}
	if !same {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestLoadConfigOfNoFile(t *testing.T) {
	config, _, err := LoadConfig(filepath.Join("testdata", "none.yaml"))
	if config != nil || err == nil || err.Error() != "testdata/none.yaml: cannot be read: no such file or directory" {
		t.Errorf("got %v, %v", config, err)
	}
}
