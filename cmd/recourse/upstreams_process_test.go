package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// resolverOverTLS answers A with 192.0.2.7 for all names, counts, and records whether
// anybody asked in plain text at the same port.
type resolverOverTLS struct {
	address   string
	authority string // file
	asked     atomic.Int64
	plain     atomic.Int64
}

func startResolverOverTLS(t *testing.T, hosts ...string) *resolverOverTLS {
	t.Helper()
	pair, authority := certified(t, hosts...)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &resolverOverTLS{address: inner.Addr().String(), authority: authority}
	packets, err := net.ListenPacket("udp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS12})
	answer := func(count *atomic.Int64) dns.Handler {
		return dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
			count.Add(1)
			reply := new(dns.Msg).SetReply(query)
			reply.RecursionAvailable = true
			if question := query.Question[0]; question.Qtype == dns.TypeA {
				reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
			}
			_ = w.WriteMsg(reply) // a client that has left is not this server's concern
		})
	}
	for _, server := range []*dns.Server{{Listener: listener, Handler: answer(&r.asked)}, {PacketConn: packets, Handler: answer(&r.plain)}} {
		ended := make(chan error, 1)
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := errors.Join(server.Shutdown(), <-ended); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
	return r
}

func (r *resolverOverTLS) port() string {
	_, port, _ := net.SplitHostPort(r.address)
	return port
}

// forwards is a configuration that forwards to the servers, with more keys of resolver.
func forwards(server, authority, more string) map[string]string {
	text := fmt.Sprintf("operator: {name: Up, contact: \"mailto:test@example.net\", portal: \"http://127.0.0.1\"}\nlisten: {do53: [\"127.0.0.1:0\"]}\nstate: ./state\n"+
		"resolver: {mode: forward, forward: [%q], upstream_ca: %q, dnssec: off%s}\nclients: [{match: {networks: [\"127.0.0.0/8\"]}}]\n", server, authority, more)
	return map[string]string{"recourse.yaml": text}
}

// TestForwardingOverTLS: by address and by name, and never without TLS.
func TestForwardingOverTLS(t *testing.T) {
	good := startResolverOverTLS(t, "dns.example", "127.0.0.1")
	other := startResolverOverTLS(t, "other.example")
	book := startNames(t)
	for name, test := range map[string]struct {
		server, authority, more string
		answers                 bool
	}{
		"its address":               {"tls://" + good.address, good.authority, "", true},
		"its name and address":      {"tls://dns.example@" + good.address, good.authority, "", true},
		"its name":                  {"tls://dns.example:" + good.port(), good.authority, ", bootstrap: [\"" + book + "\"]", true},
		"another name":              {"tls://wrong.example@" + good.address, good.authority, "", false},
		"another authority":         {"tls://dns.example@" + good.address, other.authority, "", false},
		"no certificate of address": {"tls://" + other.address, other.authority, "", false},
		"a name that is not there":  {"tls://nowhere.example:" + good.port(), good.authority, ", bootstrap: [\"" + book + "\"]", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := good.asked.Load() + other.asked.Load()
			s := start(t, write(t, forwards(test.server, test.authority, test.more)), "--config", "recourse.yaml")
			defer s.stop()
			reply := s.ask("127.0.0.1", "www.example", dns.TypeA)
			if answered := reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 1; answered != test.answers {
				t.Errorf("got %v", reply)
			}
			if got := good.asked.Load() + other.asked.Load() - asked; (got > 0) != test.answers {
				t.Errorf("%d questions over TLS", got)
			}
		})
	}
	if plain := good.plain.Load() + other.plain.Load(); plain > 0 {
		t.Errorf("%d questions without TLS", plain)
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

// TestQueryOverTLS: the certificate is checked unless somebody says that it need not be.
func TestQueryOverTLS(t *testing.T) {
	good := startResolverOverTLS(t, "dns.example", "127.0.0.1", "localhost")
	named := "@tls://dns.example@" + good.address
	for _, test := range []struct {
		status int
		args   []string
		want   []string
	}{
		{0, []string{named, "www.example", "--ca", good.authority}, []string{"asked tls://dns.example@" + good.address, "192.0.2.7"}},
		{0, []string{"@tls://" + good.address, "www.example", "--ca", good.authority, "--json"}, []string{`"server": "tls://` + good.address}},
		{0, []string{"@tls://localhost:" + good.port(), "www.example", "--ca", good.authority}, []string{"asked tls://localhost@127.0.0.1:"}},
		{1, []string{named, "www.example"}, []string{"tls://dns.example@" + good.address, "certificate signed by unknown authority", "--ca FILE names an authority", "--insecure believes anybody"}},
		{1, []string{"@tls://wrong.example@" + good.address, "www.example", "--ca", good.authority}, []string{"not wrong.example", "--insecure"}},
		{0, []string{named, "www.example", "--insecure"}, []string{"warning: the certificate of tls://dns.example@" + good.address + " is not checked", "192.0.2.7"}},
	} {
		wantText(t, recourse(t, t.TempDir(), test.status, append([]string{"query"}, test.args...)...), test.want...)
	}
	if good.plain.Load() > 0 {
		t.Error("asked without TLS")
	}
}
