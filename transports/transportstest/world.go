package transportstest

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// World answers by name: "slow" has to wait until released, "drop" is dropped, "fail" fails,
// "panic" panics, "large" has 60,000 octets, "who" tells the name that the client connected to,
// "from" its address; anything else has an address.
type World struct {
	Release chan struct{} // closed by the test
	Entered chan struct{} // one for each "slow" that begins to wait
	Ended   chan error    // one for each that has ended, and why

	waiting atomic.Int32
	kept    atomic.Pointer[resolver.Answer]

	mu      sync.Mutex
	clients []resolver.Client
}

// remembered is how much is kept of what happened, when nobody asks for it.
const remembered = 10_000

// NewWorld makes one.
func NewWorld() *World {
	return &World{Release: make(chan struct{}), Entered: make(chan struct{}, remembered), Ended: make(chan error, remembered)}
}

// Keep answers all names with one answer from now on, as a cache does, and remembers no clients.
func (w *World) Keep(t testing.TB) {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response = true
	message.Answer = address("www.example.", 600)
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	w.kept.Store(answer)
}

// Waiting is how many "slow" wait.
func (w *World) Waiting() int { return int(w.waiting.Load()) }

// Clients are those who asked, in order.
func (w *World) Clients() []resolver.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]resolver.Client(nil), w.clients...)
}

// Client is the last one who asked.
func (w *World) Client() resolver.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clients) == 0 {
		return resolver.Client{}
	}
	return w.clients[len(w.clients)-1]
}

func (w *World) note(client resolver.Client) {
	client.Name = strings.Clone(client.Name) // which may lie in a buffer
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clients) == remembered {
		w.clients = w.clients[:0]
	}
	w.clients = append(w.clients, client)
}

// Resolve is a stage of a chain, the only one.
func (w *World) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if kept := w.kept.Load(); kept != nil {
		return kept, nil
	}
	w.note(query.Client)
	switch query.Question.Name.String() {
	case "slow":
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		if err := w.wait(ctx); err != nil {
			return nil, err
		}
	case "drop":
		return nil, resolver.Dropped
	case "fail":
		return nil, resolver.Fail(resolver.Bogus, "the signature is wrong")
	case "panic":
		panic("fault")
	}
	return w.answer(query)
}

func (w *World) wait(ctx context.Context) error {
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	tell(w.Entered, struct{}{})
	select {
	case <-w.Release:
		tell(w.Ended, nil)
		return nil
	case <-ctx.Done():
		tell(w.Ended, ctx.Err())
		return ctx.Err()
	}
}

func tell[T any](to chan T, what T) {
	select {
	case to <- what:
	default: // nobody wants to know
	}
}

func (w *World) answer(query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	name := reply.Question[0].Name
	switch query.Question.Name.String() {
	case "large":
		for range 240 {
			reply.Answer = append(reply.Answer, text(name, strings.Repeat("x", 240)))
		}
	case "from":
		reply.Answer = []dns.RR{text(name, query.Client.Addr.String())}
	case "who":
		reply.Answer = []dns.RR{text(name, query.Client.Name)}
	default:
		reply.Answer = address(name, 60)
	}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

func text(name, said string) dns.RR {
	return &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{said}}
}

func address(name string, ttl uint32) []dns.RR {
	return []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: net.IPv4(192, 0, 2, 1)}}
}
