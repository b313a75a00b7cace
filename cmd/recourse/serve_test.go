package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// configuration is forward.yaml of the examples in small, with ports that are free.
// UPSTREAM is replaced.
const configuration = `
operator: {name: Example Net, contact: "mailto:redress@example.net", portal: "http://127.0.0.1:8080", languages: [en, it]}
listen: {do53: ["127.0.0.1:0"], web: ["127.0.0.1:0"], metrics: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: forward, forward: ["UPSTREAM"], dnssec: off}
blocklists:
  - id: court
    purpose: law
    category: copyright
    title: {en: Court orders on copyright}
    authority: {name: Tribunale di Esempio, kind: court, country: IT}
    legal_basis: [{act: Legge 633/1941, article: "163"}]
    order_ref: RG 1234/2026
    jurisdiction: [IT]
    redress:
      venues: [{kind: court, name: Tribunale di Esempio, url: "https://court.example/ricorsi"}]
      deadline: 30d
      deadline_from: notification
      languages: [it]
    at_enforce_by: hold
    source: {file: lists/court.txt}
    format: domains
    scope: subtree
    review_every: 180d
  - id: phishing
    purpose: security
    category: phishing
    title: {en: Phishing}
    publisher: {name: Example CERT, contact: "mailto:fp@cert.example"}
    source: {file: lists/phishing.hosts, refresh: 1s}
    format: hosts
    scope: exact
    review_every: 90d
  - id: gambling
    purpose: user
    category: gambling
    title: {en: Gambling}
    publisher: {name: Example Lists, contact: "mailto:lists@example.net"}
    source: {file: lists/gambling.txt}
    format: domains
    scope: subtree
    review_every: 365d
    answer: nodata
profiles:
  - {id: kids, requested: {by: account-42, at: 2026-11-01}, categories: [gambling], allow: [lottery-museum.example], deny: [games.example]}
clients:
  - {match: {networks: ["127.0.0.2/32"]}, jurisdiction: IT, profile: kids}
  - {match: {networks: ["127.0.0.3/32"]}, jurisdiction: FR}
  - {match: {networks: ["127.0.0.1/32"]}, jurisdiction: IT}
desk: {store: sqlite, tokens: [{name: reviewer-1, role: reviewer, file: reviewer.token}]}
`

const reviewer = "reviewer-example-token-0123456789abcdef"

func exampleFiles(upstream string) map[string]string {
	return map[string]string{
		"recourse.yaml":        strings.ReplaceAll(configuration, "UPSTREAM", upstream),
		"lists/court.txt":      "# one name a line\nblocked-by-law.example\nXN--Bcher-kva.example\n",
		"lists/phishing.hosts": "0.0.0.0 phish.example\n0.0.0.0 www.phish.example # comment\n",
		"lists/gambling.txt":   "casino.example\nbet.example\n",
		"reviewer.token":       reviewer + "\n",
	}
}

// upstream is a server that gives every name one address.
func upstream(t testing.TB) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		if query.Question[0].Qtype == dns.TypeA {
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
		}
		if err := w.WriteMsg(reply); err != nil {
			t.Error(err)
		}
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return socket.LocalAddr().String()
}

// expected is what one client gets for one name.
type expected struct {
	from, name string
	qtype      uint16
	rcode      int
	answers    int
	ede        uint16 // 0: none
}

func (s *server) expect(t *testing.T, tests []expected) {
	t.Helper()
	for _, test := range tests {
		reply := s.ask(test.from, test.name, test.qtype)
		errors := extended(reply)
		got := uint16(0)
		if len(errors) > 0 {
			got = errors[0].InfoCode
		}
		if reply.Rcode != test.rcode || len(reply.Answer) != test.answers || got != test.ede || len(errors) > 1 && errors[1].InfoCode != dns.ExtendedErrorCodeForgedAnswer {
			t.Errorf("%s %s from %s: wanted rcode %d, %d answers, extended error %d; got\n%v", test.name, dns.TypeToString[test.qtype], test.from, test.rcode, test.answers, test.ede, reply)
		}
		if test.ede != 0 && got == test.ede {
			s.checkBlocked(t, reply, errors[0])
		}
	}
}

// explanationAddress is where a block is explained.
var explanationAddress = regexp.MustCompile(`http://(127\.0\.0\.1|dns\.home\.arpa):[0-9]+/r/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`)

