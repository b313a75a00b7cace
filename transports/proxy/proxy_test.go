package proxy_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/recourse-dns/recourse/transports/proxy"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// header composes one of the second version.
func header(command, family byte, body string) string {
	fixed := append([]byte(signature), command, family)
	return string(binary.BigEndian.AppendUint16(fixed, uint16(len(body)))) + body
}

const (
	fromV4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\x30\x39\x00\x35"
	fromV6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x30\x39\x03\x55"
	mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x07" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc6\x33\x64\x01\x30\x39\x00\x35"
)

func TestTheClientIsWhoTheHeaderNames(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"IPv4 over TCP":         {header(0x21, 0x11, fromV4), "192.0.2.7:12345"},
		"IPv4 over UDP":         {header(0x21, 0x12, fromV4), "192.0.2.7:12345"},
		"IPv6":                  {header(0x21, 0x21, fromV6), "[2001:db8::7]:12345"},
		"IPv4 written as IPv6":  {header(0x21, 0x21, mapped), "192.0.2.7:12345"},
		"details behind":        {header(0x21, 0x11, fromV4+"\x04\x00\x03abc"), "192.0.2.7:12345"},
		"for itself":            {header(0x20, 0x00, ""), "invalid AddrPort"},
		"for itself, with more": {header(0x20, 0x11, fromV4), "invalid AddrPort"},
	} {
		stream := strings.NewReader(test.text + "rest")
		client, err := proxy.Read(iotest.OneByteReader(stream))
		if err != nil || client.String() != test.want {
			t.Errorf("%s: %v, %v", name, client, err)
		}
		if rest, err := io.ReadAll(stream); string(rest) != "rest" || err != nil {
			t.Errorf("%s: the connection goes on with %q", name, rest)
		}
		client, rest, err := proxy.Cut([]byte(test.text + "rest"))
		if err != nil || client.String() != test.want || string(rest) != "rest" {
			t.Errorf("%s, a datagram: %v, %q, %v", name, client, rest, err)
		}
	}
}

func TestWhatIsNoHeaderIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":             "",
		"DNS":                 strings.Repeat("\x00\x2a\x01\x00", 10),
		"version 1":           "PROXY TCP4 192.0.2.7 198.51.100.1 12345 53\r\n",
		"version 3":           header(0x31, 0x11, fromV4),
		"another command":     header(0x22, 0x11, fromV4),
		"no family":           header(0x21, 0x00, fromV4),
		"a socket of Unix":    header(0x21, 0x31, strings.Repeat("x", 216)),
		"too short":           header(0x21, 0x11, fromV4[:11]),
		"too short for IPv6":  header(0x21, 0x21, fromV4),
		"cut off":             header(0x21, 0x11, fromV4)[:20],
		"longer than allowed": header(0x21, 0x11, strings.Repeat("x", 2049)),
	} {
		if client, err := proxy.Read(strings.NewReader(text)); err == nil || client.IsValid() {
			t.Errorf("%s: %v", name, client)
		}
		if client, _, err := proxy.Cut([]byte(text)); err == nil || client.IsValid() {
			t.Errorf("%s, a datagram: %v", name, client)
		}
	}
}

func TestTrusted(t *testing.T) {
	trusted := proxy.Trusted{netip.MustParsePrefix("192.0.2.10/32"), netip.MustParsePrefix("2001:db8::/32")}
	for addr, want := range map[string]bool{"192.0.2.10": true, "192.0.2.11": false, "2001:db8::1": true, "::1": false} {
		if got := trusted.Trusts(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(header(0x21, 0x11, fromV4) + "rest"))
	f.Add([]byte(header(0x21, 0x21, fromV6)))
	f.Add([]byte(header(0x20, 0x00, "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		client, rest, err := proxy.Cut(data)
		stream := bytes.NewReader(data)
		same, failed := proxy.Read(stream)
		if client != same || (err == nil) != (failed == nil) {
			t.Fatalf("a datagram: %v, %v; a connection: %v, %v", client, err, same, failed)
		}
		if err == nil && stream.Len() != len(rest) {
			t.Fatalf("%d octets follow in a connection and %d in a datagram", stream.Len(), len(rest))
		}
	})
}
