package main

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

const localConfiguration = `
operator: {name: Local, contact: "mailto:test@example.net"}
listen: {do53: ["127.0.0.1:0"]}
state: ./state
resolver:
  mode: MODE
  forward: ["UPSTREAM"]
  query_localhost: true
  dns64: 64:ff9b::/96
  minimal_responses: true
  private_addresses: [192.0.2.24/32, 10.0.0.0/8]
  private_names: [corp.example]
  local_records:
    - printer.home.arpa. 300 A 192.168.1.9
    - out.home.arpa. CNAME www.child.signed.example.
    - www.corp.example. 60 A 10.0.0.1
  snoop: [127.0.0.7/32]
clients:
  - match: {networks: ["127.0.0.0/8"]}
`

func localServer(t *testing.T, mode, upstream string, args ...string) *server {
	text := strings.NewReplacer("MODE", mode, "UPSTREAM", upstream).Replace(localConfiguration)
	return start(t, write(t, map[string]string{"recourse.yaml": text}), append(args, "--config", "recourse.yaml")...)
}

// records lists a section as type and data.
func recordData(section []dns.RR) string {
	text := ""
	for _, record := range section {
		header := record.Header()
		if header.Rrtype != dns.TypeRRSIG {
			text += dns.Type(header.Rrtype).String() + " " + record.String()[len(header.String()):] + "; "
		}
	}
	return text
}

// TestLocalThroughTheBinary asks for what is answered, made or left out here.
func TestLocalThroughTheBinary(t *testing.T) {
	t.Parallel()
	s := localServer(t, "recurse", "127.0.0.1:9", "--lab")
	const reverse = "e.0.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
	tests := []struct {
		name    string
		kind    uint16
		rcode   int
		answer  string
		secure  bool
		ede     int // -1: none
		comment string
	}{
		{"www.child.signed.example", dns.TypeAAAA, dns.RcodeSuccess, "AAAA 64:ff9b::c000:20e; ", false, -1, "RFC 6147, section 5.1.6"},
		{"www.signed.example", dns.TypeAAAA, dns.RcodeSuccess, "AAAA 2001:db8::10; ", true, -1, "RFC 6147, section 5.1.1"},
		{"missing.signed.example", dns.TypeAAAA, dns.RcodeNameError, "", true, -1, "RFC 6147, section 5.1.2"},
		{"www.signed.example", dns.TypeMX, dns.RcodeSuccess, "", true, -1, "another type"},
		{"www.bogus.example", dns.TypeAAAA, dns.RcodeServerFailure, "", false, 6, "RFC 6147, section 5.5"},
		{"ipv4only.arpa", dns.TypeAAAA, dns.RcodeSuccess, "AAAA 64:ff9b::c000:aa; AAAA 64:ff9b::c000:ab; ", false, -1, "RFC 8880, section 7.1"},
		{reverse, dns.TypePTR, dns.RcodeNameError, "CNAME 14.2.0.192.in-addr.arpa.; ", false, -1, "RFC 6147, section 5.3.1"},
		{"www.rsa.example", dns.TypeA, dns.RcodeSuccess, "", false, 0, "rebinding"},
		{"www.rsa.example", dns.TypeAAAA, dns.RcodeSuccess, "", true, -1, "no address is made of one that was left out"},
		{"www.corp.example", dns.TypeA, dns.RcodeSuccess, "A 10.0.0.1; ", false, -1, "the operator's own name"},
		{"printer.home.arpa", dns.TypeA, dns.RcodeSuccess, "A 192.168.1.9; ", false, -1, "local record"},
		{"other.home.arpa", dns.TypeA, dns.RcodeNameError, "", false, -1, "RFC 8375, section 4"},
		{"out.home.arpa", dns.TypeA, dns.RcodeSuccess, "CNAME www.child.signed.example.; A 192.0.2.14; ", false, -1, "a local alias to the world"},
		{"out.home.arpa", dns.TypeAAAA, dns.RcodeSuccess, "CNAME www.child.signed.example.; AAAA 64:ff9b::c000:20e; ", false, -1, "and to what is made"},
		{"www.onion", dns.TypeA, dns.RcodeNameError, "", false, -1, "RFC 7686, section 2"},
	}
	for range 2 { // fresh, then kept
		for _, test := range tests {
			reply := s.ask("127.0.0.1", test.name, test.kind)
			code := -1
			if found := extended(reply); len(found) > 0 {
				code = int(found[0].InfoCode)
			}
			if reply.Rcode != test.rcode || recordData(reply.Answer) != test.answer || reply.AuthenticatedData != test.secure || code != test.ede {
				t.Errorf("%s (%s): code %d, %v", test.name, test.comment, code, reply)
			}
		}
	}
	s.stop()
}

// TestClientsThatValidateGetNothingMade is RFC 6147, section 5.5, case 3.
func TestClientsThatValidateGetNothingMade(t *testing.T) {
	s := localServer(t, "recurse", "127.0.0.1:9", "--lab")
	for range 2 {
		for _, disabled := range []bool{false, true} {
			message := new(dns.Msg).SetQuestion("www.child.signed.example.", dns.TypeAAAA)
			message.CheckingDisabled = disabled
			message.SetEdns0(1232, true)
			reply, err := s.exchange("127.0.0.1", message)
			if err != nil {
				t.Fatal(err)
			}
			if made := len(reply.Answer) > 0; made == disabled {
				t.Errorf("CD=%t: %v", disabled, reply)
			}
		}
	}
}

