package recurse_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// world is a scripted Internet: a handler for each address.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	servers map[netip.Addr]handler
	asked   []string // "ADDRESS NAME TYPE", in order
}

// handler answers a query; nil is silence.
type handler func(query *dns.Msg, transport resolver.Transport) *dns.Msg

func newWorld(t testing.TB) *world { return &world{t: t, servers: map[netip.Addr]handler{}} }

// Exchange takes a network round trip of ten milliseconds.
func (w *world) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	message := new(dns.Msg)
	if err := message.Unpack(query); err != nil {
		w.t.Errorf("query does not unpack: %v", err)
		return nil, err
	}
	question := message.Question[0]
	w.mu.Lock()
	line := server.Addr.Addr().String() + " " + question.Name + " " + dns.TypeToString[question.Qtype]
	if server.Transport == resolver.OverTCP {
		line += " tcp"
	}
	w.asked = append(w.asked, line)
	answer := w.servers[server.Addr.Addr()]
	w.mu.Unlock()
	if answer == nil {
		return nil, syscall.ECONNREFUSED
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(10 * time.Millisecond):
	}
	reply := answer(message, server.Transport)
	if reply != nil {
		packet, err := reply.Pack()
		if err != nil {
			w.t.Errorf("reply does not pack: %v", err)
			return nil, err
		}
		if accept(packet) {
			return packet, nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// on puts a handler at an address.
func (w *world) on(address string, answer handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[netip.MustParseAddr(address)] = answer
}

// serve puts an authoritative server for one zone at an address.
func (w *world) serve(address, origin, records string) {
	w.on(address, zone(w.t, origin, records))
}

// questions gives what was asked since the last call.
func (w *world) questions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// count says how many of the lines have the text in them.
func count(lines []string, text string) int {
	found := 0
	for _, line := range lines {
		if strings.Contains(line, text) {
			found++
		}
	}
	return found
}

func silent(*dns.Msg, resolver.Transport) *dns.Msg { return nil }

func rcode(code int) handler {
	return func(query *dns.Msg, _ resolver.Transport) *dns.Msg {
		return new(dns.Msg).SetRcode(query, code)
	}
}

// parse reads records, one a line; relative names hang below the origin.
func parse(t testing.TB, origin, text string) []dns.RR {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader("$TTL 300\n"+strings.TrimSpace(text)+"\n"), origin, "test")
	var records []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records = append(records, rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatalf("zone %s: %v", origin, err)
	}
	return records
}

// zone is a small authoritative server. Below a name with NS records it refers,
// with all DS, NSEC and signatures at that name and all addresses as glue. It
// follows aliases inside the zone. An SOA is added; its MINIMUM is 60.
func zone(t testing.TB, origin, text string) handler {
	records := append(parse(t, origin, text), parse(t, origin, "@ SOA ns hostmaster 1 2 3 4 60")...)
	return func(query *dns.Msg, _ resolver.Transport) *dns.Msg {
		reply := new(dns.Msg).SetReply(query)
		question := query.Question[0]
		if question.Qclass != dns.ClassINET || !dns.IsSubDomain(origin, question.Name) {
			reply.Rcode = dns.RcodeRefused
			return reply
		}
		if refer(reply, records, origin, question) {
			return reply
		}
		reply.Authoritative = true
		fill(reply, records, question)
		return reply
	}
}

func refer(reply *dns.Msg, records []dns.RR, origin string, question dns.Question) bool {
	cut := ""
	for _, rr := range records {
		owner := rr.Header().Name
		if rr.Header().Rrtype == dns.TypeNS && !strings.EqualFold(owner, origin) && dns.IsSubDomain(owner, question.Name) {
			cut = owner
		}
	}
	if cut == "" || question.Qtype == dns.TypeDS && strings.EqualFold(cut, question.Name) {
		return false
	}
	for _, rr := range records {
		switch rr.Header().Rrtype {
		case dns.TypeNS, dns.TypeDS, dns.TypeNSEC, dns.TypeRRSIG:
			if rr.Header().Name == cut {
				reply.Ns = append(reply.Ns, rr)
			}
		case dns.TypeA, dns.TypeAAAA:
			reply.Extra = append(reply.Extra, rr)
		}
	}
	return true
}

func fill(reply *dns.Msg, records []dns.RR, question dns.Question) {
	name := question.Name
	for range 20 {
		exists, next := false, ""
		for _, rr := range records {
			header := rr.Header()
			if dname, ok := rr.(*dns.DNAME); ok && header.Name != name && dns.IsSubDomain(header.Name, name) {
				reply.Answer = append(reply.Answer, rr)
				next, exists = strings.TrimSuffix(name, header.Name)+dname.Target, true
			}
			if header.Name != name {
				exists = exists || dns.IsSubDomain(name, header.Name)
				continue
			}
			exists = true
			signature, signed := rr.(*dns.RRSIG)
			if header.Rrtype == question.Qtype || signed && signature.TypeCovered == question.Qtype {
				reply.Answer = append(reply.Answer, rr)
			} else if cname, ok := rr.(*dns.CNAME); ok {
				reply.Answer = append(reply.Answer, rr)
				next = cname.Target
			}
		}
		if next == "" {
			deny(reply, records, question, exists)
			return
		}
		name = next
	}
}

func deny(reply *dns.Msg, records []dns.RR, question dns.Question, exists bool) {
	for _, rr := range reply.Answer {
		if rr.Header().Rrtype == question.Qtype {
			return
		}
	}
	inside := false
	for _, rr := range records {
		if rr.Header().Rrtype == dns.TypeSOA {
			last := question.Name
			if n := len(reply.Answer); n > 0 {
				if cname, ok := reply.Answer[n-1].(*dns.CNAME); ok {
					last = cname.Target
				}
			}
			if inside = dns.IsSubDomain(rr.Header().Name, last); inside {
				reply.Ns = append(reply.Ns, rr)
			}
		}
	}
	if inside && !exists {
		reply.Rcode = dns.RcodeNameError
	}
}

const (
	rootAddress = "198.51.100.1"
	hints       = ". NS ns.root.\nns.root. A " + rootAddress
)

// usual is a root with "example." and "test.", and "a.example." below.
func usual(t testing.TB) *world {
	w := newWorld(t)
	w.serve(rootAddress, ".", `
example. NS ns.example.
example. DS 1 13 2 AA
ns.example. A 198.51.100.2
test. NS ns.test.
ns.test. A 198.51.100.3`)
	w.serve("198.51.100.2", "example.", `
@ NS ns
ns A 198.51.100.2
www A 203.0.113.1
a NS ns.a
ns.a A 198.51.100.4`)
	w.serve("198.51.100.3", "test.", `
@ NS ns
ns A 198.51.100.3
www A 203.0.113.3
away CNAME www.example.`)
	w.serve("198.51.100.4", "a.example.", `
@ NS ns
ns A 198.51.100.4
www A 203.0.113.4`)
	return w
}

func newResolver(t testing.TB, w *world, change ...func(*recurse.Config)) *recurse.Resolver {
	t.Helper()
	config := recurse.Config{Hints: parse(t, ".", hints), IPv4: true, Minimisation: recurse.Whole}
	for _, edit := range change {
		edit(&config)
	}
	r, err := recurse.New(config, w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func query(name string, qtype uint16) *resolver.Query {
	return resolver.NewQuery(wire.MustName(name), qtype, resolver.NewWork())
}

// resolve asks and expects an answer.
func resolve(t testing.TB, r resolver.Handler, name string, qtype uint16) *resolver.Answer {
	t.Helper()
	return resolveQuery(t, r, query(name, qtype))
}

func resolveQuery(t testing.TB, r resolver.Handler, q *resolver.Query) *resolver.Answer {
	t.Helper()
	answer, err := r.Resolve(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.Question.Name, err)
	}
	return answer
}

// lines is a section without TTLs and classes: "owner TYPE data".
func lines(section []dns.RR) []string {
	var text []string
	for _, rr := range section {
		header := rr.Header()
		data := strings.TrimPrefix(rr.String(), header.String())
		text = append(text, header.Name+" "+dns.TypeToString[header.Rrtype]+" "+data)
	}
	return text
}

func expectAnswer(t testing.TB, answer *resolver.Answer, rcode int, want ...string) {
	t.Helper()
	message := answer.Message()
	if message.Rcode != rcode {
		t.Errorf("rcode %s, want %s", dns.RcodeToString[message.Rcode], dns.RcodeToString[rcode])
	}
	if got := lines(message.Answer); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("answer section:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func expectFailure(t testing.TB, r resolver.Handler, q *resolver.Query, code uint16) *resolver.Failure {
	t.Helper()
	answer, err := r.Resolve(t.Context(), q)
	var failure *resolver.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("%s: answer %v, error %v; want a failure", q.Question.Name, answer, err)
	}
	if failure.Extended[0].Code != code || failure.Extended[0].Text == "" {
		t.Errorf("extended error %+v, want code %d with a text", failure.Extended, code)
	}
	return failure
}
