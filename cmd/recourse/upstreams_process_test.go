package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/dot"
)

// upstreamDoor is a resolver behind one encrypted door, which answers A with 192.0.2.7 for all
// names but those below withheld.example, and a plain one at the same port that nobody is to ask.
type upstreamDoor struct {
	address   string
	authority string // file
	asked     atomic.Int64
	plain     atomic.Int64
}

// uncounted is an observer that does not look.
type uncounted struct{}

func (uncounted) Answered(uint32, resolver.Door, transports.Outcome, int, time.Duration) {}

func startEncrypted(t *testing.T, scheme string, hosts ...string) *upstreamDoor {
	t.Helper()
	pair, authority := certified(t, hosts...)
	r := &upstreamDoor{authority: authority}
	service := transports.NewService(resolver.HandlerFunc(r.answer), transports.NewGate(transports.Limits{}), uncounted{}, slog.New(slog.DiscardHandler)).Structured(structuredOption)
	address := freePort(t)
	if err := r.listen(t, scheme, address, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, service); err != nil {
		t.Fatal(err)
	}
	r.address = address.String()
	if scheme == "tls" || scheme == "https" { // QUIC has the port already
		packets, err := net.ListenPacket("udp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		stop := countDatagrams(packets, &r.plain)
		t.Cleanup(stop)
	}
	return r
}

func (r *upstreamDoor) listen(t *testing.T, scheme string, address netip.AddrPort, config *tls.Config, service *transports.Service) error {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	var door io.Closer
	var err error
	switch scheme {
	case "tls":
		config.NextProtos = []string{dot.Protocol}
		door, err = dot.Listen(dot.Config{Address: address, TLS: config}, service, logger)
	case "https":
		door, err = doh.Listen(doh.Config{Address: address, TLS: config}, service, logger)
	case "h3":
		door, err = doh.ListenHTTP3(doh.HTTP3Config{Address: address, TLS: config}, service, logger)
	case "quic":
		door, err = doq.Listen(doq.Config{Address: address, TLS: config}, service, logger)
	}
	if err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := door.Close(); err != nil {
			t.Error(err)
		}
	})
	return nil
}

func (r *upstreamDoor) answer(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	r.asked.Add(1)
	reply := query.Message()
	if strings.HasSuffix(reply.Question[0].Name, "withheld.example.") {
		reply.Rcode = dns.RcodeNameError
		answer, err := resolver.NewAnswer(reply, query.Now).Pack()
		if err != nil {
			return nil, err
		}
		return answer.Explained(resolver.Extended{Code: resolver.Blocked, Text: "on a list", Structured: `{"c":["tel:+12"],"j":"on a list","s":1,"o":"Up","l":"en"}`}), nil
	}
	if query.Question.Type == dns.TypeA {
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
	}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

// countDatagrams counts what comes until it is stopped.
func countDatagrams(packets net.PacketConn, count *atomic.Int64) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buffer := make([]byte, 512); ; count.Add(1) {
			if _, _, err := packets.ReadFrom(buffer); err != nil {
				return
			}
		}
	}()
	return func() { packets.Close(); <-ended }
}

func (r *upstreamDoor) port() string {
	_, port, _ := net.SplitHostPort(r.address)
	return port
}

// forwards is a configuration that forwards to the servers, with more keys of resolver.
func forwards(server, authority, more string) map[string]string {
	text := fmt.Sprintf("operator: {name: Up, contact: \"mailto:test@example.net\", portal: \"http://127.0.0.1\"}\nlisten: {do53: [\"127.0.0.1:0\"]}\nstate: ./state\n"+
		"resolver: {mode: forward, forward: [%q], upstream_ca: %q, dnssec: off%s}\nclients: [{match: {networks: [\"127.0.0.0/8\"]}}]\n", server, authority, more)
	return map[string]string{"recourse.yaml": text}
}

// TestForwardingEncrypted: by address and by name over each transport, and never in any
// other way.
func TestForwardingEncrypted(t *testing.T) {
	t.Parallel()
	book := startNames(t)
	for _, scheme := range []string{"tls", "https", "h3", "quic"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			forwardOver(t, scheme, book)
		})
	}
}

func forwardOver(t *testing.T, scheme, book string) {
	good, other := startEncrypted(t, scheme, "dns.example", "127.0.0.1"), startEncrypted(t, scheme, "other.example")
	for name, test := range map[string]struct {
		server, authority, more string
		answers                 bool
	}{
		"its address":               {good.address, good.authority, "", true},
		"its name and address":      {"dns.example@" + good.address, good.authority, "", true},
		"its name":                  {"dns.example:" + good.port(), good.authority, ", bootstrap: [\"" + book + "\"]", true},
		"another name":              {"wrong.example@" + good.address, good.authority, "", false},
		"another authority":         {"dns.example@" + good.address, other.authority, "", false},
		"no certificate of address": {other.address, other.authority, "", false},
		"a name that is not there":  {"nowhere.example:" + good.port(), good.authority, ", bootstrap: [\"" + book + "\"]", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := good.asked.Load() + other.asked.Load()
			s := start(t, write(t, forwards(scheme+"://"+test.server, test.authority, test.more)), "--config", "recourse.yaml")
			defer s.stop()
			reply := s.ask("127.0.0.1", "www.example", dns.TypeA)
			if answered := reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 1; answered != test.answers {
				t.Errorf("got %v", reply)
			}
			if got := good.asked.Load() + other.asked.Load() - asked; (got > 0) != test.answers {
				t.Errorf("%d questions", got)
			}
		})
	}
	if plain := good.plain.Load() + other.plain.Load(); plain > 0 {
		t.Errorf("%s: %d datagrams in plain text", scheme, plain)
	}
}

