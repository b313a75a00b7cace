package doh

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// door is a server with what is behind it and who may ask it.
type door struct {
	*Server
	world   *transportstest.World
	counts  *transportstest.Counts
	service *transports.Service
	trusted *x509.CertPool
	before  []byte // what clients say before TLS
}

func open(t testing.TB, waiting int) *door {
	t.Helper()
	return openBehind(t, waiting, nil)
}

// openBehind opens a door that believes load balancers on who the client is.
func openBehind(t testing.TB, waiting int, proxies proxy.Trusted) *door {
	t.Helper()
	service, w, seen := newService(waiting)
	config, pool := transportstest.Identity(t)
	server, err := Listen(Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: config, AltSvc: `h3=":443"; ma=86400`, Proxies: proxies}, service, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // a test may close it
			t.Error(err)
		}
	})
	return &door{server, w, seen, service, pool, nil}
}

func (d *door) url() string { return "https://" + d.Addr().String() + Path }

// browser is a client of net/http that speaks one version.
func (d *door) browser(t testing.TB, version2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.trusted, ServerName: "dns.example"}, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!version2)
	transport.Protocols.SetHTTP2(version2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// introduced is a browser behind a load balancer, which says a header of its own first.
func (d *door) introduced(t testing.TB, version2 bool, header string) *http.Client {
	client := d.browser(t, version2)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			_, err = conn.Write([]byte(header))
		}
		return conn, err
	}
	return client
}

func ask(t testing.TB, client *http.Client, method, url, contentType string, body []byte) (*http.Response, []byte) {
	t.Helper()
	outgoing, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		outgoing.Header.Set("Content-Type", contentType)
	}
	reply, err := client.Do(outgoing)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	said, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply, said
}

func TestBothVersionsAnswer(t *testing.T) {
	d := open(t, 10)
	close(d.world.Release)
	for _, version := range []int{1, 2} {
		client := d.browser(t, version == 2)
		for name, want := range map[string]struct {
			status, rcode int
			control       string
		}{
			"www":  {200, dns.RcodeSuccess, "private, max-age=60"},
			"slow": {200, dns.RcodeSuccess, "private, max-age=60"},
			"fail": {200, dns.RcodeServerFailure, "no-store"},
			"drop": {403, 0, "no-store"},
		} {
			packet := question(t, name, dns.TypeA)
			for _, method := range []string{"GET", "POST"} {
				url, body := d.url(), packet
				if method == "GET" {
					url, body = url+"?dns="+base64.RawURLEncoding.EncodeToString(packet), nil
				}
				reply, said := ask(t, client, method, url, MediaType, body)
				if reply.ProtoMajor != version || reply.StatusCode != want.status || reply.Header.Get("Cache-Control") != want.control {
					t.Errorf("%s of %s by HTTP/%d: %v", method, name, version, reply)
				}
				header := reply.Header
				if header.Get("Alt-Svc") == "" || header.Get("Date") == "" || reply.ContentLength != int64(len(said)) {
					t.Errorf("%s of %s by HTTP/%d: %v", method, name, version, header)
				}
				if want.status == 200 && (header.Get("Content-Type") != MediaType || unpacked(t, said).Rcode != want.rcode) {
					t.Errorf("%s of %s by HTTP/%d: %v %x", method, name, version, header, said)
				}
			}
		}
	}
	if client := d.world.Client(); client.Door != resolver.HTTPS || client.Addr.String() != "127.0.0.1" {
		t.Errorf("the client is %+v", client)
	}
}
