package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

const followingConfiguration = `operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
listen: {do53: ["%s"]}
state: ./state
resolver: {mode: forward, forward: ["%s"], dnssec: "off"}
blocklists:
  - {id: followed, purpose: security, category: phishing, title: {en: Followed}, publisher: {name: Example}, review_every: 90d, source: {%s}}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// TestOneNodeFollowsAnother: what one node publishes another has as a list: by transfer with
// TSIG, then by NOTIFY and differences, and after a restart without its primary.
func TestOneNodeFollowsAnother(t *testing.T) {
	t.Parallel()
	stub := upstream(t)
	ports := [3]netip.AddrPort{freePort(t), freePort(t), freePort(t)}
	random := newPolicyWorld(testRandom())
	files := random.files([3]netip.AddrPort{ports[0], ports[1], ports[1]})
	leading := write(t, files)
	replaceIn(t, filepath.Join(leading, "recourse.yaml"), "UPSTREAM", stub)
	replaceIn(t, filepath.Join(leading, "recourse.yaml"), "  allow_unsigned: [127.0.0.1/32]   # Unbound has no TSIG\n", "")
	replaceIn(t, filepath.Join(leading, "recourse.yaml"), ", answer: zero", "")
	replaceIn(t, filepath.Join(leading, "recourse.yaml"), "purposes: [law, security]", "purposes: [security]")
	source := fmt.Sprintf(`rpz: %s, primary: ["%s"], tsig: {name: fleet-key, algorithm: hmac-sha256, secret_file: transfer.key}, refresh: 1h`,
		policyZone, strings.Replace(ports[0].String(), ":", "@", 1))
	following := write(t, map[string]string{"recourse.yaml": fmt.Sprintf(followingConfiguration, ports[1], stub, source), "transfer.key": transferKey})
	leader, follower := startIn(t, leading), startIn(t, following)
	endLeader := sync.OnceValue(leader.Close)
	defer endLeader()
	name := strings.TrimPrefix(random.security[0], "*.")
	awaitOutcome(t, follower, name, "nxdomain")
	names := random.questions(testRandom())[:1000]
	for _, asked := range names {
		if strings.HasSuffix(asked, "law-example.") {
			continue // whose law is not published
		}
		if ours, theirs := outcomeAt(ports[1], asked), outcomeAt(ports[0], asked); ours != theirs {
			t.Errorf("%s: %s by who follows, %s by who leads", asked, ours, theirs)
		}
	}
	changed := append(random.security[1:], "fresh.fresh-example")
	if err := os.WriteFile(filepath.Join(leading, "security.txt"), []byte(strings.Join(changed, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitOutcome(t, follower, "fresh.fresh-example", "nxdomain")
	awaitOutcome(t, follower, name, outcomeAt(ports[0], name)) // the name may be in another list, too
	if err := follower.Close(); err != nil {
		t.Fatal(err)
	}
	if err := endLeader(); err != nil {
		t.Fatal(err)
	}
	follower = startIn(t, following)
	defer func() {
		if err := follower.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := outcomeAt(ports[1], "fresh.fresh-example"); got != "nxdomain" {
		t.Errorf("after a restart without the primary: %s", got)
	}
}

func startIn(t *testing.T, directory string) *node {
	t.Helper()
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestACatalogOfZones: each member is a list; one that leaves takes its entries along, and a
// catalog that breaks changes nothing.
func TestACatalogOfZones(t *testing.T) {
	t.Parallel()
	primary := newCatalogPrimary(t)
	primary.set("first", "second")
	stub := upstream(t)
	port := freePort(t)
	source := fmt.Sprintf(`catalog: all.rpz-example, primary: ["%s"], refresh: 1s`, strings.Replace(primary.address, ":", "@", 1))
	directory := write(t, map[string]string{"recourse.yaml": fmt.Sprintf(followingConfiguration, port, stub, source)})
	n := startIn(t, directory)
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	awaitOutcome(t, n, "bad.first", "nxdomain")
	awaitOutcome(t, n, "bad.second", "nxdomain")
	primary.set("second", "third")
	awaitOutcome(t, n, "bad.third", "nxdomain")
	awaitOutcome(t, n, "bad.first", "pass")
	asked := primary.count()
	primary.breakIt()
	for primary.count() < asked+4 {
		tickOrFail(t)
	}
	if got := outcomeAt(port, "bad.third"); got != "nxdomain" {
		t.Errorf("after the catalog broke: %s", got)
	}
}

// catalogPrimary serves a catalog, and for each member a zone that blocks bad.MEMBER.
type catalogPrimary struct {
	address string
	mu      sync.Mutex
	members []string
	serial  uint32
	broken  bool
	asked   int
}

func newCatalogPrimary(t *testing.T) *catalogPrimary {
	t.Helper()
	p := new(catalogPrimary)
	ready := make(chan struct{})
	server := &dns.Server{Addr: "127.0.0.1:0", Net: "tcp", NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(p.answer)}
	go func() { _ = server.ListenAndServe() }()
	<-ready
	t.Cleanup(func() { _ = server.Shutdown() })
	p.address = server.Listener.Addr().String()
	return p
}

func (p *catalogPrimary) set(members ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members = members
	p.serial++
}

func (p *catalogPrimary) breakIt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	p.serial++
}

func (p *catalogPrimary) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *catalogPrimary) answer(w dns.ResponseWriter, query *dns.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	zone := query.Question[0].Name
	lines := []string{fmt.Sprintf("%s 60 IN SOA localhost. nobody.invalid. %d 1 1 7200 60", zone, p.serial)}
	if query.Question[0].Qtype != dns.TypeSOA {
		lines = append(lines, p.contents(zone)...)
		lines = append(lines, lines[0])
	}
	reply := new(dns.Msg).SetReply(query)
	for _, line := range lines {
		record, err := dns.NewRR(line)
		if err != nil {
			return
		}
		reply.Answer = append(reply.Answer, record)
	}
	_ = w.WriteMsg(reply)
}

func (p *catalogPrimary) contents(zone string) []string {
	lines := []string{zone + " 60 IN NS localhost."}
	if zone != "all.rpz-example." {
		return append(lines, fmt.Sprintf("bad.%s%s 60 IN CNAME .", strings.TrimSuffix(zone, "rpz-example."), zone))
	}
	if p.broken {
		return append(lines, `version.all.rpz-example. 60 IN TXT "9"`)
	}
	lines = append(lines, `version.all.rpz-example. 60 IN TXT "2"`)
	for _, member := range p.members {
		lines = append(lines, fmt.Sprintf("m-%s.zones.all.rpz-example. 60 IN PTR %s.rpz-example.", member, member))
	}
	return lines
}
