package recurse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/chance"
)

// Bounds on the tries that one question costs.
const (
	maxTries = 12 // over all servers of a zone
	// maxMinimisedTries is fewer: whoever chokes on a minimised name is asked the whole one.
	maxMinimisedTries = 3
	// maxServerTries is of one server over one transport (RFC 9520, section 3.1).
	maxServerTries = 3
	// maxStrangerTries is of one that has not been heard lately.
	maxStrangerTries = 2
)

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
	// errDead is the cause where no server gave any reply at all.
	errDead = errors.New("no server replies")
)

// Upstreams asks servers and remembers how each of them does. It is shared by
// all queries; forwarding and recursion ask in the same way.
type Upstreams struct {
	exchanger Exchanger
	config    UpstreamsConfig
	secret    cookieSecret
	random    chance.Source
	logger    *slog.Logger
	health    *health
	stats     counters
}

// UpstreamsConfig says how servers are asked. The zero value is good.
type UpstreamsConfig struct {
	EDNSSize   uint16 // UDP payload size to advertise; 0: 1232
	RandomCase bool   // mix the casing of names, and insist on it in replies over UDP
	NoCookies  bool   // leave DNS cookies out
	// Options are put into queries to servers that are asked over an encrypted transport, as
	// they stand on the wire.
	Options []byte
}

// NewUpstreams makes an Upstreams that knows no server yet.
func NewUpstreams(exchanger Exchanger, config UpstreamsConfig, logger *slog.Logger) (*Upstreams, error) {
	if config.EDNSSize == 0 {
		config.EDNSSize = defaultSize
	}
	if config.EDNSSize < minSize || config.EDNSSize > maxSize {
		return nil, fmt.Errorf("edns size %d: not between %d and %d", config.EDNSSize, minSize, maxSize)
	}
	return &Upstreams{exchanger: exchanger, config: config, secret: newCookieSecret(), logger: logger, health: newHealth()}, nil
}

// Ask puts the question to one server after the other until judge takes a reply.
// An error of judge says why a reply is of no use, and the next server is asked;
// a *resolver.Failure from it ends the asking. A server that does not reply is
// asked again later, and listened to meanwhile. The error is a *resolver.Failure.
func (u *Upstreams) Ask(ctx context.Context, work *resolver.Work, servers []resolver.Server, question Question, judge func(server resolver.Server, reply *dns.Msg) error) error {
	one := &asking{
		Upstreams: u, work: work, question: question, judge: judge,
		queue: u.health.order(servers, question.Zone), left: maxTries,
	}
	if question.Minimised {
		one.left = maxMinimisedTries
	}
	if question.Tries > 0 {
		one.left = min(one.left, question.Tries)
	}
	return one.run(ctx)
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
	code, dead := resolver.NetworkError, true
	for _, problem := range problems {
		if !errors.Is(problem, errNetwork) {
			code = resolver.NoReachableAuthority
			dead = dead && isTimeout(problem)
		}
	}
	failure := resolver.Fail(code, "%s gave an answer: %w", asked, problems[len(problems)-1])
	if dead {
		failure.Err = fmt.Errorf("%w (%w)", failure.Err, errDead)
	}
	return failure
}
