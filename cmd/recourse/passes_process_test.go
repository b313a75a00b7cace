package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// passFiles is the example with a list that offers passes, a portal at its own address, and a
// network that many homes share. ADDRESS is free.
func passFiles(t testing.TB, upstream string) (files map[string]string, portal string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	files = exampleFiles(upstream)
	text := files["recourse.yaml"]
	for old, fresh := range map[string]string{
		`portal: "http://127.0.0.1:8080"`: `portal: "http://` + address + `"`,
		`web: ["127.0.0.1:0"]`:            `web: ["` + address + `"], doh: ["127.0.0.1:0"], name: dns.example.net`,
		"format: hosts\n":                 "format: hosts\n    pass: 1h\n",
		"profiles:\n":                     "profiles:\n  - {id: strict, requested: {by: account-42, at: 2026-11-01}, passes: off}\n",
		"clients:\n":                      "clients:\n  - {match: {networks: [\"127.0.0.4/32\"]}, jurisdiction: IT, shared: true}\n  - {match: {networks: [\"127.0.0.5/32\"]}, jurisdiction: IT, profile: strict}\n",
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("the example has no %q", old)
		}
		text = strings.Replace(text, old, fresh, 1)
	}
	files["recourse.yaml"] = text
	return files, "http://" + address
}

// ticketForm finds where the form of a block's page is sent.
var ticketForm = regexp.MustCompile(`action="(http://[a-z0-9]{48}\.pass\.recourse\.internal:[0-9]+)/pass"`)

// visitor is somebody who reads a page from one address and asks the resolver from another.
type visitor struct {
	server     *server
	reads      string
	asks       string
	homeOrigin string
}

// do sends a request for a ticket's name to the web, from the address that the visitor reads from.
func (v *visitor) do(t *testing.T, method, address string) (status int, body string) {
	t.Helper()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(v.reads)}}
		return dialer.DialContext(ctx, network, strings.TrimPrefix(v.server.web, "http://"))
	}
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Origin", v.homeOrigin)
	}
	reply, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	octets, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(octets)
}

// ticket opens the page of what blocks a name, and gives the ticket's address; "" where it has none.
func (v *visitor) ticket(t *testing.T, name string) string {
	t.Helper()
	errors := extended(v.server.ask(v.asks, name, dns.TypeA))
	if len(errors) != 1 {
		t.Fatalf("%s is not blocked for %s", name, v.asks)
	}
	text := errors[0].ExtraText
	_, page := v.do(t, http.MethodGet, v.server.web+text[strings.LastIndex(text, "/r/"):])
	if found := ticketForm.FindStringSubmatch(page); found != nil {
		return found[1]
	}
	return ""
}

// look asks the resolver for the ticket's name.
func (v *visitor) look(ticket string) *dns.Msg {
	host, _, _ := strings.Cut(strings.TrimPrefix(ticket, "http://"), ":")
	return v.server.ask(v.asks, host, dns.TypeA)
}

// wantSecured wants a name to be blocked for security.
func (s *server) wantSecured(from, name string) {
	s.t.Helper()
	reply := s.ask(from, name, dns.TypeA)
	if errors := extended(reply); reply.Rcode != dns.RcodeNameError || len(errors) != 1 || errors[0].InfoCode != dns.ExtendedErrorCodeBlocked {
		s.t.Errorf("%s is not blocked for %s: %s", name, from, reply)
	}
}

