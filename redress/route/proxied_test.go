package route

import (
	"net/http"
	"net/netip"
	"testing"
)

var frontEnds = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestBehindProxies(t *testing.T) {
	for _, test := range []struct {
		about string
		peer  string
		for_  []string
		std   []string
		want  string
	}{
		{"no proxy", "192.0.2.7:99", nil, nil, "192.0.2.7"},
		{"who is no proxy says what it likes", "192.0.2.7:99", []string{"198.51.100.1"}, nil, "192.0.2.7"},
		{"a proxy says nothing", "127.0.0.1:99", nil, nil, "127.0.0.1"},
		{"a proxy's client", "127.0.0.1:99", []string{"198.51.100.1"}, nil, "198.51.100.1"},
		{"what the client said of itself comes first", "127.0.0.1:99", []string{"203.0.113.9, 198.51.100.1"}, nil, "198.51.100.1"},
		{"two proxies", "127.0.0.1:99", []string{"203.0.113.9, 198.51.100.1, 10.1.2.3"}, nil, "198.51.100.1"},
		{"in several lines", "127.0.0.1:99", []string{"203.0.113.9", "198.51.100.1", "10.1.2.3"}, nil, "198.51.100.1"},
		{"nothing but proxies", "127.0.0.1:99", []string{"10.9.9.9, 10.1.2.3"}, nil, "10.9.9.9"},
		{"a port", "127.0.0.1:99", []string{"198.51.100.1:4711"}, nil, "198.51.100.1"},
		{"IPv6", "[fd00::1]:99", []string{"2001:db8::1"}, nil, "2001:db8::1"},
		{"IPv6 with a port", "127.0.0.1:99", []string{"[2001:db8::1]:4711"}, nil, "2001:db8::1"},
		{"IPv4 in IPv6", "127.0.0.1:99", []string{"::ffff:198.51.100.1"}, nil, "198.51.100.1"},
		{"what hides itself is not looked behind", "127.0.0.1:99", []string{"198.51.100.1, unknown, 10.1.2.3"}, nil, "10.1.2.3"},
		{"an empty element is no address", "127.0.0.1:99", []string{"198.51.100.1,"}, nil, "127.0.0.1"},
		{"the standard's header", "127.0.0.1:99", nil, []string{`for=203.0.113.9;proto=http, for="[2001:db8::1]:4711";by=10.0.0.1`}, "2001:db8::1"},
		{"a comma in quotes", "127.0.0.1:99", nil, []string{`for=198.51.100.1;host="a,b"`}, "198.51.100.1"},
		{"in capitals", "127.0.0.1:99", nil, []string{`For=198.51.100.1`}, "198.51.100.1"},
		{"obfuscated", "127.0.0.1:99", nil, []string{`for=_hidden`}, "127.0.0.1"},
		{"both headers", "127.0.0.1:99", []string{"198.51.100.1"}, []string{"for=203.0.113.9"}, "127.0.0.1"},
		{"a socket without addresses", "@", []string{"198.51.100.1"}, nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{}}
		for _, line := range test.for_ {
			r.Header.Add("X-Forwarded-For", line)
		}
		for _, line := range test.std {
			r.Header.Add("Forwarded", line)
		}
		if got := Behind(frontEnds)(r).String(); got != test.want {
			t.Errorf("%s: %s, not %s", test.about, got, test.want)
		}
		if got := Behind(nil)(r); got != Peer(r) {
			t.Errorf("%s, and nobody is believed: %s", test.about, got)
		}
	}
}

// Whatever the header says: the address is one, and never one that a client chose freely.
func FuzzBehind(f *testing.F) {
	f.Add("203.0.113.9, 198.51.100.1", "")
	f.Add("", `for="[2001:db8::1]:4711";by=10.0.0.1, for=_x`)
	f.Add("\"\\\",,,", `for="`)
	f.Fuzz(func(t *testing.T, list, standard string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:9", Header: http.Header{}}
		if list != "" {
			r.Header.Set("X-Forwarded-For", list)
		}
		if standard != "" {
			r.Header.Set("Forwarded", standard)
		}
		got := Behind(frontEnds)(r)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q %q: %s", list, standard, got)
		}
		// What a believed proxy adds at the end is what counts.
		if standard == "" {
			r.Header.Set("X-Forwarded-For", list+", 198.51.100.77")
			if got := Behind(frontEnds)(r).String(); got != "198.51.100.77" {
				t.Errorf("%q and a proxy's word: %s", list, got)
			}
		}
	})
}