// startNames is a bootstrap resolver that knows one host, on 127.0.0.1.
func startNames(t *testing.T) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		switch question := query.Question[0]; {
		case !strings.EqualFold(question.Name, "dns.example."):
			reply.Rcode = dns.RcodeNameError
		case question.Qtype == dns.TypeA:
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(reply) // a client that has left is not this server's concern
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go server.ActivateAndServe()
	<-started
	t.Cleanup(func() { server.Shutdown() })
	return packets.LocalAddr().String()
}

// TestQueryEncrypted: the certificate is checked unless somebody says that it need not be.
func TestQueryEncrypted(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"tls", "https", "h3", "quic"} {
		good := startEncrypted(t, scheme, "dns.example", "127.0.0.1", "localhost")
		at := "@" + scheme + "://"
		named := at + "dns.example@" + good.address
		for _, test := range []struct {
			status int
			args   []string
			want   []string
		}{
			{0, []string{named, "www.example", "--ca", good.authority}, []string{"asked " + named[1:], "192.0.2.7"}},
			{0, []string{at + good.address, "www.example", "--ca", good.authority, "--json"}, []string{`"server": "` + scheme + "://" + good.address}},
			{0, []string{at + "localhost:" + good.port(), "www.example", "--ca", good.authority}, []string{"asked " + scheme + "://localhost@127.0.0.1:"}},
			{1, []string{named, "www.example"}, []string{named[1:], "certificate signed by unknown authority", "--ca FILE names an authority", "--insecure believes anybody"}},
			{1, []string{at + "wrong.example@" + good.address, "www.example", "--ca", good.authority}, []string{"not wrong.example", "--insecure"}},
			{0, []string{named, "www.example", "--insecure"}, []string{"warning: the certificate of " + named[1:], "is not checked", "192.0.2.7"}},
		} {
			wantText(t, recourse(t, t.TempDir(), test.status, append([]string{"query"}, test.args...)...), test.want...)
		}
		if good.plain.Load() > 0 {
			t.Errorf("%s: asked in plain text", scheme)
		}
	}
}

// TestStubEncrypted: the servers of a zone are asked as they are configured, too.
func TestStubEncrypted(t *testing.T) {
	for _, scheme := range []string{"tls", "quic"} {
		good := startEncrypted(t, scheme, "ns.corp.internal")
		files := forwards("127.0.0.1:9", good.authority, fmt.Sprintf(", zones: [{zone: corp.internal, stub: [%q]}]", scheme+"://ns.corp.internal@"+good.address))
		s := start(t, write(t, files), "--config", "recourse.yaml")
		if reply := s.ask("127.0.0.1", "www.corp.internal", dns.TypeA); reply.Rcode != dns.RcodeSuccess || len(reply.Answer) != 1 {
			t.Errorf("%s: got %v", scheme, reply)
		}
		if good.asked.Load() == 0 || good.plain.Load() > 0 {
			t.Errorf("%s: asked %d times, %d in plain text", scheme, good.asked.Load(), good.plain.Load())
		}
		s.stop()
	}
}

// TestOpportunisticThroughTheBinary: the root's server is tried over TLS beside the first
// question, and from then on asked in no other way.
func TestOpportunisticThroughTheBinary(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.9.1:853")
	if err != nil {
		t.Skipf("the port of DNS over TLS cannot be had: %v", err)
	}
	packets, err := net.ListenPacket("udp", "127.0.9.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pair, _ := certified(t, "nobody.example")
	plain := startAuthority(t, &dns.Server{PacketConn: packets})
	secure := startAuthority(t, &dns.Server{Listener: tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})})
	s := start(t, write(t, map[string]string{
		"hints.zone": ". NS a.root.example.\na.root.example. A 127.0.9.1\n",
		"recourse.yaml": fmt.Sprintf("operator: {name: Up, contact: \"mailto:test@example.net\", portal: \"http://127.0.0.1\"}\nlisten: {do53: [\"127.0.0.1:0\"], metrics: [\"127.0.0.1:0\"]}\nstate: ./state\n"+
			"resolver: {mode: recurse, root_hints: hints.zone, upstream_port: %d, query_localhost: true, dnssec: off, priming: false, qname_minimisation: off, opportunistic: dot}\n"+
			"clients: [{match: {networks: [\"127.0.0.0/8\"]}}]\n", packets.LocalAddr().(*net.UDPAddr).Port),
	}), "--config", "recourse.yaml")
	defer s.stop()
	ask := func(name string) {
		t.Helper()
		if reply := s.ask("127.0.0.1", name, dns.TypeA); len(reply.Answer) != 1 {
			t.Errorf("got %v", reply)
		}
	}
	ask("first.example")
	for !strings.Contains(fetched(t, s.metrics), "recourse_opportunistic_found_total 1\n") && t.Context().Err() == nil {
		runtime.Gosched()
	}
	before := plain.Load()
	ask("second.example")
	ask("third.example")
	if plain.Load() != before || secure.Load() != 3 {
		t.Errorf("asked %d times more in plain text, %d times over TLS", plain.Load()-before, secure.Load())
	}
	wantText(t, fetched(t, s.metrics), "recourse_opportunistic_probes_total 1\n", "recourse_opportunistic_answers_total 2\n", "recourse_opportunistic_fallbacks_total 0\n")
}

func fetched(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// startAuthority answers A for all names with authority, and counts.
func startAuthority(t *testing.T, server *dns.Server) *atomic.Int64 {
	t.Helper()
	count := new(atomic.Int64)
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		count.Add(1)
		reply := new(dns.Msg).SetReply(query)
		reply.Authoritative = true
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
		_ = w.WriteMsg(reply) // a client that has left is not this server's concern
	})
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go server.ActivateAndServe()
	<-started
	t.Cleanup(func() { server.Shutdown() })
	return count
}
