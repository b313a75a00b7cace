package forward_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// upstreams are scripted: what each server says to a query; nil is silence.
type upstreams map[string]func(query *dns.Msg) *dns.Msg

func (u upstreams) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	message := new(dns.Msg)
	if err := message.Unpack(query); err != nil {
		return nil, err
	}
	answer, found := u[server.String()]
	if !found {
		return nil, syscall.ECONNREFUSED
	}
	if reply := answer(message); reply != nil {
		packet, err := reply.Pack()
		if err == nil && accept(packet) {
			return packet, nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// watched notes who is asked.
type watched struct {
	upstreams
	mu    sync.Mutex
	asked []resolver.Server
}

func (w *watched) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	w.mu.Lock()
	w.asked = append(w.asked, server)
	w.mu.Unlock()
	return w.upstreams.Exchange(ctx, server, query, accept)
}

const first, second = "udp://127.0.0.1:5399", "udp://127.0.0.2:53"

func newForwarder(t *testing.T, u forward.Exchanger, change ...func(*forward.Config)) *forward.Forwarder {
	t.Helper()
	config := forward.Config{Servers: []resolver.Server{parseServer(t, first)}}
	for _, edit := range change {
		edit(&config)
	}
	f, err := forward.New(config, u, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parseServer(t *testing.T, text string) resolver.Server {
	t.Helper()
	server, err := resolver.ParseServer(text)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func both(c *forward.Config) {
	c.Servers = append(c.Servers, resolver.Server{Addr: netip.MustParseAddrPort("127.0.0.2:53")})
}

func query(name string, qtype uint16) *resolver.Query {
	return resolver.NewQuery(wire.MustName(name), qtype, resolver.NewWork())
}

// script answers with records and Extended DNS Errors.
func script(t *testing.T, rcode int, answer, authority string, extended ...resolver.Extended) func(*dns.Msg) *dns.Msg {
	return func(query *dns.Msg) *dns.Msg {
		reply := new(dns.Msg).SetRcode(query, rcode)
		reply.RecursionAvailable = true
		reply.Answer, reply.Ns = records(t, answer), records(t, authority)
		if len(extended) > 0 {
			reply.SetEdns0(1232, true)
			for _, e := range extended {
				options := reply.IsEdns0()
				options.Option = append(options.Option, &dns.EDNS0_EDE{InfoCode: e.Code, ExtraText: e.Text})
			}
		}
		return reply
	}
}

func records(t *testing.T, text string) []dns.RR {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader("$TTL 300\n"+text+"\n"), ".", "test")
	var found []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		found = append(found, rr)
	}
	if err := parser.Err(); err != nil {
		t.Error(err)
	}
	return found
}

func names(section []dns.RR) string {
	var found []string
	for _, rr := range section {
		found = append(found, rr.Header().Name+" "+dns.TypeToString[rr.Header().Rrtype])
	}
	return strings.Join(found, ", ")
}

func TestAnswers(t *testing.T) {
	const soa = "example. SOA a. b. 1 2 3 4 60"
	for name, test := range map[string]struct {
		rcode             int
		answer, authority string
		wantAnswer        string
		wantAuthority     string
		ttl               time.Duration
	}{
		"data":                {0, "www.example. A 192.0.2.1", "", "www.example. A", "", 300 * time.Second},
		"alias chain":         {0, "x.test. 20 A 192.0.2.1\nwww.example. CNAME x.test.", "", "www.example. CNAME, x.test. A", "", 20 * time.Second},
		"junk":                {0, "www.example. A 192.0.2.1\nbank.test. A 192.0.2.66", "example. NS evil.test.", "www.example. A", "", 300 * time.Second},
		"wildcard's proof":    {0, "www.example. A 192.0.2.1", "a.example. NSEC z.example. A", "www.example. A", "a.example. NSEC", 300 * time.Second},
		"denial":              {dns.RcodeNameError, "", soa + "\na.example. NSEC z.example. A", "", "example. SOA, a.example. NSEC", time.Minute},
		"no data":             {0, "", soa, "", "example. SOA", time.Minute},
		"denial of an alias":  {dns.RcodeNameError, "www.example. CNAME x.example.", soa, "www.example. CNAME", "example. SOA", time.Minute},
		"denial without SOA":  {dns.RcodeNameError, "", "", "", "", 0},
		"SOA of another zone": {dns.RcodeNameError, "", "test. SOA a. b. 1 2 3 4 60", "", "", 0},
		"chain without end":   {0, "www.example. CNAME x.test.", "", "www.example. CNAME", "", 300 * time.Second},
		"tree":                {0, "example. DNAME test.\nwww.test. A 192.0.2.1", "", "example. DNAME, www.example. CNAME, www.test. A", "", 300 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForwarder(t, upstreams{first: script(t, test.rcode, test.answer, test.authority)})
			answer, err := f.Resolve(t.Context(), query("www.example", dns.TypeA))
			if err != nil {
				t.Fatal(err)
			}
			message := answer.Message()
			if message.Rcode != test.rcode || names(message.Answer) != test.wantAnswer || names(message.Ns) != test.wantAuthority {
				t.Errorf("got %v", message)
			}
			if answer.TTL != test.ttl || answer.Zone != "" || len(message.Extra) != 0 || message.Question[0].Name != "www.example." || !message.RecursionAvailable {
				t.Errorf("TTL %s, zone %q, %v", answer.TTL, answer.Zone, message)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct{ validating, disabled, want bool }{{false, false, false}, {true, false, true}, {false, true, true}, {true, true, true}} {
		var got *dns.Msg
		good := script(t, 0, "www.example. A 192.0.2.1", "")
		f := newForwarder(t, upstreams{first: func(q *dns.Msg) *dns.Msg { got = q; return good(q) }},
			func(c *forward.Config) { c.Validating = test.validating })
		q := query("www.example", dns.TypeA)
		if test.disabled {
			q.Flags |= wire.FlagCD
		}
		if _, err := f.Resolve(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		edns := got.IsEdns0()
		if !got.RecursionDesired || got.CheckingDisabled != test.want || edns == nil || !edns.Do() || edns.UDPSize() != 1232 {
			t.Errorf("%+v: query is %v", test, got)
		}
		if q.Work.Queries() != 1 || f.Stats().Queries != 1 {
			t.Errorf("work %d, stats %+v", q.Work.Queries(), f.Stats())
		}
	}
}

func TestExtendedErrorsAreAttributed(t *testing.T) {
	blocked := resolver.Extended{Code: resolver.Blocked, Text: "on a list\x00"}
	for name, test := range map[string]struct {
		rcode int
		given []resolver.Extended
		want  []resolver.Extended
	}{
		"with an answer": {dns.RcodeSuccess, []resolver.Extended{{Code: resolver.ForgedAnswer}}, []resolver.Extended{{Code: resolver.ForgedAnswer, Text: "from 127.0.0.1:5399"}}},
		"with a denial":  {dns.RcodeNameError, []resolver.Extended{blocked}, []resolver.Extended{{Code: resolver.Blocked, Text: "blocked by 127.0.0.1:5399: on a list"}}},
		"with a refusal": {dns.RcodeRefused, []resolver.Extended{{Code: resolver.Censored, Text: "order 7"}}, []resolver.Extended{{Code: resolver.Censored, Text: "blocked by 127.0.0.1:5399: order 7"}}},
		"not more than three": {dns.RcodeSuccess, []resolver.Extended{{Code: 1}, {Code: 2}, {Code: 3}, {Code: 4}},
			[]resolver.Extended{{Code: 1, Text: "from 127.0.0.1:5399"}, {Code: 2, Text: "from 127.0.0.1:5399"}, {Code: 3, Text: "from 127.0.0.1:5399"}}},
		"long and hostile text": {dns.RcodeSuccess, []resolver.Extended{{Code: 4, Text: "\x1b[31m\xff\n" + strings.Repeat("é", 500)}},
			[]resolver.Extended{{Code: 4, Text: "from 127.0.0.1:5399: [31m" + strings.Repeat("é", 87)}}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			u := upstreams{first: script(t, test.rcode, "", "", test.given...), second: func(*dns.Msg) *dns.Msg { asked++; return nil }}
			answer, err := newForwarder(t, u).Resolve(t.Context(), query("www.example", dns.TypeA))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(answer.Extended, test.want) || answer.Rcode() != test.rcode || answer.TTL != 0 {
				t.Errorf("rcode %d, TTL %s, extended %+v, want %+v", answer.Rcode(), answer.TTL, answer.Extended, test.want)
			}
		})
	}
}

// TestBlockIsNotRoutedAround: whichever upstream comes first, one that blocks
// has the last word.
func TestBlockIsNotRoutedAround(t *testing.T) {
	for _, rcode := range []int{dns.RcodeRefused, dns.RcodeServerFailure} {
		u := upstreams{
			first:  script(t, rcode, "", "", resolver.Extended{Code: resolver.Filtered, Text: "asked for"}),
			second: script(t, dns.RcodeServerFailure, "", ""),
		}
		want := []resolver.Extended{{Code: resolver.Filtered, Text: "blocked by 127.0.0.1:5399: asked for"}}
		for range 10 {
			answer, err := newForwarder(t, u, both).Resolve(t.Context(), query("www.example", dns.TypeA))
			var got []resolver.Extended
			if failure := (*resolver.Failure)(nil); errors.As(err, &failure) {
				got = failure.Extended
			} else if answer != nil {
				got = answer.Extended
			}
			if !reflect.DeepEqual(got, want) || (rcode == dns.RcodeServerFailure) != (err != nil) {
				t.Errorf("answer %v, error %v, extended %+v", answer, err, got)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := script(t, 0, "www.example. A 192.0.2.1", "")
		for name, bad := range map[string]func(*dns.Msg) *dns.Msg{
			"silent":       func(*dns.Msg) *dns.Msg { return nil },
			"SERVFAIL":     script(t, dns.RcodeServerFailure, "", ""),
			"REFUSED":      script(t, dns.RcodeRefused, "", ""),
			"contradicted": script(t, dns.RcodeNameError, "www.example. A 192.0.2.66", ""),
		} {
			for range 5 {
				f := newForwarder(t, upstreams{first: bad, second: good}, both)
				if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, err := newForwarder(t, upstreams{first: bad}).Resolve(t.Context(), query("www.example", dns.TypeA))
			expectCode(t, name, err, resolver.NoReachableAuthority)
		}
		_, err := newForwarder(t, upstreams{}).Resolve(t.Context(), query("www.example", dns.TypeA))
		expectCode(t, "nobody there", err, resolver.NetworkError)
		_, err = newForwarder(t, upstreams{first: script(t, dns.RcodeServerFailure, "", "", resolver.Extended{Code: resolver.SignatureExpired, Text: "old"})}).
			Resolve(t.Context(), query("www.example", dns.TypeA))
		if failure := (*resolver.Failure)(nil); !errors.As(err, &failure) || !reflect.DeepEqual(failure.Extended, []resolver.Extended{{Code: resolver.SignatureExpired, Text: "from 127.0.0.1:5399: old"}}) {
			t.Errorf("error %v", err)
		}
	})
}

func expectCode(t *testing.T, name string, err error, code uint16) {
	t.Helper()
	var failure *resolver.Failure
	if !errors.As(err, &failure) || failure.Extended[0].Code != code {
		t.Errorf("%s: error %v, want code %d", name, err, code)
	}
}

func TestAliasLoop(t *testing.T) {
	f := newForwarder(t, upstreams{first: script(t, 0, "a.example. CNAME b.example.\nb.example. CNAME a.example.", "")})
	if answer, err := f.Resolve(t.Context(), query("a.example", dns.TypeA)); err == nil {
		t.Errorf("answer %v", answer.Message())
	}
}

func TestTCP(t *testing.T) {
	u := upstreams{
		first:                  func(q *dns.Msg) *dns.Msg { reply := new(dns.Msg).SetReply(q); reply.Truncated = true; return reply },
		"tcp://127.0.0.1:5399": script(t, 0, "www.example. A 192.0.2.1", ""),
	}
	for _, server := range []string{first, "tcp://127.0.0.1:5399"} {
		f := newForwarder(t, u, func(c *forward.Config) { c.Servers = []resolver.Server{parseServer(t, server)} })
		if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
			t.Errorf("%s: %v", server, err)
		}
	}
}

func TestRefused(t *testing.T) {
	f := newForwarder(t, upstreams{})
	inline := query("www.example", dns.TypeA)
	inline.Inline = true
	if _, err := f.Resolve(t.Context(), inline); !errors.Is(err, resolver.ErrWouldBlock) {
		t.Errorf("inline: %v", err)
	}
	if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeAXFR)); err == nil || f.Stats().Queries != 0 {
		t.Errorf("transfer: error %v, %d queries", err, f.Stats().Queries)
	}
	for name, config := range map[string]forward.Config{
		"nobody":   {},
		"anybody":  {Servers: []resolver.Server{{Addr: netip.MustParseAddrPort("0.0.0.0:53")}}},
		"portless": {Servers: []resolver.Server{{Addr: netip.MustParseAddrPort("127.0.0.1:0")}}},
		"invalid":  {Servers: []resolver.Server{{}}},
		"unknown":  {Servers: []resolver.Server{parseServer(t, "tls://dns.example")}},
		"nameless": {Servers: []resolver.Server{{Addr: netip.AddrPortFrom(netip.Addr{}, 853), Transport: resolver.OverTLS}}, Addresses: forward.NewHosts(forward.HostsConfig{}, nil)},
		"tiny":     {Servers: []resolver.Server{parseServer(t, first)}, EDNSSize: 1},
	} {
		if _, err := forward.New(config, upstreams{}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestEncryptedUpstreams: whatever an encrypted upstream does, it is never asked in any
// other way, and it gets no cookie, by which it could tell who asks.
func TestEncryptedUpstreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		truncated := func(q *dns.Msg) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Truncated = true
			return reply
		}
		for _, scheme := range []string{"tls", "https", "h3", "quic"} {
			server, err := resolver.ParseServer(scheme + "://dns.example@127.0.0.1:853")
			if err != nil {
				t.Fatal(err)
			}
			for name, bad := range map[string]func(*dns.Msg) *dns.Msg{
				"silent": func(*dns.Msg) *dns.Msg { return nil }, "SERVFAIL": script(t, dns.RcodeServerFailure, "", ""),
				"truncated": truncated, "BADCOOKIE": script(t, dns.RcodeBadCookie, "", ""), "FORMERR": script(t, dns.RcodeFormatError, "", ""),
			} {
				u := &watched{upstreams: upstreams{server.String(): func(q *dns.Msg) *dns.Msg {
					if options := q.IsEdns0(); options != nil && strings.Contains(options.String(), "COOKIE") {
						t.Errorf("%s: %v", name, options)
					}
					return bad(q)
				}}}
				f := newForwarder(t, u, func(c *forward.Config) { c.Servers, c.RandomCase = []resolver.Server{server}, true })
				if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err == nil {
					t.Errorf("%s: no error", name)
				}
				for _, asked := range u.asked {
					if asked != server {
						t.Errorf("%s: asked %v", name, asked)
					}
				}
			}
			good := upstreams{server.String(): script(t, 0, "www.example. A 192.0.2.1", "")}
			f := newForwarder(t, good, func(c *forward.Config) { c.Servers = []resolver.Server{server} })
			if _, err := f.Resolve(t.Context(), query("www.example", dns.TypeA)); err != nil {
				t.Error(err)
			}
		}
	})
}
