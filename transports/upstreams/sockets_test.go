package upstreams_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/upstreams"
)

// serve counts what it is asked until it is stopped.
func serve(t *testing.T, server *dns.Server) (count *atomic.Int64, stop func()) {
	t.Helper()
	count = new(atomic.Int64)
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		count.Add(1)
		_ = w.WriteMsg(new(dns.Msg).SetReply(query)) // who has left is not this server's concern
	})
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go server.ActivateAndServe()
	<-started
	stop = func() { _ = server.Shutdown() } // it may have been stopped already
	t.Cleanup(stop)
	return count, stop
}

// nobodys is a certificate that nothing vouches for and that has no name, as servers have
// that nobody authenticates.
func nobodys(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	octets, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{octets}, PrivateKey: key}}, NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS12}
}

// TestOpportunisticOverSockets: found beside the first question, then asked over TLS alone,
// and in plain text again once its TLS is gone.
func TestOpportunisticOverSockets(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := serve(t, &dns.Server{PacketConn: packets})
	secure, stop := serve(t, &dns.Server{Listener: tls.NewListener(inner, nobodys(t))})
	server := resolver.Server{Addr: netip.MustParseAddrPort(packets.LocalAddr().String())}

	client, overTLS := do53.NewClient(do53.ClientConfig{}), dot.NewClient(dot.ClientConfig{Opportunistic: true})
	defer client.Close()
	defer overTLS.Close()
	o := upstreams.NewOpportunistic(upstreams.OpportunisticConfig{
		PlainPort: server.Addr.Port(), Port: netip.MustParseAddrPort(inner.Addr().String()).Port(),
	}, client, overTLS, slog.New(slog.DiscardHandler))
	defer o.Close()
	ask := func(wantPlain, wantSecure int64) {
		t.Helper()
		if _, err := o.Exchange(t.Context(), server, query(t), anything); err != nil {
			t.Error(err)
		}
		if plain.Load() != wantPlain || secure.Load() != wantSecure {
			t.Errorf("asked %d times in plain text and %d over TLS; want %d and %d", plain.Load(), secure.Load(), wantPlain, wantSecure)
		}
	}
	if _, err := o.Exchange(t.Context(), server, query(t), anything); err != nil {
		t.Fatal(err)
	}
	for o.Stats().Found.Load() == 0 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	ask(1, 2)
	ask(1, 3)
	stop()
	ask(2, 3)
	ask(3, 3)
}
