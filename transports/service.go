package transports

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Outcome is how a query ended, for counting.
type Outcome uint8

// The outcomes, a closed set: their names are label values.
const (
	FromCache Outcome = iota
	FromNetwork
	FromLocal
	FromPolicy
	Refused
	Failed
	NoReply
	Malformed
	Shed
	Limited // too many queries of one client, or replies to one network
	outcomes
)

var outcomeNames = [outcomes]string{"cached", "resolved", "local", "blocked", "refused", "failed", "dropped", "malformed", "shed", "limited"}

func (o Outcome) String() string { return outcomeNames[o] }

// Outcomes lists them all.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// Observer counts queries. It must not keep or label anything that a client chose.
type Observer interface {
	// Answered counts queries of one worker that ended alike and took as long.
	Answered(worker uint32, door resolver.Door, outcome Outcome, queries int, took time.Duration)
}

// Service runs the chain for the doors.
type Service struct {
	*Gate
	handler  resolver.Handler
	observer Observer
	logger   *slog.Logger
	nsid     string
	// structured is the option by which clients ask for structured errors; 0 for none.
	structured uint16
	workers    atomic.Uint32
}

// NewService makes a service over the chain, within the bounds of the gate.
func NewService(handler resolver.Handler, gate *Gate, observer Observer, logger *slog.Logger) *Service {
	return &Service{Gate: gate, handler: handler, observer: observer, logger: logger}
}

// Named gives a service that also tells who it is to those who ask (RFC 5001), in at most
// [MaxNSID] octets. It is for before any door is open.
func (s *Service) Named(nsid string) *Service {
	named := NewService(s.handler, s.Gate, s.observer, s.logger)
	named.nsid, named.structured = nsid, s.structured
	return named
}

// Structured gives a service that also takes an option of the code for the wish to be
// answered with structured errors (draft-ietf-dnsop-structured-dns-error, section 5.1), beside
// the older sign, an empty Extended DNS Error. It is for before any door is open.
func (s *Service) Structured(code uint16) *Service {
	reading := NewService(s.handler, s.Gate, s.observer, s.logger)
	reading.nsid, reading.structured = s.nsid, code
	return reading
}

// Admit takes a place for a query of the client that has to wait; false when there is
// none for it and the query must be shed. Leave gives it back.
func (s *Service) Admit(client resolver.Client) bool {
	_, shared := s.admits(client)
	if s.places.take(client.Addr, shared || client.Addr.IsLoopback(), client.Door != resolver.UDP) {
		return true
	}
	s.observer.Answered(0, client.Door, Shed, 1, 0)
	return false
}

// Leave gives back what Admit took.
func (s *Service) Leave(client resolver.Client) { s.places.leave(client.Addr) }

// Worker numbers a goroutine that answers queries, for [resolver.Query.Worker].
func (s *Service) Worker() uint32 { return s.workers.Add(1) }

// Answer is [Service.Reply] now, and counted: for a query that is not read with others.
func (s *Service) Answer(ctx context.Context, query *resolver.Query, packet, dst []byte, limit int) ([]byte, error) {
	query.Now = time.Now()
	dst, outcome, err := s.Reply(ctx, query, packet, dst, limit)
	if err == nil {
		s.Count(query.Worker, query.Client.Door, outcome, 1, time.Since(query.Now))
	}
	return dst, err
}

// Count counts queries that ended alike. A door that answers several at once says how long
// the whole took: that is what each client waited.
func (s *Service) Count(worker uint32, door resolver.Door, outcome Outcome, queries int, took time.Duration) {
	s.observer.Answered(worker, door, outcome, queries, took)
}

// Reply reads the packet into the query, runs the chain, and appends the reply to
// dst. No reply at all is dst as it was. The outcome is the door's to count. The error is
// resolver.ErrWouldBlock or nil: everything else is answered or dropped here. Client,
// Worker, Now, Inline and Idle of the query are set by the door; limit bounds the reply, 0
// means the UDP limit.
func (s *Service) Reply(ctx context.Context, query *resolver.Query, packet, dst []byte, limit int) ([]byte, Outcome, error) {
	start := len(dst)
	failed := query.Read(packet)
	if limit == 0 {
		limit = Limit(query)
	}
	met := s.meet(query, packet)
	if failed != nil {
		dst, outcome := s.damp(query, &met, s.refuse(query, &met, packet, dst, limit, failed), packet, start, limit, Malformed)
		return dst, outcome, nil
	}
	dst, outcome, err := s.reply(ctx, query, &met, packet, dst, limit)
	if err != nil {
		return dst, outcome, err
	}
	dst, outcome = s.damp(query, &met, dst, packet, start, limit, outcome)
	return dst, outcome, nil
}

func (s *Service) reply(ctx context.Context, query *resolver.Query, met *visitor, packet, dst []byte, limit int) ([]byte, Outcome, error) {
	switch {
	case !met.admitted:
		return s.turnAway(query, packet, dst, limit), Refused, nil
	case !s.queries.Allow(met.Client, query.Now):
		return s.slow(query, met, packet, dst, limit), Limited, nil
	}
	answer, err := s.resolve(ctx, query)
	switch {
	case err == nil:
		return AppendReply(dst, packet, query, answer, limit, &met.options), outcomeOf(answer), nil
	case query.Inline && errors.Is(err, resolver.ErrWouldBlock):
		s.queries.Return(met.Client, query.Now) // it comes again, and is charged then
		return dst, NoReply, resolver.ErrWouldBlock
	case errors.Is(err, resolver.Dropped):
		return dst, NoReply, nil
	}
	return fail(query, met, packet, dst, limit, err), Failed, nil
}

// resolve runs the chain and turns a panic into a failure of this query alone.
func (s *Service) resolve(ctx context.Context, query *resolver.Query) (answer *resolver.Answer, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			s.logger.Error("a query made the resolver panic; please report this", "panic", fault, "stack", string(debug.Stack()))
			answer, err = nil, resolver.Fail(0, "internal error")
		}
	}()
	return s.handler.Resolve(ctx, query)
}

func outcomeOf(answer *resolver.Answer) Outcome {
	switch {
	case answer.Origin == resolver.Policy && answer.Rcode() == wire.RcodeRefused && isProhibited(answer):
		return Refused
	case answer.Origin == resolver.Policy:
		return FromPolicy
	case answer.Origin == resolver.Local && answer.Rcode() == wire.RcodeRefused:
		return Refused
	case answer.Origin == resolver.Local:
		return FromLocal
	case answer.Origin == resolver.Cached:
		return FromCache
	}
	return FromNetwork
}

func isProhibited(answer *resolver.Answer) bool {
	return len(answer.Extended) > 0 && answer.Extended[0].Code == resolver.Prohibited
}
