package doh

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

func newClient(t testing.TB, config ClientConfig) *Client {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = patience3 // on a busy machine
	}
	client := NewClient(config)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// asked is a query with an ID of its own.
func askedWith(t testing.TB, name string, id uint16) []byte {
	t.Helper()
	packet := question(t, name, dns.TypeA)
	binary.BigEndian.PutUint16(packet, id)
	return packet
}

func anything([]byte) bool { return true }

func TestClientAsksADoor(t *testing.T) {
	d := open(t, 10)
	client := newClient(t, ClientConfig{Roots: d.trusted})
	named := resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "dns.example", Path: Path}
	for _, server := range []resolver.Server{named, {Addr: d.Addr(), Transport: resolver.OverHTTPS, Path: Path}} {
		query := askedWith(t, "www", 4711)
		reply, err := client.Exchange(context.Background(), server, query, anything)
		if err != nil {
			t.Fatal(err)
		}
		if message := unpacked(t, reply); message.Id != 4711 || len(message.Answer) != 1 {
			t.Errorf("%s: %v", server, message)
		}
		if !bytes.Equal(query, askedWith(t, "www", 4711)) {
			t.Error("the query was changed")
		}
		if seen := d.world.Client(); seen.Name != server.Name {
			t.Errorf("%s was asked as %q", server, seen.Name)
		}
	}
	for name, test := range map[string]struct {
		server resolver.Server
		accept func([]byte) bool
	}{
		"another name":    {resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "other.example", Path: Path}, anything},
		"another path":    {resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "dns.example", Path: "/"}, anything},
		"no address":      {resolver.Server{Name: "dns.example", Path: Path}, anything},
		"an unfit answer": {named, func([]byte) bool { return false }},
	} {
		if reply, err := client.Exchange(context.Background(), test.server, askedWith(t, "www", 1), test.accept); err == nil {
			t.Errorf("%s: %x", name, reply)
		}
	}
	unbelieving := newClient(t, ClientConfig{})
	if _, err := unbelieving.Exchange(context.Background(), named, askedWith(t, "www", 1), anything); err == nil {
		t.Error("a certificate that nobody vouches for is believed")
	}
}

func TestClientHasManyQueriesOnOneConnection(t *testing.T) {
	d := open(t, 100)
	client := newClient(t, ClientConfig{Roots: d.trusted})
	server := resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "dns.example", Path: Path}
	if _, err := client.Exchange(context.Background(), server, askedWith(t, "www", 1), anything); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for id := range uint16(50) {
		group.Go(func() {
			reply, err := client.Exchange(context.Background(), server, askedWith(t, "slow", id), anything)
			if err != nil || unpacked(t, reply).Id != id {
				t.Errorf("%d: %x, %v", id, reply, err)
			}
		})
	}
	for range 50 {
		<-d.world.Entered
	}
	d.mu.Lock()
	connections := len(d.lines)
	d.mu.Unlock()
	close(d.world.Release)
	group.Wait()
	if connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

func TestClientGivesUpInTime(t *testing.T) {
	d := open(t, 10)
	defer close(d.world.Release)
	client := newClient(t, ClientConfig{Roots: d.trusted, Timeout: 50 * time.Millisecond})
	server := resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "dns.example", Path: Path}
	_, err := client.Exchange(context.Background(), server, askedWith(t, "slow", 1), anything)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Exchange(ended, server, askedWith(t, "www", 1), anything); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestClientTrustsNoResponse: whatever a server does in HTTP, nothing but a message is taken for one.
