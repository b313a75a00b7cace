package peer

import (
	"net/netip"
	"strings"
	"testing"
)

func TestConfigurations(t *testing.T) {
	setup := Setup{
		Dir: "/somewhere", Listen: netip.MustParseAddrPort("127.0.0.1:5301"), Core: -1,
		Hints:   []string{". 86400 IN NS ns.", "ns. 86400 IN A 127.43.0.1"},
		Anchors: []string{".\t3600\tIN\tDS\t1 13 2 AABB", ". 3600 IN DS 2 13 2 CCDD"},
	}
	for _, resolver := range All("recourse") {
		all := ""
		for _, text := range resolver.render(setup).files {
			all += text + "\n"
		}
		for _, want := range []string{"5301", "ns. 86400 IN A 127.43.0.1", "AABB", "CCDD"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: nowhere does it say %q:\n%s", resolver.Name, want, all)
			}
		}
		plain := setup
		plain.Anchors = nil
		for name, text := range resolver.render(plain).files {
			if strings.Contains(text, "AABB") {
				t.Errorf("%s: %s has an anchor in a plain world", resolver.Name, name)
			}
		}
	}
}

func TestDigests(t *testing.T) {
	got := Setup{Anchors: []string{".\t3600\tIN\tDS\t1 13 2 AABB"}}.digests()
	if len(got) != 1 || got[0] != "1 13 2 AABB" {
		t.Errorf("digests %q", got)
	}
}

// Every server listens on the doors that it is said to have.
func TestServers(t *testing.T) {
	setup := Setup{Dir: "/somewhere", Listen: netip.MustParseAddrPort("127.0.0.1:5301"), Behind: &Behind{
		Upstream: netip.MustParseAddrPort("127.0.0.1:5302"), DoT: netip.MustParseAddrPort("127.0.0.1:5303"),
		DoH: netip.MustParseAddrPort("127.0.0.1:5304"), DoQ: netip.MustParseAddrPort("127.0.0.1:5305"), Certificate: "/some/certificate", Key: "/some/key",
	}}
	for _, server := range Servers("recourse", "echo") {
		needs := server.render(setup)
		all := strings.Join(needs.arguments, " ")
		for _, text := range needs.files {
			all += text + "\n"
		}
		for _, door := range server.Doors {
			port := setup.URL(door)[strings.LastIndexByte(setup.URL(door), ':')+1:]
			if !strings.Contains(all, port) {
				t.Errorf("%s does not listen on %s, port %s:\n%s", server.Name, door, port, all)
			}
		}
	}
}
