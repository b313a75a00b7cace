package dnssec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Mode is what is done with what validation finds.
type Mode uint8

// The modes. Validate is the zero value.
const (
	// Validate withholds bogus data: the client gets SERVFAIL with the reason.
	Validate Mode = iota
	// Process marks what is secure and lets bogus data through, unmarked and with
	// the reason in Extended: for watching what Validate would refuse.
	Process
	// Off takes the stage out of the chain.
	Off
)

// Config is what the validator obeys.
type Config struct {
	// Anchors are DS or DNSKEY records of any zone. Empty: BuiltinAnchors.
	Anchors []dns.RR
	// NoAnchors trusts nothing: every answer is insecure.
	NoAnchors bool
	// Negative are zones that are taken for insecure (RFC 7646).
	Negative []NegativeAnchor
	// State is the file in which the keys of the anchored zones are followed as
	// they roll (RFC 5011); "" follows none. See Run.
	State string
	// Mode is Validate unless said otherwise.
	Mode Mode
	// RefuseSHA1 counts algorithms 5 and 7 as unsupported, so that zones which have
	// no other are insecure (RFC 9905).
	RefuseSHA1 bool
	// Zones is how many names the validator remembers the standing of; 0: 10,000.
	Zones int
	// Now tells the time by which signatures are judged. Nil: the query's own.
	Now func() time.Time
	// Clock says whether the time can be believed. Nil: always.
	Clock *Clock
	// TimeServers are the names that are answered unproved while it cannot.
	TimeServers []wire.Name
}

const defaultZones = 10_000

// Validator proves answers and remembers what it learnt of zones on the way. It
// may be used by any number of goroutines.
type Validator struct {
	configured anchors
	following  *following // nil where no keys are followed
	trusted    atomic.Pointer[anchors]
	negative   negatives
	algorithms algorithms
	mode       Mode
	now        func() time.Time
	doubt      doubt
	zones      *lru.Cache[wire.Name, *zone]
	flights    flights
	tables     tables
	logger     *slog.Logger
}

// New makes a validator. Its error names every trust anchor that is none. A state
// file that is damaged is said and left aside: the configured anchors hold.
func New(config Config, logger *slog.Logger) (*Validator, error) {
	records := config.Anchors
	if len(records) == 0 {
		records = BuiltinAnchors()
	}
	if config.NoAnchors {
		records = nil
	}
	configured, err := readAnchors(records)
	if err != nil {
		return nil, err
	}
	zones, err := lru.New[wire.Name, *zone](cmp.Or(config.Zones, defaultZones))
	if err != nil {
		return nil, fmt.Errorf("memory for %d zones: %w", config.Zones, err)
	}
	v := &Validator{
		configured: configured,
		negative:   readNegative(config.Negative),
		algorithms: algorithms{refuseSHA1: config.RefuseSHA1},
		mode:       config.Mode, now: config.Now,
		zones: zones, logger: logger,
	}
	if config.Clock != nil && config.Now == nil && len(configured) > 0 {
		v.doubt = doubt{clock: config.Clock, names: config.TimeServers}
	}
	if config.State != "" && len(configured) > 0 {
		v.following = openFollowing(config.State, configured, logger)
	}
	v.retrust()
	for _, name := range v.unsupported() {
		logger.Warn("no trust anchor of the zone has an algorithm and digest that is supported; the zone is insecure", "zone", name.String())
	}
	return v, nil
}

// Stage puts validation above the handler that resolves. What comes up from next
// is Secure, Insecure or a Failure; only with CD set it stays Unchecked.
func (v *Validator) Stage(next resolver.Handler) resolver.Handler {
	if v.mode == Off {
		return next
	}
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Inline {
			return next.Resolve(ctx, query)
		}
		if query.Work == nil {
			query.Work = resolver.NewWork()
		}
		if query.Question.Type == dns.TypeNXNAME {
			return refusedType(query), nil
		}
		answer, err := next.Resolve(ctx, query)
		if err != nil || query.CheckingDisabled() {
			return answer, err
		}
		if v.doubt.about(query.Now) {
			judged, err := v.doubt.answer(query, answer)
			return v.passed(answer, judged, err)
		}
		judged, err := v.judge(ctx, next, query, answer)
		if err == nil {
			judged, err = v.sentinel(query, judged)
		}
		return v.passed(answer, judged, reasoned(answer, err))
	})
}

// reasoned turns what is bogus into a Failure. What was said of the answer stays: an upstream
// that withholds a signed name says why, and cannot prove what it puts there.
func reasoned(answer *resolver.Answer, err error) error {
	var flaw *bogus
	if !errors.As(err, &flaw) {
		return err
	}
	failure := resolver.Fail(flaw.code, "%s", flaw.text)
	failure.Extended = append(failure.Extended, answer.Extended...)
	return failure
}

// refusedType answers the question for the type that says that a name does not
// exist: it is no data and is not looked up (RFC 9824).
func refusedType(query *resolver.Query) *resolver.Answer {
	message := query.Message()
	message.Rcode = dns.RcodeFormatError
	answer := resolver.NewAnswer(message, query.Now)
	answer.Security, answer.Origin = resolver.Insecure, resolver.Local
	answer.Extended = []resolver.Extended{{Code: resolver.InvalidQueryType, Text: "NXNAME is not asked for"}}
	return answer
}

// passed is where Process differs from Validate: only what cannot be proved for
// want of the client's patience stays an error.
func (v *Validator) passed(answer, judged *resolver.Answer, err error) (*resolver.Answer, error) {
	var failure *resolver.Failure
	if v.mode != Process || !errors.As(err, &failure) {
		return judged, err
	}
	return marked(answer, resolver.Insecure).Explained(failure.Extended...), nil
}

func (v *Validator) validation(next resolver.Handler, query *resolver.Query) *validation {
	now := query.Now
	if v.now != nil {
		now = v.now()
	}
	return &validation{
		validator: v, next: next, query: query, now: now,
		anchors: *v.trusted.Load(), zones: make(map[wire.Name]*zone),
		suspects: make(map[wire.Name]bool), broken: make(map[wire.Name]*zone),
	}
}

// marked is the same answer with another standing.
func marked(answer *resolver.Answer, security resolver.Security) *resolver.Answer {
	changed := *answer
	changed.Security = security
	return &changed
}
