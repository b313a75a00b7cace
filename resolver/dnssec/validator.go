package dnssec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	// Mode is Validate unless said otherwise.
	Mode Mode
	// Zones is how many names the validator remembers the standing of; 0: 10,000.
	Zones int
	// Now tells the time by which signatures are judged. Nil: the query's own.
	Now func() time.Time
}

const defaultZones = 10_000

// Validator proves answers and remembers what it learnt of zones on the way. It
// may be used by any number of goroutines.
type Validator struct {
	anchors anchors
	mode    Mode
	now     func() time.Time
	zones   *lru.Cache[wire.Name, *zone]
	flights flights
	logger  *slog.Logger
}

// New makes a validator. Its error names every trust anchor that is none.
func New(config Config, logger *slog.Logger) (*Validator, error) {
	records := config.Anchors
	if len(records) == 0 {
		records = BuiltinAnchors()
	}
	if config.NoAnchors {
		records = nil
	}
	trusted, err := readAnchors(records)
	if err != nil {
		return nil, err
	}
	size := config.Zones
	if size == 0 {
		size = defaultZones
	}
	zones, err := lru.New[wire.Name, *zone](size)
	if err != nil {
		return nil, fmt.Errorf("memory for %d zones: %w", size, err)
	}
	return &Validator{anchors: trusted, mode: config.Mode, now: config.Now, zones: zones, logger: logger}, nil
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
		answer, err := next.Resolve(ctx, query)
		if err != nil || query.CheckingDisabled() {
			return answer, err
		}
		return v.judge(ctx, next, query, answer)
	})
}

// judge turns what is bogus into a Failure, or lets it through in Process mode.
func (v *Validator) judge(ctx context.Context, next resolver.Handler, query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	judged, err := v.validation(next, query).answer(ctx, answer)
	if err == nil {
		return judged, nil
	}
	var flaw *bogus
	if !errors.As(err, &flaw) {
		return v.passed(answer, err)
	}
	failure := resolver.Fail(flaw.code, "%s", flaw.text)
	return v.passed(answer, failure)
}

// passed is where Process differs from Validate: only what cannot be proved for
// want of the client's patience stays an error.
func (v *Validator) passed(answer *resolver.Answer, err error) (*resolver.Answer, error) {
	var failure *resolver.Failure
	if v.mode != Process || !errors.As(err, &failure) {
		return nil, err
	}
	return marked(answer, resolver.Insecure).Explained(failure.Extended...), nil
}

func (v *Validator) validation(next resolver.Handler, query *resolver.Query) *validation {
	now := query.Now
	if v.now != nil {
		now = v.now()
	}
	return &validation{validator: v, next: next, query: query, now: now, zones: make(map[wire.Name]*zone)}
}

// marked is the same answer with another standing.
func marked(answer *resolver.Answer, security resolver.Security) *resolver.Answer {
	changed := *answer
	changed.Security = security
	return &changed
}
