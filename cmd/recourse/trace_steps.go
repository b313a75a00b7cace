package main

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// traceStep is one thing that happened: a question that had to be answered, for the
// client or for validation, its end, or one round trip.
type traceStep struct {
	Kind   string  `json:"kind"` // question, exchange, answer
	At     float64 `json:"at_milliseconds"`
	Depth  int     `json:"depth"`
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Server string  `json:"server,omitempty"`
	Millis float64 `json:"milliseconds"`
	Status string  `json:"status,omitempty"`
	Error  string  `json:"error,omitempty"`

	Flags      []string  `json:"flags,omitempty"`
	Answer     int       `json:"answer"`
	Authority  int       `json:"authority"`
	Additional int       `json:"additional"`
	Octets     int       `json:"octets,omitempty"`
	Ignored    int       `json:"ignored,omitempty"` // packets that were no reply to this
	Referral   *referral `json:"referral,omitempty"`
	Proof      []string  `json:"proof,omitempty"` // keys, digests and signatures that were given
}

// referral is the zone cut that a reply led to.
type referral struct {
	Zone    string   `json:"zone"`
	Servers []string `json:"servers"`
	Glue    int      `json:"glue"`
	DS      string   `json:"ds"` // present, denied, or missing
}

// traceSteps collects the steps in their order.
type traceSteps struct {
	began time.Time
	show  func(traceStep) // called with the lock held, so that lines do not mix

	mu    sync.Mutex
	steps []traceStep // guarded by mu, as is depth
	depth int
}

func (s *traceSteps) add(step traceStep) {
	s.mu.Lock()
	defer s.mu.Unlock()
	step.At, step.Depth = milliseconds(time.Since(s.began)), s.depth
	s.steps = append(s.steps, step)
	if s.show != nil {
		s.show(step)
	}
}

func (s *traceSteps) deeper(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.depth += by
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// stage stands above the searcher and sees which questions validation asks.
func (s *traceSteps) stage(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		name, kind := query.Question.Name.FQDN(), dns.Type(query.Question.Type).String()
		s.add(traceStep{Kind: "question", Name: name, Type: kind})
		s.deeper(1)
		begin := time.Now()
		answer, err := next.Resolve(ctx, query)
		step := traceStep{Kind: "answer", Name: name, Type: kind, Millis: milliseconds(time.Since(begin))}
		switch {
		case err != nil:
			step.Error = err.Error()
		case answer.Message() != nil:
			message := answer.Message()
			step.Status, step.Answer, step.Authority = rcodeName(message), len(message.Answer), len(message.Ns)
			step.Proof = proofs(message)
		}
		s.add(step)
		s.deeper(-1)
		return answer, err
	})
}

// tracedExchanger writes down what goes over it.
type tracedExchanger struct {
	inner recurse.Exchanger
	steps *traceSteps
}

// Exchange is one round trip.
func (e *tracedExchanger) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	step := traceStep{Kind: "exchange", Server: server.String()}
	asked := new(dns.Msg)
	if err := asked.Unpack(query); err == nil && len(asked.Question) == 1 {
		step.Name, step.Type = asked.Question[0].Name, dns.Type(asked.Question[0].Qtype).String()
	}
	var mu sync.Mutex // accept may be called by a reader of its own
	begin := time.Now()
	reply, err := e.inner.Exchange(ctx, server, query, func(reply []byte) bool {
		taken := accept(reply)
		if !taken {
			mu.Lock()
			step.Ignored++
			mu.Unlock()
		}
		return taken
	})
	mu.Lock()
	defer mu.Unlock()
	step.Millis = milliseconds(time.Since(begin))
	if err != nil {
		step.Error = err.Error()
	} else {
		step.read(reply)
	}
	e.steps.add(step)
	return reply, err
}

// read takes from a reply what people want to see of it.
func (t *traceStep) read(packet []byte) {
	t.Octets = len(packet)
	reply := new(dns.Msg)
	if err := reply.Unpack(packet); err != nil && !reply.Truncated {
		t.Error = "unreadable: " + err.Error()
		return
	}
	t.Status, t.Flags = rcodeName(reply), flagsOf(reply)
	t.Answer, t.Authority, t.Additional = len(reply.Answer), len(reply.Ns), len(reply.Extra)
	if reply.IsEdns0() != nil {
		t.Additional--
	}
	t.Referral, t.Proof = readReferral(reply), proofs(reply)
}

// readReferral finds the zone cut in a reply that is one; nil in others.
func readReferral(reply *dns.Msg) *referral {
	if len(reply.Answer) > 0 || reply.Authoritative || reply.Rcode != dns.RcodeSuccess {
		return nil
	}
	found := &referral{Servers: []string{}, DS: "missing"}
	for _, record := range reply.Ns {
		switch record := record.(type) {
		case *dns.NS:
			found.Zone = record.Hdr.Name
			found.Servers = append(found.Servers, record.Ns)
		case *dns.DS:
			found.DS = "present"
		case *dns.NSEC, *dns.NSEC3:
			if found.DS != "present" {
				found.DS = "denied"
			}
		}
	}
	for _, record := range reply.Extra {
		if kind := record.Header().Rrtype; kind == dns.TypeA || kind == dns.TypeAAAA {
			found.Glue++
		}
	}
	if found.Zone == "" {
		return nil
	}
	return found
}

// proofs describes keys, digests and signatures, the material of validation.
func proofs(message *dns.Msg) []string {
	var found []string
	for _, section := range [...][]dns.RR{message.Answer, message.Ns} {
		for _, record := range section {
			if text := proofLine(record); text != "" {
				found = append(found, text)
			}
		}
	}
	return found
}

func proofLine(record dns.RR) string {
	var words []string
	switch record := record.(type) {
	case *dns.DNSKEY:
		role := "zone key"
		if record.Flags&dns.SEP != 0 {
			role = "entry key"
		}
		words = []string{"DNSKEY", role, "tag " + strconv.Itoa(int(record.KeyTag())), algorithmName(record.Algorithm)}
	case *dns.DS:
		words = []string{"DS", record.Hdr.Name, "tag " + strconv.Itoa(int(record.KeyTag)), algorithmName(record.Algorithm), "digest " + dns.HashToString[record.DigestType]}
	case *dns.RRSIG:
		words = []string{"RRSIG", record.Hdr.Name, dns.Type(record.TypeCovered).String(), "by", record.SignerName, "tag " + strconv.Itoa(int(record.KeyTag)), algorithmName(record.Algorithm),
			dns.TimeToString(record.Inception) + " to " + dns.TimeToString(record.Expiration)}
	case *dns.NSEC:
		words = []string{"NSEC", record.Hdr.Name, "to", record.NextDomain}
	case *dns.NSEC3:
		words = []string{"NSEC3", record.Hdr.Name, "to", record.NextDomain, strconv.Itoa(int(record.Iterations)) + " iterations"}
	}
	return strings.Join(words, " ")
}

func algorithmName(number uint8) string {
	if name, known := dns.AlgorithmToString[number]; known {
		return name
	}
	return "algorithm " + strconv.Itoa(int(number))
}
