package doq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func newClient(t *testing.T, config doq.ClientConfig) *doq.Client {
	t.Helper()
	client := doq.NewClient(config)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func (s *server) upstream() resolver.Server {
	return resolver.Server{Addr: s.Addr(), Transport: resolver.OverQUIC, Name: transportstest.ServerName}
}

// plainQuery is a query as a resolver makes it.
func plainQuery(t testing.TB, name string) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	message.Id = 0x1234
	message.SetEdns0(1232, true)
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func anything([]byte) bool { return true }

func TestExchange(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	client := newClient(t, doq.ClientConfig{Roots: s.roots})
	asked := plainQuery(t, "www.example")
	before := bytes.Clone(asked)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			reply, err := client.Exchange(t.Context(), s.upstream(), asked, func(reply []byte) bool { return reply[0] == 0x12 && reply[1] == 0x34 })
			if err != nil || len(reply) < 40 {
				t.Errorf("%x, %v", reply, err)
			}
		})
	}
	group.Wait()
	if !bytes.Equal(asked, before) {
		t.Error("the query was changed")
	}
	if s.Client().Name != transportstest.ServerName {
		t.Errorf("the server was told the name %q", s.Client().Name)
	}
	if _, err := client.Exchange(t.Context(), s.upstream(), asked, func([]byte) bool { return false }); err == nil {
		t.Error("a reply that was not accepted was given")
	}
	byAddress := s.upstream()
	byAddress.Name = ""
	if _, err := client.Exchange(t.Context(), byAddress, asked, anything); err != nil {
		t.Errorf("a server known by its address: %v", err)
	}
}

func TestOneConnectionServesAll(t *testing.T) {
	s := serve(t, transports.Limits{ConnectionsPerClient: 1}, nil)
	client := newClient(t, doq.ClientConfig{Roots: s.roots})
	for range 5 {
		if _, err := client.Exchange(t.Context(), s.upstream(), plainQuery(t, "www.example"), anything); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServersMustBeWhoTheySay(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	other := s.upstream()
	other.Name = "other.example"
	if _, err := newClient(t, doq.ClientConfig{Roots: s.roots}).Exchange(t.Context(), other, plainQuery(t, "www.example"), anything); err == nil {
		t.Error("another name was believed")
	}
	if _, err := newClient(t, doq.ClientConfig{}).Exchange(t.Context(), s.upstream(), plainQuery(t, "www.example"), anything); err == nil {
		t.Error("a certificate of its own making was believed")
	}
	if _, err := newClient(t, doq.ClientConfig{Opportunistic: true}).Exchange(t.Context(), other, plainQuery(t, "www.example"), anything); err != nil {
		t.Errorf("opportunistic: %v", err)
	}
}

// A connection that has ended is replaced, and the query asked again.
func TestConnectionsThatEndedAreReplaced(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	client := newClient(t, doq.ClientConfig{Roots: s.roots})
	if _, err := client.Exchange(t.Context(), s.upstream(), plainQuery(t, "www.example"), anything); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	next := serve(t, transports.Limits{}, func(c *doq.Config) { c.Address, c.TLS = s.Addr(), s.certificate })
	if _, err := client.Exchange(t.Context(), s.upstream(), plainQuery(t, "www.example"), anything); err != nil {
		t.Error(err)
	}
	if next.Of(transports.FromNetwork) != 1 {
		t.Error("the server that came after was not asked")
	}
}

func TestTimeouts(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	client := newClient(t, doq.ClientConfig{Roots: s.roots, Timeout: 100 * time.Millisecond})
	var timeout net.Error
	for asked := false; !asked; { // on a busy machine a connection takes longer than that
		if _, err := client.Exchange(t.Context(), s.upstream(), plainQuery(t, "slow"), anything); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("a server that does not answer: %v", err)
		}
		select {
		case <-s.Entered:
			asked = true
		default:
		}
	}
	if err := <-s.Ended; !errors.Is(err, context.Canceled) { // it was told that nobody waits
		t.Errorf("the server's work ended with %v", err)
	}
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nobody := resolver.Server{Addr: silent.LocalAddr().(*net.UDPAddr).AddrPort(), Name: transportstest.ServerName}
	if _, err := client.Exchange(t.Context(), nobody, plainQuery(t, "www.example"), anything); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a server that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Exchange(ctx, s.upstream(), plainQuery(t, "www.example"), anything); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that does not wait: %v", err)
	}
	if _, err := client.Exchange(t.Context(), resolver.Server{}, plainQuery(t, "www.example"), anything); err == nil {
		t.Error("a server without an address was asked")
	}
	if _, err := client.Exchange(t.Context(), s.upstream(), nil, anything); err == nil {
		t.Error("nothing was asked")
	}
}

// scripted is a server that answers each query with what it is told to.
func scripted(t *testing.T, answer func(n int64, stream *quic.Stream)) (resolver.Server, *doq.Client) {
	t.Helper()
	certificate, roots := transportstest.Identity(t)
	certificate.NextProtos = []string{doq.Protocol}
	listener, err := newTransport(t).Listen(certificate, nil)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept(context.Background())
			if err != nil {
				return
			}
			group.Go(func() {
				for {
					stream, err := conn.AcceptStream(context.Background())
					if err != nil {
						return
					}
					answer(count.Add(1), stream)
				}
			})
		}
	})
	client := doq.NewClient(doq.ClientConfig{Roots: roots})
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), listener.Close()); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
	return resolver.Server{Addr: netip.MustParseAddrPort(listener.Addr().String()), Name: transportstest.ServerName}, client
}

func TestBadServers(t *testing.T) {
	header := make([]byte, 12)
	for name, data := range map[string][]byte{
		"nothing":              nil,
		"a length alone":       {0, 12},
		"less than its length": append([]byte{0, 13}, header...),
		"more than its length": append([]byte{0, 12}, make([]byte, 13)...),
		"two replies":          append(framed(header), framed(header)...),
		"an ID":                framed(append([]byte{1}, header[1:]...)),
		"endless":              append(framed(header), make([]byte, 100_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			server, client := scripted(t, func(_ int64, stream *quic.Stream) {
				_, _ = io.ReadAll(stream)
				_, _ = stream.Write(data)
				_ = stream.Close()
			})
			if reply, err := client.Exchange(t.Context(), server, plainQuery(t, "www.example"), anything); err == nil {
				t.Errorf("the reply %x was taken", reply)
			}
		})
	}
}

// What the client sends has the ID 0, its length, an end, and padding.
func TestWhatIsSent(t *testing.T) {
	sent := make(chan []byte, 1)
	server, client := scripted(t, func(_ int64, stream *quic.Stream) {
		data, _ := io.ReadAll(stream)
		sent <- data
		stream.CancelWrite(1)
	})
	if _, err := client.Exchange(t.Context(), server, plainQuery(t, "www.example"), anything); err == nil {
		t.Error("a reset was taken for a reply")
	}
	data := <-sent
	if message := unpack(t, data); message.Id != 0 || message.Question[0].Name != "www.example." || (len(data)-2)%128 != 0 {
		t.Errorf("sent were %d octets: %v", len(data), message)
	}
}
