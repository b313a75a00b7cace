package resolver_test

import (
	"net/netip"
	"testing"

	"github.com/recourse-dns/recourse/resolver"
)

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"198.41.0.4": true, "2001:500:2::c": true, "9.9.9.9": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.0.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false, "192.0.2.1": false, "198.18.0.1": false, "240.0.0.1": false,
		"::": false, "::1": false, "::ffff:10.0.0.1": false, "::ffff:9.9.9.9": true, "::ffff:192.0.2.1": false, "fe80::1": false, "fd00::1": false, "ff02::1": false, "::7f00:1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false,
	} {
		if got := resolver.IsPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %t", text, got)
		}
	}
}
