package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/tlsconf"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

// replacements is how often the certificate is replaced under load.
const replacements = 6

// TestEveryDoorTakesNewCertificatesUnderLoad: clients of each door that connect anew for each
// question lose none while the files are written over, certificate and key one after the other.
func TestEveryDoorTakesNewCertificatesUnderLoad(t *testing.T) {
	s, ca, ports := discoverable(t)
	address := func(port string) netip.AddrPort { return netip.MustParseAddrPort(ports.Replace("127.0.0.1:" + port)) }
	servers := map[resolver.Server]func() exchanging{
		{Addr: address("DOT"), Transport: resolver.OverTLS, Name: "dns.isp.example"}:                   func() exchanging { return dot.NewClient(dot.ClientConfig{Roots: ca.Pool}) },
		{Addr: address("DOT"), Transport: resolver.OverQUIC, Name: "dns.isp.example"}:                  func() exchanging { return doq.NewClient(doq.ClientConfig{Roots: ca.Pool}) },
		{Addr: address("DOH"), Transport: resolver.OverHTTPS, Name: "dns.isp.example", Path: doh.Path}: func() exchanging { return doh.NewClient(doh.ClientConfig{Roots: ca.Pool}) },
		{Addr: address("DOH"), Transport: resolver.OverHTTP3, Name: "dns.isp.example", Path: doh.Path}: func() exchanging { return doh.NewClient(doh.ClientConfig{Roots: ca.Pool}) },
	}
	ctx, end := context.WithCancel(t.Context())
	asked := make(map[resolver.Server]*atomic.Int64)
	var work sync.WaitGroup
	for server, newClient := range servers {
		count := new(atomic.Int64)
		asked[server] = count
		work.Go(func() {
			for ctx.Err() == nil {
				if err := askAnew(t.Context(), newClient(), server); err != nil {
					t.Errorf("%s: %v", server, err)
					return
				}
				count.Add(1)
			}
		})
	}
	pins := map[string]bool{}
	for range replacements {
		pins[replace(t, s, ca, address("DOT"))] = true
	}
	end()
	work.Wait()
	for server, count := range asked {
		if count.Load() < replacements {
			t.Errorf("%s was asked %d times only", server, count.Load())
		}
	}
	if len(pins) != replacements {
		t.Errorf("%d certificates were presented", len(pins))
	}
	s.stop()
}

// askAnew asks by a client that has no connection yet.
func askAnew(ctx context.Context, client exchanging, server resolver.Server) error {
	question, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		return err
	}
	octets, err := client.Exchange(ctx, server, question, func([]byte) bool { return true })
	if err != nil {
		return err
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(octets); err != nil {
		return err
	}
	if len(reply.Answer) == 0 {
		return fmt.Errorf("no answer: %v", reply)
	}
	return client.Close()
}

// replace writes another pair, and gives its pin once it is presented.
func replace(t *testing.T, s *server, ca *tlsconftest.Authority, at netip.AddrPort) string {
	t.Helper()
	before := pinAt(t, ca, at)
	ca.Issue(t, tlsconftest.Year(), "dns.isp.example", "127.0.0.1").Write(t, filepath.Join(s.process.Dir, "tls"))
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; tickOrFail(t) {
		if pin := pinAt(t, ca, at); pin != before {
			return pin
		}
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not presented")
		}
	}
}

func pinAt(t *testing.T, ca *tlsconftest.Authority, at netip.AddrPort) string {
	t.Helper()
	conn, err := tls.Dial("tcp", at.String(), &tls.Config{ServerName: "dns.isp.example", RootCAs: ca.Pool, NextProtos: []string{"dot"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return tlsconf.Pin(conn.ConnectionState().PeerCertificates[0])
}