// TestSnoopingThroughTheBinary: RD=0 is REFUSED, but for the named network and
// what is in the cache.
func TestSnoopingThroughTheBinary(t *testing.T) {
	s := localServer(t, "recurse", "127.0.0.1:9", "--lab")
	ask := func(from, name string) *dns.Msg {
		message := new(dns.Msg).SetQuestion(name, dns.TypeA)
		message.RecursionDesired = false
		message.SetEdns0(1232, false)
		reply, err := s.exchange(from, message)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	expect := func(from string, refused bool) {
		t.Helper()
		reply := ask(from, "www.signed.example.")
		found := extended(reply)
		if (reply.Rcode == dns.RcodeRefused) != refused || refused && (len(found) != 1 || found[0].InfoCode != dns.ExtendedErrorCodeNotAuthoritative) || !refused && len(reply.Answer) != 1 {
			t.Errorf("from %s: %v", from, reply)
		}
	}
	expect("127.0.0.7", true) // not there yet, and asking fetches nothing
	expect("127.0.0.7", true)
	s.ask("127.0.0.1", "www.signed.example", dns.TypeA)
	expect("127.0.0.7", false)
	expect("127.0.0.1", true)
}

// TestOptionsOfClientsStayHere: what a client puts into its OPT record, its own
// subnet above all, neither travels on nor comes back (RFC 7871, section 11.1), and
// we do not say who we are (RFC 5001, section 3.2, leaves it to us).
func TestOptionsOfClientsStayHere(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked []*dns.Msg
	upstream := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		mu.Lock()
		asked = append(asked, query)
		mu.Unlock()
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
		if err := w.WriteMsg(reply); err != nil {
			t.Error(err)
		}
	})}
	go upstream.ActivateAndServe()
	t.Cleanup(func() { upstream.Shutdown() })
	s := localServer(t, "forward", socket.LocalAddr().String())
	message := new(dns.Msg).SetQuestion("www.unsigned.example.", dns.TypeA)
	message.CheckingDisabled = true // the upstream signs nothing
	message.SetEdns0(1232, false)
	message.IsEdns0().Option = []dns.EDNS0{
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(203, 0, 113, 0)},
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("mine")},
	}
	reply, err := s.exchange("127.0.0.1", message)
	if err != nil || len(reply.Answer) != 1 {
		t.Fatalf("%v, %v", reply, err)
	}
	for _, option := range reply.IsEdns0().Option {
		t.Errorf("the reply has option %d: %v", option.Option(), option)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) == 0 {
		t.Error("the upstream was not asked")
	}
	for _, query := range asked {
		for _, option := range query.IsEdns0().Option {
			if code := option.Option(); code == dns.EDNS0SUBNET || code == dns.EDNS0NSID || code == 65001 {
				t.Errorf("option %d went upstream", code)
			}
		}
	}
}

// TestLocalKeysAreChecked: each mistake is told where it stands.
func TestLocalKeysAreChecked(t *testing.T) {
	const head = "operator: {name: A, contact: \"mailto:a@example.net\"}\nlisten: {do53: [\"127.0.0.1:0\"]}\nstate: ./s\nclients: [{match: {networks: [\"127.0.0.0/8\"]}}]\nresolver: {"
	for text, want := range map[string]string{
		`dns64: 64:ff9b::/95`:       "resolver.dns64: ",
		`dns64: 192.0.2.0/24`:       "resolver.dns64: ",
		`private_names: [com]`:      "resolver.private_names[0]: \"com\" is no name of one operator",
		`private_names: ["."]`:      "resolver.private_names[0]: ",
		`private_names: [a..b]`:     "resolver.private_names[0]: ",
		`local_records: ["x.test"]`: "resolver.local_records[0]: ",
		`local_records: ["a.home.arpa. A 192.168.1.1", "www.bank.example. A 192.168.1.1"]`: "resolver.local_records[1]: \"www.bank.example\" is a public name",
		`local_records: ["a.test. CNAME b.test.", "a.test. A 192.0.2.1"]`:                  "resolver.local_records: ",
		`snoop: [192.0.2.1]`:              "resolver.snoop[0]: ",
		`private_addresses: [10.0.0.1/8]`: "resolver.private_addresses[0]: ",
	} {
		config := parseConfig([]byte(head+text+"}\n"), newReport("f"))
		if err := config.report.err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	good := head + `dns64: "2001:db8:64::/96", private_names: [corp.example.com, lan], local_records: ["www.corp.example.com. A 10.0.0.1", "tv.lan. A 10.0.0.2", "1.0.0.10.in-addr.arpa. PTR tv.lan."]}` + "\n"
	config := parseConfig([]byte(good), newReport("f"))
	if err := config.report.err(); err != nil {
		t.Error(err)
	}
	warned := ""
	for _, warning := range config.report.sortedWarnings() {
		warned += warning.Path + " "
	}
	if warned != "resolver.private_names[0] " {
		t.Errorf("warned of %q", warned)
	}
}