func TestClientTrustsNoResponse(t *testing.T) {
	answer := askedWith(t, "www", 0)
	answer[2] |= 0x80
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  string // of the error; "" for none
	}{
		"a message": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("User-Agent") != "" || r.Header.Get("Cookie") != "" || r.Method != "POST" {
				t.Errorf("asked with %s %v", r.Method, r.Header)
			}
			w.Header().Set("Content-Type", MediaType)
			w.Header().Set("Set-Cookie", "who=you")
			w.Write(answer)
		}, ""},
		"a page":    {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, "not application/dns-message"},
		"a failure": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "status 502"},
		"a redirection": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/dns-query", http.StatusTemporaryRedirect)
		}, "status 307"},
		"nothing":     {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", MediaType) }, "shorter"},
		"without end": {endless, "more than a message"},
		"another ID": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", MediaType)
			w.Write(askedWith(t, "www", 7))
		}, "does not fit"},
		"a broken promise": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", MediaType)
			w.Header().Set("Content-Length", "100")
			w.Write(answer)
		}, "EOF"},
	} {
		for _, version := range []int{1, 2} {
			remote := httptest.NewUnstartedServer(test.serve)
			remote.EnableHTTP2 = version == 2
			remote.StartTLS()
			config := remote.Client().Transport.(*http.Transport).TLSClientConfig
			client := NewClient(ClientConfig{Roots: config.RootCAs})
			server := resolver.Server{Addr: netip.MustParseAddrPort(remote.Listener.Addr().String()), Transport: resolver.OverHTTPS, Name: "example.com", Path: Path}
			for range 2 { // the second time with whatever the first left behind
				fits := func(reply []byte) bool { return binary.BigEndian.Uint16(reply) == 99 }
				reply, err := client.Exchange(context.Background(), server, askedWith(t, "www", 99), fits)
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s by HTTP/%d: %x, %v", name, version, reply, err)
				}
			}
			client.Close()
			remote.Close()
		}
	}
}

func endless(writer http.ResponseWriter, incoming *http.Request) {
	writer.Header().Set("Content-Type", MediaType)
	for incoming.Context().Err() == nil {
		if _, err := writer.Write(make([]byte, 8192)); err != nil {
			return
		}
	}
}

// TestClientComesBack: a connection that ended while it was idle costs no question.
func TestClientComesBack(t *testing.T) {
	d := open(t, 10)
	client := newClient(t, ClientConfig{Roots: d.trusted})
	server := resolver.Server{Addr: d.Addr(), Transport: resolver.OverHTTPS, Name: "dns.example", Path: Path}
	for range 10 {
		if _, err := client.Exchange(context.Background(), server, askedWith(t, "www", 1), anything); err != nil {
			t.Fatal(err)
		}
		d.cutAll()
	}
}

func TestAuthorities(t *testing.T) {
	for want, server := range map[string]resolver.Server{
		"dns.example":        {Addr: netip.MustParseAddrPort("192.0.2.1:443"), Name: "dns.example"},
		"dns.example:8443":   {Addr: netip.MustParseAddrPort("192.0.2.1:8443"), Name: "dns.example"},
		"192.0.2.1":          {Addr: netip.MustParseAddrPort("192.0.2.1:443")},
		"[2001:db8::1]":      {Addr: netip.MustParseAddrPort("[2001:db8::1]:443")},
		"[2001:db8::1]:8443": {Addr: netip.MustParseAddrPort("[2001:db8::1%eth0]:8443")},
	} {
		if got := authority(server); got != want {
			t.Errorf("%v is asked as %q, want %q", server, got, want)
		}
	}
}

// TestClientKeepsFewServers: connections to many servers do not pile up.
func TestClientKeepsFewServers(t *testing.T) {
	client := newClient(t, ClientConfig{})
	for port := range uint16(3 * maxServers) {
		client.transport(resolver.Server{Addr: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port+1)})
	}
	if len(client.servers) != maxServers {
		t.Errorf("%d servers", len(client.servers))
	}
}

// cutAll ends all connections that are open.
func (d *door) cutAll() {
	d.mu.Lock()
	open := slices.Collect(maps.Keys(d.lines))
	d.mu.Unlock()
	for _, l := range open {
		l.Close()
	}
}
