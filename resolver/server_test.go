package resolver_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/resolver"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "udp://192.0.2.1:53", "192.0.2.1:5353": "udp://192.0.2.1:5353", "2001:db8::1": "udp://[2001:db8::1]:53",
		"[2001:db8::1]:54": "udp://[2001:db8::1]:54", "tcp://192.0.2.1": "tcp://192.0.2.1:53", "udp://192.0.2.1:1": "udp://192.0.2.1:1",
		"192.0.2.1@5353": "udp://192.0.2.1:5353", "tcp://2001:db8::1@54": "tcp://[2001:db8::1]:54", "[2001:db8::1]@54": "udp://[2001:db8::1]:54",
		"::ffff:192.0.2.1": "udp://192.0.2.1:53", "fe80::1%eth0.1": "udp://[fe80::1%eth0.1]:53",

		"tls://192.0.2.1": "tls://192.0.2.1:853", "TLS://[2001:db8::1]": "tls://[2001:db8::1]:853", "quic://192.0.2.1:8853": "quic://192.0.2.1:8853",
		"tls://DNS.example.": "tls://dns.example:853", "quic://dns.example:8853": "quic://dns.example:8853", "tls://dns.example@8853": "",
		"tls://dns.example@192.0.2.1": "tls://dns.example@192.0.2.1:853", "tls://dns.example@[2001:db8::1]:8853": "tls://dns.example@[2001:db8::1]:8853",
		"tls://dns.example@2001:db8::1": "tls://dns.example@[2001:db8::1]:853", "tls://dns.example@192.0.2.1@8853": "tls://dns.example@192.0.2.1:8853",
		"192.0.2.1@853#dns.example": "tls://dns.example@192.0.2.1:853", "2001:db8::1#dns.example": "tls://dns.example@[2001:db8::1]:853",
		"quic://192.0.2.1@8853#dns.example": "quic://dns.example@192.0.2.1:8853",

		"https://dns.example": "https://dns.example:443/dns-query", "https://dns.example/": "https://dns.example:443/dns-query",
		"https://dns.example:8443/q/a%20b": "https://dns.example:8443/q/a%20b", "h3://192.0.2.1/dns-query{?dns}": "h3://192.0.2.1:443/dns-query",
		"https://dns.example@192.0.2.1/a@b:1": "https://dns.example@192.0.2.1:443/a@b:1", "https://[2001:db8::1]/": "https://[2001:db8::1]:443/dns-query",
	} {
		server, err := resolver.ParseServer(text)
		if (err != nil) != (want == "") || err == nil && server.String() != want {
			t.Errorf("ParseServer(%q) = %v, %v; want %q", text, server, err, want)
		}
	}
}

func TestParseServerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[2001:db8::1":       "neither",
		"tls://[2001:db8::1": "neither",
		"tls://" + strings.Repeat("a.", 127) + "bc": "neither",
		strings.Repeat("x", 500):                    `server "` + strings.Repeat("x", 100) + `…": neither`,
		"fe80::1%a/b":                               "is not a port", // no such interface
		"tls://fe80::1%*":                           "is not a port",
		"":                                          "neither an address nor the name of a host",
		"192.0.2.1@":                                `"" is not a port`,
		"192.0.2.1@5353:1":                          `"5353:1" is not a port`,
		"@53":                                       `"53" behind the name is not an address`,
		"192.0.2.1:70000":                           `"70000" is not a port`,
		"192.0.2.1:0":                               `"0" is not a port`,
		"192.0.2.1:+5":                              `"+5" is not a port`,
		"example.net":                               "has a name: without encryption a server is known by its address alone; write tls://NAME or the address",
		"udp://192.0.2.1#dns.example":               "without encryption",
		"dns.example@192.0.2.1":                     "without encryption",
		"ftp://192.0.2.1":                           `transport "ftp" is not one of udp, tcp, tls, https, h3, quic`,
		"tls://192.0.2.999":                         "neither an address nor the name of a host",
		"tls://a..example":                          "neither",
		"tls://-a.example":                          "neither",
		"tls://dns.example/path":                    "neither",
		"tls://dns example":                         "neither",
		"tls://dänisch.example":                     "neither",
		"tls://a.example@192.0.2.1#b.c":             "has two names",
		"tls://dns.example#b.example":               "has two names",
		"tls://a.example@b.example":                 `"b.example" behind the name is not an address`,
		"tls://user:pass@192.0.2.1":                 "neither",
		"https://dns.example/?dns=":                 `the path is not that of a URL at "?dns="`,
		"https://dns.example/a#b":                   "the path is not that of a URL",
		"https://dns.example/a b":                   "the path is not that of a URL",
		"https://dns.example/" + strings.Repeat("a", 255): "the path is longer than 255 octets",
		"https:///dns-query":                              "neither",
		"tls://" + strings.Repeat("a.", 300):              "longer than 600 octets",
		"tls://" + strings.Repeat("a", 64) + ".b":         "neither",
	} {
		server, err := resolver.ParseServer(text)
		if err == nil || !strings.Contains(err.Error(), want) || server != (resolver.Server{}) {
			t.Errorf("ParseServer(%q) = %v, %v; want %q", text, server, err, want)
		}
	}
}

func TestServerByName(t *testing.T) {
	server, err := resolver.ParseServer("https://dns.example/q")
	want := resolver.Server{Addr: netip.AddrPortFrom(netip.Addr{}, 443), Transport: resolver.OverHTTPS, Name: "dns.example", Path: "/q"}
	if err != nil || server != want || server.Addr.Addr().IsValid() {
		t.Errorf("%+v, %v", server, err)
	}
}

// FuzzParseServer: what is read is written so that it is read again, and names nobody
// without saying how he is recognised.
func FuzzParseServer(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.1", "2001:db8::1@53", "tcp://[::1]:5", "tls://dns.example@192.0.2.1", "192.0.2.1@853#dns.example", "https://dns.example/q{?dns}", "quic://dns.example", "fe80::1%x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		server, err := resolver.ParseServer(text)
		if err != nil {
			if server != (resolver.Server{}) || len(err.Error()) > 2000 {
				t.Fatalf("%q: %v, %v", text, server, err)
			}
			return
		}
		again, err := resolver.ParseServer(server.String())
		if err != nil || again != server {
			t.Fatalf("%q is %v, read again %v, %v", text, server, again, err)
		}
		if server.Addr.Port() == 0 || !server.Addr.Addr().IsValid() && server.Name == "" || server.Name != "" && !server.Transport.Encrypted() {
			t.Fatalf("%q is %+v", text, server)
		}
	})
}
