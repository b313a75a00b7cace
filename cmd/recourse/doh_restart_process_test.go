package main

import (
	"context"
	"crypto/x509"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/doh"
)

// TestARestartLosesNoQueryOverHTTPS: neither on connections that are open nor on new ones.
func TestARestartLosesNoQueryOverHTTPS(t *testing.T) {
	e := startOverHTTPS(t)
	text, err := os.ReadFile(e.trusted)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	packet, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	server := resolver.Server{Addr: netip.MustParseAddrPort(e.address), Transport: resolver.OverHTTPS, Name: "dns.isp.example", Path: doh.Path}
	var asked, lost atomic.Int64
	end := make(chan struct{})
	var work sync.WaitGroup
	kept := doh.NewClient(doh.ClientConfig{Roots: pool})
	for worker := range 4 {
		work.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				client := kept
				if worker == 0 {
					client = doh.NewClient(doh.ClientConfig{Roots: pool}) // with a connection of its own
				}
				asked.Add(1)
				_, err := client.Exchange(context.Background(), server, packet, func(reply []byte) bool { return len(reply) > len(packet) })
				if err != nil {
					lost.Add(1)
					t.Errorf("worker %d: %v", worker, err)
				}
				if client != kept {
					client.Close()
				}
			}
		})
	}
	e.until(t, func() bool { return asked.Load() > 200 })
	if err := e.process.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	e.until(t, func() bool { return e.restarted() || lost.Load() > 0 })
	before := asked.Load()
	e.until(t, func() bool { return asked.Load() > before+200 || lost.Load() > 0 })
	close(end)
	work.Wait()
	kept.Close()
	t.Logf("%d asked, %d lost", asked.Load(), lost.Load())
	e.stop()
}
