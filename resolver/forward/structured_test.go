package forward_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/forward"
)

// Only who is authenticated is asked for structured errors, by both signs, and never again where
// it takes them for a mistake.
func TestSignsGoToWhoIsAuthenticated(t *testing.T) {
	good := script(t, 0, "www.example. A 192.0.2.1", "")
	for text, want := range map[string]string{"127.0.0.1:5399": "", "tcp://127.0.0.1:5399": "", "tls://127.0.0.1:5399": "65001: 15:", "https://dns.example@127.0.0.1/q": "65001: 15:", "quic://127.0.0.1:5399": "65001: 15:"} {
		server, refusing := parseServer(t, text), false
		var got []string
		u := upstreams{server.String(): func(q *dns.Msg) *dns.Msg {
			var options []string
			for _, option := range q.IsEdns0().Option {
				switch option := option.(type) {
				case *dns.EDNS0_LOCAL:
					options = append(options, strings.Repeat("x", len(option.Data)), "65001:")
				case *dns.EDNS0_EDE:
					options = append(options, "15:"+strings.Repeat("x", int(option.InfoCode)+len(option.ExtraText)))
				}
			}
			got = append(got, strings.TrimSpace(strings.Join(options, " ")))
			if refusing && len(options) > 0 {
				reply := new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
				return reply.SetEdns0(1232, true)
			}
			return good(q)
		}}
		f := newForwarder(t, u, func(c *forward.Config) { c.Servers, c.Structured = []resolver.Server{server}, 65001 })
		ask := func() {
			t.Helper()
			if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		ask()
		if want == "" {
			if got[0] != "" {
				t.Errorf("%s: %q", text, got)
			}
			continue
		}
		refusing = true
		ask()
		ask()
		if want := []string{want, want, "", ""}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// An upstream's block is its own: it is named, and of its structured error what the draft lets a
// forwarder say again goes on, where nobody on the way can have written it.
func TestStructuredErrorsOfAnUpstream(t *testing.T) {
	const said = `{"c":["mailto:a@up.example","https://up.example","sips:x","tel:+12"],"j":"On a list","s":2,"o":"Up","l":"de","fdbs":[{"db":"lumen","id":"1"}],"x":{"y":1}}`
	for name, test := range map[string]struct {
		server string
		code   uint16
		said   string
		want   resolver.Extended
	}{
		"whole": {"tls://dns.example@127.0.0.1:853", 15, said, resolver.Extended{Code: 15, Text: "blocked by dns.example: On a list",
			Structured: `{"c":["mailto:a@up.example","tel:+12"],"j":"dns.example: On a list","s":2,"l":"de"}`, Brief: `{"c":["mailto:a@up.example","tel:+12"],"s":2}`}},
		"over UDP":     {"127.0.0.1:5399", 15, said, resolver.Extended{Code: 15, Text: "blocked by 127.0.0.1:5399: On a list"}},
		"law":          {"quic://127.0.0.1:853", 16, `{"j":"Order 7","s":2,"l":"x y"}`, resolver.Extended{Code: 16, Text: "blocked by 127.0.0.1:853: Order 7", Structured: `{"j":"127.0.0.1:853: Order 7","l":"und"}`}},
		"policy":       {"tls://127.0.0.1:853", 15, `{"s":6}`, resolver.Extended{Code: 15, Text: "blocked by 127.0.0.1:853", Structured: `{"j":"blocked by 127.0.0.1:853","l":"en"}`}},
		"control":      {"tls://127.0.0.1:853", 17, `{"j":"a\u001b[2J\nb"}`, resolver.Extended{Code: 17, Text: "blocked by 127.0.0.1:853: a[2Jb", Structured: `{"j":"127.0.0.1:853: a[2Jb","l":"und"}`}},
		"empty":        {"tls://127.0.0.1:853", 17, `{"fdbs":[]}`, resolver.Extended{Code: 17, Text: `blocked by 127.0.0.1:853: {"fdbs":[]}`}},
		"plain":        {"tls://127.0.0.1:853", 17, "asked for", resolver.Extended{Code: 17, Text: "blocked by 127.0.0.1:853: asked for"}},
		"another code": {"tls://127.0.0.1:853", 18, `{"j":"x"}`, resolver.Extended{Code: 18, Text: `from 127.0.0.1:853: {"j":"x"}`}},
	} {
		server := parseServer(t, test.server)
		for _, rcode := range []int{dns.RcodeNameError, dns.RcodeRefused, dns.RcodeServerFailure} {
			u := upstreams{server.String(): script(t, rcode, "", "", resolver.Extended{Code: test.code, Text: test.said})}
			answer, err := newForwarder(t, u, func(c *forward.Config) { c.Servers = []resolver.Server{server} }).Resolve(t.Context(), query("www.example", dns.TypeA))
			var got []resolver.Extended
			if failure := (*resolver.Failure)(nil); errors.As(err, &failure) {
				got = failure.Extended
			} else if answer != nil {
				got = answer.Extended
			}
			if !reflect.DeepEqual(got, []resolver.Extended{test.want}) {
				t.Errorf("%s, %s: %+v, want %+v", name, dns.RcodeToString[rcode], got, test.want)
			}
		}
	}
}

func TestRemadeErrorsAreBounded(t *testing.T) {
	server := parseServer(t, "tls://127.0.0.1:853")
	hostile := `{"c":["mailto:` + strings.Repeat("a", 5000) + `","mailto:a","mailto:b","mailto:c"],"j":"` + strings.Repeat("é", 20000) + `","l":"` + strings.Repeat("a", 900) + `"}`
	u := upstreams{server.String(): script(t, dns.RcodeNameError, "", "", resolver.Extended{Code: 15, Text: hostile})}
	answer, err := newForwarder(t, u, func(c *forward.Config) { c.Servers = []resolver.Server{server} }).Resolve(t.Context(), query("www.example", dns.TypeA))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Extended[0]; len(got.Text) > resolver.TextBudget || len(got.Structured) > 300 || got.Brief != `{"c":["mailto:a","mailto:b"]}` {
		t.Errorf("%d and %d octets, %s", len(got.Text), len(got.Structured), got.Brief)
	}
}
