package main

import (
	"crypto/tls"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/peer"
)

func TestJudge(t *testing.T) {
	made := newTable()
	for _, drift := range []float64{1, 2, 3} { // the ratios do not care what the machine does
		made.add(peer.UDP, "echo", sample{cost: 2 * drift, rate: 10})
		made.add(peer.UDP, "unbound", sample{cost: 3 * drift, rate: 10})
		made.add(peer.UDP, "recourse", sample{cost: 2.2 * drift, rate: 10})
		made.add(peer.TCP, "recourse", sample{cost: 2.2 * drift, rate: 10})
		made.add(peer.DoQ, "recourse", sample{cost: 10 * drift, rate: 10})
		made.add(peer.DoH3, "recourse", sample{cost: 14 * drift, rate: 10})
	}
	for door, want := range map[string][]string{
		peer.UDP:  {"1.10, at most 1.20: met", "0.73, at most 0.85: met"},
		peer.TCP:  {"1.10, at most 1.05: missed"},
		peer.DoQ:  {"5.00, at most 6.67: met"},
		peer.DoH3: {"1.40, at most 1.30: missed"},
		peer.DoH:  nil,
	} {
		lines := made.judge(door)
		if len(lines) != len(want) {
			t.Errorf("%s: %q", door, lines)
			continue
		}
		for i := range want {
			if !strings.Contains(lines[i], want[i]) {
				t.Errorf("%s: %q does not say %q", door, lines[i], want[i])
			}
		}
	}
	var out strings.Builder
	made.print(&out, peer.AllDoors())
	if !strings.Contains(out.String(), "(2.2 to 6.6)") {
		t.Errorf("the spread is missing:\n%s", out.String())
	}
}

// What the server is started with holds together: names are answered, and none is listed.
func TestWorld(t *testing.T) {
	w, err := newWorld(settings{dir: t.TempDir(), names: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if _, err := tls.LoadX509KeyPair(w.certificate, w.key); err != nil {
		t.Error(err)
	}
	query, err := new(dns.Msg).SetQuestion(nameOf(2)+".", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	replies := everything(netip.Addr{}, query, false)
	reply := new(dns.Msg)
	if len(replies) != 1 || reply.Unpack(replies[0]) != nil || len(reply.Answer) != 1 {
		t.Errorf("%v", replies)
	}
	zone := dns.NewZoneParser(strings.NewReader(w.zone()), "example.", filepath.Join(w.dir, "zone"))
	count := 0
	for _, more := zone.Next(); more; _, more = zone.Next() {
		count++
	}
	if zone.Err() != nil || count != 3+w.names {
		t.Errorf("%d records, %v", count, zone.Err())
	}
	lists, err := w.ours(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{lists.web.String(), "purpose: law", "purpose: security", "purpose: user", filepath.Dir(lists.file)} {
		if !strings.Contains(lists.text, want) {
			t.Errorf("nowhere does it say %q:\n%s", want, lists.text)
		}
	}
	if strings.Contains(listOf("security", 1000), nameOf(1)+"\n") {
		t.Error("a name that is asked for is listed")
	}
}
