package doh

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestRequestsAreJudgedByTheirHead(t *testing.T) {
	get, post := request{method: "GET", path: Path, length: -1}, request{method: "POST", path: Path, contentType: MediaType, length: 40}
	with := func(r request, change func(*request)) request { change(&r); return r }
	for _, test := range []struct {
		name string
		request
		want status
	}{
		{"GET", get, statusOK},
		{"POST", post, statusOK},
		{"POST of unknown length", with(post, func(r *request) { r.length = -1 }), statusOK},
		{"type in capitals, with a parameter", with(post, func(r *request) { r.contentType = "Application/DNS-Message; x=y" }), statusOK},
		{"another type", with(post, func(r *request) { r.contentType = "application/dns-json" }), statusMediaType},
		{"no type", with(post, func(r *request) { r.contentType = "" }), statusMediaType},
		{"too long", with(post, func(r *request) { r.length = 65536 }), statusTooLarge},
		{"as long as can be", with(post, func(r *request) { r.length = 65535 }), statusOK},
		{"PUT", with(get, func(r *request) { r.method = "PUT" }), statusMethod},
		{"HEAD", with(get, func(r *request) { r.method = "HEAD" }), statusMethod},
		{"methods know their case", with(get, func(r *request) { r.method = "get" }), statusMethod},
		{"another path", with(get, func(r *request) { r.path = "/" }), statusNotFound},
		{"a path below", with(get, func(r *request) { r.path = Path + "/" }), statusNotFound},
		{"a name below", with(get, func(r *request) { r.path = Path + "/My-tablet_2" }), statusOK},
		{"two names below", with(get, func(r *request) { r.path = Path + "/a/b" }), statusNotFound},
		{"no name below", with(get, func(r *request) { r.path = Path + "/a%2Fb" }), statusNotFound},
		{"no separate name", with(get, func(r *request) { r.path = Path + "tablet" }), statusNotFound},
		{"the longest name below", with(get, func(r *request) { r.path = Path + "/" + strings.Repeat("a", 64) }), statusOK},
		{"too long a name below", with(get, func(r *request) { r.path = Path + "/" + strings.Repeat("a", 65) }), statusNotFound},
		{"another path and method", with(get, func(r *request) { r.path, r.method = "/x", "PUT" }), statusNotFound},
	} {
		if got := test.judge(); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got.code(), test.want.code())
		}
	}
}

func TestMessagesOfGET(t *testing.T) {
	packet := question(t, "www.example.", dns.TypeA) // of 29 octets, so that padding would be due
	text := base64.RawURLEncoding.EncodeToString(packet)
	for _, test := range []struct {
		query string
		want  status
	}{
		{"dns=" + text, statusOK},
		{"ct=application/dns-message&dns=" + text, statusOK},
		{"dns=" + text + "&x=y", statusOK},
		{"", statusMalformed},
		{"dns", statusMalformed},
		{"DNS=" + text, statusMalformed},
		{"xdns=" + text, statusMalformed},
		{"dns=" + text + "=", statusMalformed},
		{"dns=" + text + "%3D", statusMalformed},
		{"dns=" + text[:20] + "\n" + text[20:], statusMalformed},
		{"dns=" + strings.Repeat("+", 40), statusMalformed},
		{"dns=" + strings.Repeat("A", 65536*4/3+2), statusTooLarge},
	} {
		asked := request{query: test.query}
		got, verdict := asked.appendMessage([]byte("before"))
		if verdict != test.want || !bytes.HasPrefix(got, []byte("before")) {
			t.Errorf("%.60q: %d, want %d", test.query, verdict.code(), test.want.code())
		}
		if verdict == statusOK && !bytes.Equal(got[len("before"):], packet) {
			t.Errorf("%.60q: %x", test.query, got)
		}
	}
	asked, room := request{query: "dns=" + text}, make([]byte, 0, 512)
	if allocs := testing.AllocsPerRun(100, func() { _, _ = asked.appendMessage(room) }); allocs != 0 {
		t.Errorf("reading a message allocates %v times", allocs)
	}
}

func TestWhatIsAQuery(t *testing.T) {
	packet := question(t, "www.example.", dns.TypeA)
	if !isQuery(packet) || !isQuery(packet[:12]) {
		t.Error("a query is none")
	}
	if isQuery(packet[:11]) || isQuery(nil) {
		t.Error("less than a header is a query")
	}
	packet[2] |= 0x80
	if isQuery(packet) {
		t.Error("a response is a query")
	}
}

func TestNamesOfClients(t *testing.T) {
	for _, test := range []struct{ host, serverName, want string }{
		{"dns.example", "", "dns.example"},
		{"Dns.Example:8443", "", "dns.example"},
		{"dns.example.", "other.example", "dns.example"},
		{"", "Kids.example.", "kids.example"},
		{"192.0.2.1:443", "kids.example", "kids.example"},
		{"[2001:db8::1]:443", "", ""},
		{"192.0.2.1", "", ""},
		{strings.Repeat("a.", 200), "", ""},
	} {
		if got := clientName(test.host, test.serverName); got != test.want {
			t.Errorf("%.40q and %q: %q, want %q", test.host, test.serverName, got, test.want)
		}
	}
}

// FuzzMessageOfGET: whatever a query holds, it is read as what encodes to it again or refused.
func FuzzMessageOfGET(f *testing.F) {
	f.Add("dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlAAABAAE")
	f.Add("a&&=&dns=_-_-")
	f.Fuzz(func(t *testing.T, query string) {
		asked := request{query: query}
		packet, verdict := asked.appendMessage(nil)
		if verdict != statusOK {
			if len(packet) > 0 {
				t.Fatalf("refused, and read %x", packet)
			}
			return
		}
		// The last character may have bits to spare, which the decoder passes over.
		text := base64.RawURLEncoding.EncodeToString(packet)
		if len(packet) > maxMessage || len(text) > 0 && !strings.Contains(query, "dns="+text[:len(text)-1]) {
			t.Fatalf("%q was read as %x", query, packet)
		}
	})
}
