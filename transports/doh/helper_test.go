package doh

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func packed(t testing.TB, message *dns.Msg) []byte {
	t.Helper()
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// question is a query with ID 0, as RFC 8484 wants it.
func question(t testing.TB, name string, qtype uint16) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	message.Id = 0
	return packed(t, message)
}

func unpacked(t testing.TB, packet []byte) *dns.Msg {
	t.Helper()
	message := new(dns.Msg)
	if err := message.Unpack(packet); err != nil {
		t.Fatalf("%x: %v", packet, err)
	}
	return message
}

func records(t testing.TB, texts []string) []dns.RR {
	t.Helper()
	made := make([]dns.RR, 0, len(texts))
	for _, text := range texts {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, record)
	}
	return made
}

// world answers by name: "slow" has to wait until released, "drop" is dropped, "fail"
// fails, anything else has an address. It notes the name of the last client.
type world struct {
	release chan struct{}
	entered chan struct{} // one for each "slow" that waits
	client  atomic.Value  // of resolver.Client
}

func (w *world) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	w.client.Store(query.Client)
	switch query.Question.Name.String() {
	case "slow":
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		select {
		case w.entered <- struct{}{}:
		default:
		}
		select {
		case <-w.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "drop":
		return nil, resolver.Dropped
	case "fail":
		return nil, resolver.Fail(resolver.Bogus, "the signature is wrong")
	}
	reply := query.Message()
	reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

// counts keeps what the observer is told of one door.
type counts struct{ by [16]atomic.Int64 }

func (c *counts) Answered(_ uint32, _ resolver.Door, outcome transports.Outcome, queries int, _ time.Duration) {
	c.by[outcome].Add(int64(queries))
}

func newService(waiting int) (*transports.Service, *world, *counts) {
	w, seen := &world{release: make(chan struct{}), entered: make(chan struct{}, 1000)}, new(counts)
	return transports.NewService(w, transports.NewGate(transports.Limits{Waiting: waiting}), seen, slog.New(slog.DiscardHandler)), w, seen
}