// TestPasses walks past a block as a browser does, and meets what must not be.
func TestPasses(t *testing.T) {
	files, portal := passFiles(t, upstream(t))
	s := start(t, write(t, files), "--config", "recourse.yaml")
	defer s.stop()
	const name = "www.phish.example"
	someone := func(reads, asks string) *visitor { return &visitor{s, reads, asks, portal} }

	if at := someone("127.0.0.1", "127.0.0.1").ticket(t, "blocked-by-law.example"); at != "" {
		t.Errorf("a block of law offers a pass: %s", at)
	}
	if at := someone("127.0.0.2", "127.0.0.2").ticket(t, "casino.example"); at != "" {
		t.Errorf("a block that a household chose offers a pass: %s", at)
	}
	for _, test := range []struct {
		about  string
		v      *visitor
		looks  bool
		change func(ticket string) string
		status int
		says   string
	}{
		{"nobody looked", someone("127.0.0.1", "127.0.0.1"), false, nil, 403, "You are not using this resolver"},
		{"somebody else looked", someone("127.0.0.1", "127.0.0.2"), true, nil, 403, "This pass is for another device"},
		{"many homes", someone("127.0.0.4", "127.0.0.4"), true, nil, 403, "There are no passes in this network"},
		{"a profile without", someone("127.0.0.5", "127.0.0.5"), true, nil, 403, "allows no passes"},
		{"tampered with", someone("127.0.0.1", "127.0.0.1"), true, func(ticket string) string { return strings.Replace(ticket, ticket[7:9], "zz", 1) }, 403, "This pass is not good"},
	} {
		ticket := test.v.ticket(t, name)
		if ticket == "" {
			t.Fatalf("%s: the page offers no pass", test.about)
		}
		if test.looks {
			test.v.look(ticket)
		}
		if test.change != nil {
			ticket = test.change(ticket)
		}
		if status, page := test.v.do(t, http.MethodPost, ticket+"/pass"); status != test.status || !strings.Contains(page, test.says) {
			t.Errorf("%s: %d\n%s", test.about, status, page)
		}
	}
	s.wantSecured("127.0.0.1", name)

	// The form of another site, in the browser of who looked the ticket up.
	lured := someone("127.0.0.1", "127.0.0.1")
	ticket := lured.ticket(t, name)
	lured.look(ticket)
	lured.homeOrigin = "http://evil.example"
	if status, page := lured.do(t, http.MethodPost, ticket+"/pass"); status != 403 || !strings.Contains(page, "sent from another site") {
		t.Errorf("another site's form: %d\n%s", status, page)
	}

	// And the way past.
	person := someone("127.0.0.1", "127.0.0.1")
	ticket = person.ticket(t, name)
	if status, _ := person.do(t, http.MethodGet, ticket+"/pass.css"); status != 404 {
		t.Errorf("before the name was looked up the style sheet is %d", status)
	}
	if reply := person.look(ticket); len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl != 0 {
		t.Fatalf("the ticket's name: %s", reply)
	}
	if status, css := person.do(t, http.MethodGet, ticket+"/pass.css"); status != 200 || !strings.Contains(css, ".pass-form{display:block}") {
		t.Errorf("the style sheet is %d %q", status, css)
	}
	if status, page := person.do(t, http.MethodPost, ticket+"/pass"); status != 200 || !strings.Contains(page, "You can go on now") || !strings.Contains(page, name) {
		t.Fatalf("no pass: %d\n%s", status, page)
	}
	if status, page := someone("127.0.0.2", "127.0.0.2").do(t, http.MethodPost, ticket+"/pass"); status != 403 || !strings.Contains(page, "This pass is not good") {
		t.Errorf("the same form from elsewhere: %d\n%s", status, page)
	}
	reply := s.ask("127.0.0.1", name, dns.TypeA)
	if len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl > 300 || len(extended(reply)) > 0 {
		t.Errorf("with the pass: %s", reply)
	}
	s.wantSecured("127.0.0.2", name)
	s.wantSecured("127.0.0.1", "phish.example")
	for _, private := range []string{"127.0.0.1", "127.0.0.2", "phish.example", strings.TrimPrefix(ticket, "http://")[:48]} {
		if logged := s.stderr.String(); strings.Contains(logged, private) {
			t.Errorf("the log has %q:\n%s", private, logged)
		}
	}
}

// A restart forgets every pass, and nothing of one is on the disk.
func TestARestartForgetsPasses(t *testing.T) {
	files, portal := passFiles(t, upstream(t))
	directory := write(t, files)
	s := start(t, directory, "--config", "recourse.yaml")
	person := &visitor{s, "127.0.0.1", "127.0.0.1", portal}
	ticket := person.ticket(t, "www.phish.example")
	person.look(ticket)
	if status, page := person.do(t, http.MethodPost, ticket+"/pass"); status != 200 {
		t.Fatalf("no pass: %d\n%s", status, page)
	}
	s.expect(t, []expected{{"127.0.0.1", "www.phish.example", dns.TypeA, dns.RcodeSuccess, 1, 0}})
	if told := s.recourse(t, directory, "explain", "--config", "recourse.yaml", "--running", "--client", "127.0.0.1", "www.phish.example"); !strings.Contains(told, "a pass lets this client by until") {
		t.Errorf("the server explains:\n%s", told)
	}
	s.stop()
	s = start(t, directory, "--config", "recourse.yaml")
	defer s.stop()
	s.wantSecured("127.0.0.1", "www.phish.example")
}
