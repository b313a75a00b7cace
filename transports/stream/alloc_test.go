package stream

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// kept answers everything with the same.
type kept struct{ answer *resolver.Answer }

func (k kept) Resolve(context.Context, *resolver.Query) (*resolver.Answer, error) {
	return k.answer, nil
}

type nobody struct{}

func (nobody) Answered(uint32, resolver.Door, transports.Outcome, int, time.Duration) {}

// secureClient does the handshake, and has keys of its own after it, so that it allocates
// nothing either.
func secureClient(t *testing.T, conn net.Conn) *records {
	t.Helper()
	var of keys
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &of})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	layer, err := newRecords(client.ConnectionState().CipherSuite, of.server, of.client, 0)
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// TestCachedAnswersAllocateNothing measures the whole process: the kernel's side, the loop,
// records and replies; for queries one by one, and many together.
func TestCachedAnswersAllocateNothing(t *testing.T) {
	query, err := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	reply := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	reply.Response = true
	reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
	answer, err := resolver.NewAnswer(reply, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(nil, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Listener: listener, Door: resolver.TCP}
	for _, secure := range []bool{false, true} {
		if secure {
			if config.Listener, err = Listen(nil, netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
				t.Fatal(err)
			}
			config.TLS = &tls.Config{Certificates: []tls.Certificate{certificateFor(t)}, SessionTicketsDisabled: true}
		}
		service := transports.NewService(kept{answer}, transports.NewGate(transports.Limits{}), nobody{}, slog.New(slog.DiscardHandler))
		server, err := Serve(config, service, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		conn, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var layer *records
		if secure {
			layer = secureClient(t, conn)
		}
		for _, together := range []int{1, 20, 300} {
			exchange := exchanger(t, conn, layer, query, len(answer.Plain.Wire), together)
			for range 20 { // until buffers have their sizes
				exchange()
			}
			if allocs := testing.AllocsPerRun(100, exchange); allocs != 0 {
				t.Errorf("encrypted %t: %d queries together allocate %v times", secure, together, allocs)
			}
		}
	}
}

func exchanger(t *testing.T, conn net.Conn, layer *records, query []byte, size, together int) func() {
	var queries []byte
	for range together {
		queries = append(append(queries, byte(len(query)>>8), byte(len(query))), query...)
	}
	raw, buffer := make([]byte, 0, 64<<10), make([]byte, 64<<10)
	plain := make([]byte, 0, 64<<10)
	return func() {
		data := queries
		if layer != nil {
			raw, _ = layer.seal(raw[:0], queries)
			data = raw
		}
		if _, err := conn.Write(data); err != nil {
			t.Error(err)
		}
		wanted := together * (size + prefix)
		if layer == nil {
			if _, err := io.ReadFull(conn, buffer[:wanted]); err != nil {
				t.Error(err)
			}
			return
		}
		left := 0
		for plain = plain[:0]; len(plain) < wanted; {
			got, err := conn.Read(buffer[left:])
			if err != nil {
				t.Error(err)
				return
			}
			var rest []byte
			if plain, rest, err = layer.open(plain, buffer[:left+got]); err != nil {
				t.Error(err)
				return
			}
			left = copy(buffer, rest)
		}
	}
}
