package transports

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
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
	outcomes
)

var outcomeNames = [outcomes]string{"cached", "resolved", "local", "blocked", "refused", "failed", "dropped", "malformed", "shed"}

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
	workers  atomic.Uint32
}

// NewService makes a service over the chain, within the bounds of the gate.
func NewService(handler resolver.Handler, gate *Gate, observer Observer, logger *slog.Logger) *Service {
	return &Service{Gate: gate, handler: handler, observer: observer, logger: logger}
}

// Admit takes a place for a query of the client that has to wait; false when there is
// none and the query must be shed. Leave gives it back.
func (s *Service) Admit(client resolver.Client) bool {
	if s.wait() {
		return true
	}
	s.observer.Answered(0, client.Door, Shed, 1, 0)
	return false
}

// Leave gives back what Admit took.
func (s *Service) Leave(resolver.Client) { s.leave() }

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
// Worker, Now and Inline of the query are set by the door; limit bounds the reply, 0
// means the UDP limit.
func (s *Service) Reply(ctx context.Context, query *resolver.Query, packet, dst []byte, limit int) ([]byte, Outcome, error) {
	if err := query.Read(packet); err != nil {
		return refuse(query, packet, dst, err), Malformed, nil
	}
	if limit == 0 {
		limit = Limit(query)
	}
	answer, err := s.resolve(ctx, query)
	switch {
	case err == nil:
		return AppendReply(dst, packet, query, answer, limit), outcomeOf(answer), nil
	case query.Inline && errors.Is(err, resolver.ErrWouldBlock):
		return dst, NoReply, resolver.ErrWouldBlock
	case errors.Is(err, resolver.Dropped):
		return dst, NoReply, nil
	}
	return fail(query, packet, dst, err), Failed, nil
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

// refuse answers what could not be read as a query, or stays silent.
func refuse(query *resolver.Query, packet, dst []byte, err error) []byte {
	switch {
	case errors.Is(err, wire.ErrShort), errors.Is(err, wire.ErrResponse):
		return dst // a reply to a response makes two servers talk for ever
	case errors.Is(err, wire.ErrOpcode):
		return AppendError(dst, packet, query, wire.RcodeNotImplemented, nil)
	case errors.Is(err, wire.ErrVersion):
		return AppendError(dst, packet, query, wire.RcodeBadVersion, nil)
	}
	return AppendError(dst, packet, query, wire.RcodeFormat, nil)
}

// fail answers SERVFAIL with the reasons that the failure carries.
func fail(query *resolver.Query, packet, dst []byte, err error) []byte {
	var failure *resolver.Failure
	if errors.As(err, &failure) {
		return AppendError(dst, packet, query, wire.RcodeServerFailure, bounded(failure.Extended))
	}
	return AppendError(dst, packet, query, wire.RcodeServerFailure, []resolver.Extended{{Code: resolver.NetworkError, Text: "no answer in time"}})
}

// maxTexts bounds what a failure may add to a reply: codes and octets of text.
const maxTexts = 4

func bounded(extended []resolver.Extended) []resolver.Extended {
	extended = extended[:min(len(extended), maxTexts)]
	cut := make([]resolver.Extended, len(extended))
	for i, one := range extended {
		if len(one.Text) > resolver.TextBudget {
			one.Text = strings.ToValidUTF8(one.Text[:resolver.TextBudget], "")
		}
		cut[i] = one
	}
	return cut
}
