package main

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// garden is a server that gives every name another address than the world has, and counts.
func garden(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.Authoritative, reply.RecursionAvailable = true, true
		name := query.Question[0].Name
		switch {
		case strings.HasPrefix(name, "gone."):
			reply.Rcode = dns.RcodeNameError
		case query.Question[0].Qtype == dns.TypeA:
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 80)}}
		}
		if err := w.WriteMsg(reply); err != nil {
			t.Error(err)
		}
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return socket.LocalAddr().String()
}

func standInFiles(t *testing.T, upstream string) map[string]string {
	files := exampleFiles(upstream)
	server := strings.Replace(garden(t), ":", "@", 1)
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "dnssec: off}", `dnssec: off, zones: [
  {zone: blocked-by-law.example, forward: ["`+server+`"], list: court},
  {zone: phish.example, records: ["phish.example. 300 A 192.0.2.81", "phish.example. TXT stop", "www.phish.example. CNAME page.isp.example."], list: phishing},
  {zone: casino.example, stub: ["`+server+`"], list: gambling},
  {zone: dead.example, forward: ["127.0.0.1@9"], list: gambling}]}`, 1)
	files["lists/gambling.txt"] += "dead.example\n"
	return files
}

// TestStandInsAreBlocks: what servers or records of the configuration say in the place of a
// public name is a block for whom its list blocks, explained as one, and nothing for all others.
func TestStandInsAreBlocks(t *testing.T) {
	t.Parallel()
	directory := write(t, standInFiles(t, upstream(t)))
	s := start(t, directory, "--config", "recourse.yaml")
	for range 2 { // fresh, then kept
		s.expect(t, []expected{
			{"127.0.0.1", "www.blocked-by-law.example", dns.TypeA, dns.RcodeSuccess, 1, 16},
			{"127.0.0.1", "www.blocked-by-law.example", dns.TypeMX, dns.RcodeSuccess, 0, 16},
			{"127.0.0.1", "gone.blocked-by-law.example", dns.TypeA, dns.RcodeNameError, 0, 16},
			{"127.0.0.1", "xn--bcher-kva.example", dns.TypeA, dns.RcodeNameError, 0, 16}, // of the list, in none of its zones
			{"127.0.0.3", "www.blocked-by-law.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
			{"127.0.0.1", "phish.example", dns.TypeA, dns.RcodeSuccess, 1, 15},
			{"127.0.0.1", "phish.example", dns.TypeTXT, dns.RcodeSuccess, 1, 15},
			{"127.0.0.1", "phish.example", dns.TypeAAAA, dns.RcodeSuccess, 0, 15},
			{"127.0.0.1", "www.phish.example", dns.TypeA, dns.RcodeSuccess, 2, 15},
			{"127.0.0.1", "sub.phish.example", dns.TypeA, dns.RcodeSuccess, 1, 0}, // the list does not block it
			{"127.0.0.2", "www.casino.example", dns.TypeA, dns.RcodeSuccess, 1, 17},
			{"127.0.0.1", "www.casino.example", dns.TypeA, dns.RcodeSuccess, 1, 0},
			{"127.0.0.2", "dead.example", dns.TypeA, dns.RcodeSuccess, 0, 17}, // its servers are silent: as the list says
		})
	}
	for name, want := range map[string]string{"www.blocked-by-law.example": "192.0.2.80", "phish.example": "192.0.2.81"} {
		reply := s.ask("127.0.0.1", name, dns.TypeA)
		if !strings.Contains(recordData(reply.Answer), want) {
			t.Errorf("%s: %v", name, reply)
		}
		text := extended(reply)[0].ExtraText
		code := text[strings.LastIndexByte(text, '/')+1:]
		if status, page := s.page(s.web + "/r/" + code); status != http.StatusOK || !strings.Contains(page, strings.TrimPrefix(name, "www.")) {
			t.Errorf("the page of %s: %d\n%s", code, status, page)
		}
		if status, reason := s.call("GET", "/api/v1/reasons/"+code, "", nil); status != http.StatusOK || reason["list"] == nil || reason["contest_url"] == nil {
			t.Errorf("the reason of %s: %d %v", code, status, reason)
		}
	}
	if reply := s.ask("127.0.0.3", "www.blocked-by-law.example", dns.TypeA); !strings.Contains(recordData(reply.Answer), "192.0.2.7;") {
		t.Errorf("whom the order does not bind got %v", reply)
	}
	wantText(t, recourse(t, directory, 0, "explain", "--config=recourse.yaml", "--client=127.0.0.1", "www.blocked-by-law.example"),
		"rewrite (law), reason code", "with what resolver.zones has for blocked-by-law.example: list court decides, purpose law")
	s.stop()
}

// TestOtherDataNeedsAPurpose: other data for a public name is refused unless a list says
// why; what is nobody's, or the operator's own, needs nothing.
func TestOtherDataNeedsAPurpose(t *testing.T) {
	t.Parallel()
	for zones, want := range map[string]string{
		`{zone: shop.example.com, forward: ["192.0.2.1"]}`:                                                       `resolver.zones[0].zone: "shop.example.com" is a public name: other data for it is a block, which needs a list with a purpose: name that list, as list: ID; if the name is yours, put it into private_names`,
		`{zone: com, stub: ["192.0.2.1"]}`:                                                                       `resolver.zones[0].zone: "com" is a public name`,
		`{zone: shop.example.com, forward: ["192.0.2.1"], list: nobody}`:                                         `resolver.zones[0].list: no list has the id "nobody"`,
		`{zone: shop.example.com, records: ["shop.example.com. A 192.0.2.1"]}`:                                   `resolver.zones[0].records: stand in for what a list blocks`,
		`{zone: shop.example.com, records: ["shop.example.org. A 192.0.2.1"], list: court}`:                      `resolver.zones[0].records[0]: "shop.example.org." is not in zone "shop.example.com"`,
		`{zone: shop.example.com, records: ["shop"], list: court}`:                                               `resolver.zones[0].records[0]: "shop" is no record`,
		`{zone: shop.example.com, stub: ["192.0.2.1"], records: ["shop.example.com. A 192.0.2.1"], list: court}`: `resolver.zones[0]: must have one of forward, stub and records`,
		`{zone: ".", forward: ["192.0.2.1"], list: court}`:                                                       `resolver.zones[0].zone: the root would stand in`,
		`{zone: shop.example.com, forward: ["192.0.2.1"], list: court}`:                                          "",
		`{zone: ".", forward: ["192.0.2.1"]}`:                                                                    "",
		`{zone: own.example.com, forward: ["192.0.2.1"]}`:                                                        "",
		`{zone: corp.internal, forward: ["192.0.2.1"]}, {zone: 10.in-addr.arpa, stub: ["192.0.2.1"]}`:            "",
		`{zone: mine.example.com, forward: ["192.0.2.1"]}`:                                                       `warning: resolver.zones[0].zone: "mine.example.com" is a public name, and in bundle.protected`,
		`{zone: below.alone.example.com, forward: ["192.0.2.1"]}`:                                                `resolver.zones[0].zone: "below.alone.example.com" is a public name: other data`,
	} {
		files := exampleFiles("127.0.0.1:9")
		files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "dnssec: off}", "dnssec: off, private_names: [own.example.com], zones: ["+zones+"]}", 1)
		files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "blocklists:\n", "bundle: {protected: [mine.example.com, =alone.example.com]}\nblocklists:\n", 1)
		status := 0
		if want != "" && !strings.HasPrefix(want, "warning: ") {
			status = 1
		}
		wantText(t, recourse(t, write(t, files), status, "check", "--config=recourse.yaml"), want)
	}
}
