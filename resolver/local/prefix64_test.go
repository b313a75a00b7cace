package local

import (
	"net/netip"
	"testing"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestPrefix64 is the table of RFC 6052, section 2.4.
func TestPrefix64(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.33")
	for prefix, want := range map[string]string{
		"2001:db8::/32":         "2001:db8:c000:221::",
		"2001:db8:100::/40":     "2001:db8:1c0:2:21::",
		"2001:db8:122::/48":     "2001:db8:122:c000:2:2100::",
		"2001:db8:122:300::/56": "2001:db8:122:3c0:0:221::",
		"2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::",
		"2001:db8:122:344::/96": "2001:db8:122:344::192.0.2.33",
		"64:ff9b::/96":          "64:ff9b::192.0.2.33",
	} {
		if err := CheckDNS64(netip.MustParsePrefix(prefix)); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
		nat := prefix64{netip.MustParsePrefix(prefix)}
		if got := nat.embed(four); got != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
		if got, ok := nat.extract(netip.MustParseAddr(want)); !ok || got != four {
			t.Errorf("%s: %s is taken for %s, %t", prefix, want, got, ok)
		}
		if got, ok := nat.extract(netip.MustParseAddr("2001:db9::1")); ok {
			t.Errorf("%s: an address outside is taken for %s", prefix, got)
		}
	}
	if got, ok := (prefix64{netip.MustParsePrefix("2001:db8::/32")}).extract(netip.MustParseAddr("2001:db8:c000:221:100::")); ok {
		t.Errorf("an address with bits 64 to 71 set is taken for %s", got)
	}
	if got, ok := (prefix64{}).extract(four); ok {
		t.Errorf("without a prefix %s is found", got)
	}
}

func TestPrefixesThatAreRefused(t *testing.T) {
	for _, text := range []string{"192.0.2.0/24", "2001:db8::/33", "2001:db8::/128", "64:ff9b::1/96", "2001:db8:0:0:ff00::/96"} {
		if err := CheckDNS64(netip.MustParsePrefix(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if CheckDNS64(netip.Prefix{}) == nil {
		t.Error("no prefix is taken for one")
	}
}

func TestReverseNames(t *testing.T) {
	for _, text := range []string{"192.0.2.33", "2001:db8::1", "64:ff9b::c000:221", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		addr := netip.MustParseAddr(text)
		got, ok := addressOf(reverse(addr))
		if ok != addr.Is6() || ok && got != addr {
			t.Errorf("%s is %s, which is %s, %t", addr, reverse(addr), got, ok)
		}
	}
	nibbles := reverse(netip.MustParseAddr("2001:db8::1")).String()
	for _, text := range []string{nibbles[2:], "0." + nibbles, "g" + nibbles[1:], "00" + nibbles[3:], "+" + nibbles[1:], "ip6.arpa"} {
		if addr, ok := addressOf(wire.MustName(text)); ok {
			t.Errorf("%s is taken for %s", text, addr)
		}
	}
}
