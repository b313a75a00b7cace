package recurse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// maxTries bounds the tries that one question costs over all servers of a zone.
const maxTries = 7

// UDP sizes that are advertised upstream.
const (
	defaultSize = 1232 // RFC 9715, and what servers have settled on
	minSize     = 512
	maxSize     = 4096
)

var (
	// ErrLame is the cause of every reply by a server that does not serve the zone.
	ErrLame = errors.New("does not serve the zone")

	errExhausted = errors.New("work budget is spent")
	errNetwork   = errors.New("network error")
)

// Upstreams asks servers and remembers how each of them does. It is shared by
// all queries; forwarding and recursion ask in the same way.
type Upstreams struct {
	exchanger Exchanger
	size      uint16
	logger    *slog.Logger
	health    *health
	stats     counters
}

// NewUpstreams makes an Upstreams that knows no server yet. The size is the UDP
// payload size to advertise; 0 is 1232.
func NewUpstreams(exchanger Exchanger, size uint16, logger *slog.Logger) (*Upstreams, error) {
	if size == 0 {
		size = defaultSize
	}
	if size < minSize || size > maxSize {
		return nil, fmt.Errorf("edns size %d: not between %d and %d", size, minSize, maxSize)
	}
	return &Upstreams{exchanger: exchanger, size: size, logger: logger, health: newHealth()}, nil
}

// Ask puts the question to one server after the other until judge takes a reply.
// An error of judge says why a reply is of no use, and the next server is asked;
// a *resolver.Failure from it ends the asking. A server that does not reply is
// asked again later, until it counts as down. The error is a *resolver.Failure.
func (u *Upstreams) Ask(ctx context.Context, work *resolver.Work, servers []resolver.Server, question Question, judge func(server resolver.Server, reply *dns.Msg) error) error {
	queue := u.health.order(servers, question.Zone)
	var problems []error
	for try := 0; try < maxTries && len(queue) > 0; try++ {
		server := queue[0]
		queue = queue[1:]
		reply, err := u.try(ctx, work, server, question)
		silent := isTimeout(err)
		if err == nil {
			if err = u.judged(server, reply, question, judge); err == nil {
				return nil
			}
		}
		if failure := final(ctx, err); failure != nil {
			return failure
		}
		if silent && !u.health.down(server) {
			queue = append(queue, server)
		}
		if errors.Is(err, errNetwork) { // perhaps all of its family are out of reach
			queue = u.health.order(queue, question.Zone)
		}
		problems = append(problems, err)
	}
	return unanswered(question, problems)
}

func (u *Upstreams) judged(server resolver.Server, reply *dns.Msg, question Question, judge func(resolver.Server, *dns.Msg) error) error {
	err := judge(server, reply)
	if errors.Is(err, ErrLame) {
		u.stats.lame.Add(1)
		u.health.disowned(server, question.Zone)
	}
	return err
}

// final gives the failure that asking another server would not change.
func final(ctx context.Context, err error) *resolver.Failure {
	var failure *resolver.Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.Is(err, errExhausted):
		return resolver.Fail(resolver.NoReachableAuthority, "%w", err)
	case ctx.Err() != nil:
		return resolver.Fail(resolver.NoReachableAuthority, "no answer in time: %w", ctx.Err())
	}
	return nil
}

// unanswered tells a network that carries nothing (23) from servers that are
// silent or refuse (22). The text names the last problem only.
func unanswered(question Question, problems []error) *resolver.Failure {
	asked := "no upstream"
	if question.Zone != "" {
		asked = "no server of " + question.Zone.String()
	}
	if len(problems) == 0 {
		return resolver.Fail(resolver.NoReachableAuthority, "%s has an address that may be asked", asked)
	}
	code := resolver.NetworkError
	for _, problem := range problems {
		if !errors.Is(problem, errNetwork) {
			code = resolver.NoReachableAuthority
		}
	}
	return resolver.Fail(code, "%s gave an answer: %w", asked, problems[len(problems)-1])
}