// checkBlocked holds a blocked answer to the design: short, unsigned, explained.
func (s *server) checkBlocked(t *testing.T, reply *dns.Msg, explained *dns.EDNS0_EDE) {
	t.Helper()
	admitted := explained.InfoCode != 18
	if reply.Authoritative || reply.AuthenticatedData || reply.RecursionAvailable != admitted {
		t.Errorf("flags of a blocked answer: %v", reply.MsgHdr)
	}
	if !admitted { // nothing was judged
		return
	}
	for _, record := range append(reply.Ns, reply.Answer...) {
		if record.Header().Ttl > 60 || record.Header().Rrtype == dns.TypeRRSIG {
			t.Errorf("record of a blocked answer: %v", record)
		}
	}
	if len(explained.ExtraText) > 200 || !explanationAddress.MatchString(explained.ExtraText) {
		t.Errorf("explanation %q", explained.ExtraText)
	}
}

func TestPurposesJurisdictionsAndProfiles(t *testing.T) {
	t.Parallel()
	s := start(t, write(t, exampleFiles(upstream(t))), "--config", "recourse.yaml")
	s.expect(t, []expected{
		{"127.0.0.1", "blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16},
		{"127.0.0.1", "www.blocked-by-law.example", dns.TypeAAAA, dns.RcodeNameError, 0, 16},
		{"127.0.0.1", "XN--BCHER-KVA.example", dns.TypeTXT, dns.RcodeNameError, 0, 16},
		{"127.0.0.1", "phish.example", dns.TypeA, dns.RcodeNameError, 0, 15},
		{"127.0.0.1", "sub.phish.example", dns.TypeA, dns.RcodeSuccess, 1, 0}, // the hosts file said exact
		{"127.0.0.1", "www.casino.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"127.0.0.1", "games.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"127.0.0.2", "www.casino.example", dns.TypeA, dns.RcodeSuccess, 0, 17},
		{"127.0.0.2", "www.casino.example", dns.TypeHTTPS, dns.RcodeSuccess, 0, 17},
		{"127.0.0.2", "blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16},
		{"127.0.0.2", "a.games.example", dns.TypeA, dns.RcodeNameError, 0, 17},
		{"127.0.0.3", "blocked-by-law.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"127.0.0.3", "phish.example", dns.TypeA, dns.RcodeNameError, 0, 15},
		{"127.0.0.9", "www.shop.example", dns.TypeA, dns.RcodeRefused, 0, 18},
	})

	// Without an OPT record in the query there is none in the reply.
	bare := new(dns.Msg).SetQuestion("phish.example.", dns.TypeA)
	reply, err := s.exchange("127.0.0.1", bare)
	if err != nil || reply.Rcode != dns.RcodeNameError || reply.IsEdns0() != nil {
		t.Errorf("a client without EDNS got %v, %v", reply, err)
	}

	// The metrics say what was blocked, by list and purpose, and no name.
	_, text := s.page(s.metrics)
	for _, line := range []string{
		`recourse_blocks_total{list="court",purpose="law"} 4`, `recourse_queries_total{door="udp",outcome="blocked"}`,
		`recourse_queries_total{door="udp",outcome="refused"} 1`, "recourse_query_duration_seconds_count", "recourse_upstream_queries_total", "recourse_cache_hits_total",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
	text = regexp.MustCompile(`listener="[^"]*"`).ReplaceAllString(text, "") // our own addresses are no client's
	if strings.Contains(text, "example\"") || strings.Contains(text, "127.0.0.") {
		t.Error("metrics name a client or what it asked for")
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, text := s.page(s.web + path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	s.stop()
	if logged := s.stderr.String(); strings.Contains(logged, "phish.example") || strings.Contains(logged, "127.0.0.2") {
		t.Errorf("the log names who asked or what:\n%s", logged)
	}
}

// TestTheWayBack goes from a blocked name to a name that resolves and stays so.
func TestTheWayBack(t *testing.T) {
	t.Parallel()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	s := start(t, directory, "--lab", "--config", "recourse.yaml")
	const name = "phish.example"

	reply := s.ask("127.0.0.1", name, dns.TypeA)
	text := extended(reply)[0].ExtraText
	code := text[strings.LastIndexByte(text, '/')+1:]
	if status, page := s.page(s.web + "/r/" + code); status != http.StatusOK || !strings.Contains(page, name) || !strings.Contains(page, "Example CERT") {
		t.Errorf("the page of %s: %d\n%s", code, status, page)
	}
	status, reason := s.call("GET", "/api/v1/reasons/"+strings.ToLower(code), "", nil)
	if status != http.StatusOK || reason["name"] != name || reason["purpose"] != "security" || reason["list"] != "phishing" || reason["contest_url"] == nil {
		t.Errorf("the reason of %s: %d %v", code, status, reason)
	}
	status, found := s.call("GET", "/api/v1/lookup?name="+name, "", nil)
	if status != http.StatusOK || found["resolves_unfiltered"] != true || found["confidential_lists_not_searched"] != true || len(found["results"].([]any)) != 1 {
		t.Errorf("the look-up: %d %v", status, found)
	}

	status, opened := s.call("POST", "/api/v1/cases", "", map[string]any{"reason_code": code, "role": "owner", "explanation": "This is our shop and it was cleaned.", "good_faith": true})
	if status != http.StatusCreated {
		t.Fatalf("opening a case: %d %v", status, opened)
	}
	id, token := opened["id"].(string), opened["token"].(string)
	challenge := opened["challenge"].(map[string]any)["dns"].(map[string]any)
	if status, proof := s.call("POST", "/api/v1/cases/"+id+"/verify", token, map[string]any{"method": "dns"}); status != http.StatusOK || proof["verified"] != false {
		t.Errorf("proof without a record: %d %v", status, proof)
	}
	s.put(t, challenge["name"].(string), challenge["value"].(string))
	if status, proof := s.call("POST", "/api/v1/cases/"+id+"/verify", token, map[string]any{"method": "dns"}); status != http.StatusOK || proof["verified"] != true {
		t.Errorf("proof with the record: %d %v", status, proof)
	}

	decision := map[string]any{"outcome": "reverse", "facts": "The site serves no phishing page.", "ground": "The entry is stale."}
	if status, refused := s.call("POST", "/api/v1/cases/"+id+"/decision", token, decision); status == http.StatusOK {
		t.Errorf("the party decided its own case: %v", refused)
	}
	status, ruling := s.call("POST", "/api/v1/cases/"+id+"/decision", reviewer, decision)
	if status != http.StatusOK || ruling["effect"] == nil {
		t.Fatalf("decision: %d %v", status, ruling)
	}
	// The reversal covers the name with what lies below it (address and signature each).
	passes := []expected{{"127.0.0.1", name, dns.TypeA, dns.RcodeSuccess, 2, 0}, {"127.0.0.1", "www." + name, dns.TypeA, dns.RcodeSuccess, 2, 0}}
	s.expect(t, passes)

	s.kill()
	s = start(t, directory, "--lab", "--config", "recourse.yaml")
	s.expect(t, passes)

	// The feed says it again, in other words: the reversal stands.
	again := "0.0.0.0 PHISH.example www.phish.example another.example\n"
	if err := os.WriteFile(filepath.Join(directory, "lists", "phishing.hosts"), []byte(again), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool { return s.ask("127.0.0.1", "another.example", dns.TypeA).Rcode == dns.RcodeNameError })
	s.expect(t, passes)
	status, shown := s.call("GET", "/api/v1/cases/"+id, token, nil)
	if status != http.StatusOK || shown["state"] != "decided" || shown["merits"].(map[string]any)["state"] != "reversed" || shown["verified"] != true {
		t.Errorf("the case in the end: %d %v", status, shown)
	}
	s.stop()
}

// until asks again until it is so; the test's own deadline bounds it.
func (s *server) until(t testing.TB, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(20 * time.Second)
	for !so() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it never came about")
		}
	}
}

// put writes a TXT record into the miniature Internet, with the key that was printed.
func (s *server) put(t *testing.T, name, value string) {
	t.Helper()
	parts := strings.SplitN(s.nsupdate, ":", 3) // hmac-sha256:NAME:SECRET
	address := ""
	for _, line := range strings.Split(s.printed, "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "server" {
			address = net.JoinHostPort(fields[1], fields[2])
		}
	}
	labels := dns.SplitDomainName(name)
	update := new(dns.Msg).SetUpdate(dns.Fqdn(strings.Join(labels[len(labels)-2:], ".")))
	update.Insert([]dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{value}}})
	update.SetTsig(dns.Fqdn(parts[1]), dns.HmacSHA256, 300, time.Now().Unix())
	client := dns.Client{TsigSecret: map[string]string{dns.Fqdn(parts[1]): parts[2]}, Timeout: 5 * time.Second}
	reply, _, err := client.Exchange(update, address)
	if err != nil || reply.Rcode != dns.RcodeSuccess {
		t.Fatalf("update of %s at %s: %v, %v", name, address, reply, err)
	}
}

// TestLawIsReferred: the merits of an order are not decided here; that we carried it
// out wrongly is.
func TestLawIsReferred(t *testing.T) {
	t.Parallel()
	s := start(t, write(t, exampleFiles(upstream(t))), "--config", "recourse.yaml")
	status, opened := s.call("POST", "/api/v1/cases", "", map[string]any{"name": "https://www.blocked-by-law.example/shop", "role": "owner", "explanation": "We were never told of any order.", "good_faith": true})
	if status != http.StatusCreated || opened["state"] != "referred" {
		t.Fatalf("filing: %d %v", status, opened)
	}
	id := opened["id"].(string)
	decision := map[string]any{"outcome": "reverse", "facts": "The order names another host.", "ground": "Implementation error."}
	if status, answer := s.call("POST", "/api/v1/cases/"+id+"/decision", reviewer, decision); status != http.StatusConflict {
		t.Errorf("the merits of law: %d %v", status, answer)
	}
	s.expect(t, []expected{{"127.0.0.1", "www.blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16}})
	decision["question"] = "implementation"
	if status, answer := s.call("POST", "/api/v1/cases/"+id+"/decision", reviewer, decision); status != http.StatusOK {
		t.Errorf("an implementation error: %d %v", status, answer)
	}
	s.expect(t, []expected{{"127.0.0.1", "www.blocked-by-law.example", dns.TypeA, dns.RcodeSuccess, 1, 0}})
	s.stop()
}

// TestNoAcceptedCaseIsLost kills the server in the middle of a burst of filings.
func TestNoAcceptedCaseIsLost(t *testing.T) {
	t.Parallel()
	filings := 300
	if full() {
		filings = 1000
	}
	directory := write(t, exampleFiles(upstream(t)))
	s := start(t, directory, "--config", "recourse.yaml")
	type receipt struct{ id, token string }
	var (
		mu       sync.Mutex
		accepted []receipt
		group    sync.WaitGroup
	)
	killed := make(chan struct{})
	work := make(chan int, filings)
	for i := range filings {
		work <- i
	}
	close(work)
	for range 8 {
		group.Go(func() {
			for i := range work {
				got, ok := s.file(i)
				if !ok {
					return // the server is gone
				}
				mu.Lock()
				accepted = append(accepted, receipt(got))
				if len(accepted) == filings*2/3 {
					close(killed)
				}
				mu.Unlock()
			}
		})
	}
	<-killed
	s.kill()
	group.Wait()
	if len(accepted) < filings*2/3 || len(accepted) == filings {
		t.Fatalf("%d filings were accepted before the end: the burst does not show anything", len(accepted))
	}

	s = start(t, directory, "--config", "recourse.yaml")
	for _, one := range accepted {
		if status, shown := s.call("GET", "/api/v1/cases/"+one.id, one.token, nil); status != http.StatusOK || shown["id"] != one.id {
			t.Fatalf("case %s was accepted and is lost: %d %v", one.id, status, shown)
		}
	}
	t.Logf("measured: %d of %d filings accepted before kill -9, none lost", len(accepted), filings)
	s.stop()
}

// file submits one case; false when there was no 201.
func (s *server) file(i int) (struct{ id, token string }, bool) {
	body, _ := json.Marshal(map[string]any{"name": fmt.Sprintf("n%d.casino.example", i), "role": "reporter", "explanation": "The site is a museum, no casino.", "good_faith": true})
	reply, err := http.Post(s.web+"/api/v1/cases", "application/json", bytes.NewReader(body))
	if err != nil {
		return struct{ id, token string }{}, false
	}
	defer reply.Body.Close()
	var opened struct{ ID, Token string }
	octets, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusCreated || json.Unmarshal(octets, &opened) != nil {
		return struct{ id, token string }{}, false
	}
	return struct{ id, token string }{opened.ID, opened.Token}, true
}
