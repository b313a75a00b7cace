package local

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// reportLabel begins and ends what a report says (RFC 9567, section 6.1.1).
const reportLabel = "_er"

// ReportName is the question that tells an agent of a failure (RFC 9567, section
// 6.1.1); false where there is nothing to tell or no way to tell it.
func ReportName(question wire.Question, code uint16, agent wire.Name) (wire.Name, bool) {
	switch {
	case agent == "" || agent == wire.Root: // section 6.1: an empty agent is none
		return "", false
	case !reportable(code), question.Name.IsBelow(agent), isReport(question.Name):
		return "", false
	}
	name := agent
	for _, label := range [...]string{reportLabel, strconv.Itoa(int(code))} {
		var err error
		if name, err = name.Child(label); err != nil {
			return "", false
		}
	}
	// Child holds the whole to 255 octets; a report that does not fit is not sent.
	labels := question.Name[:len(question.Name)-1]
	if len(labels)+len(name) > wire.MaxName {
		return "", false
	}
	name = labels + name
	for _, label := range [...]string{strconv.Itoa(int(question.Type)), reportLabel} {
		var err error
		if name, err = name.Child(label); err != nil {
			return "", false
		}
	}
	return name, true
}

// isReport finds names that are reports themselves: a failure of one is not
// reported, or two broken zones would report each other for ever (section 6.1).
func isReport(name wire.Name) bool {
	for ; name != ""; name = name.Parent() {
		if len(name) > len(reportLabel) && name[:len(reportLabel)+1] == "\x03"+reportLabel {
			return true
		}
	}
	return false
}

// reportable is the Extended DNS Errors that tell a zone's owner something of the
// zone. What is ours alone is not: blocks (15 to 17) are between us and the client,
// stale answers, limits and refusals are our doing, 0 says nothing.
func reportable(code uint16) bool {
	switch code {
	case resolver.UnsupportedAlgorithm, resolver.UnsupportedDigest, resolver.Indeterminate, resolver.Bogus,
		resolver.SignatureExpired, resolver.SignatureNotYetValid, resolver.KeyMissing, resolver.SignaturesMissing,
		resolver.NoZoneKey, resolver.DenialMissing, resolver.NoReachableAuthority, resolver.ExpiredBeforeValid, resolver.UnsupportedIterations:
		return true
	}
	return false
}

// Agents tells who wants reports about names at or near one; "" for nobody.
type Agents interface {
	Agent(name wire.Name) wire.Name
}

// Bounds of the reports of one process. Whoever can make us fail can make us
// report, to an agent of his choosing.
const (
	reportsKept      = 4096             // reports remembered so that none is sent twice
	reportAgain      = time.Hour        // until the same is told anew
	reportsPerMinute = 60               // to all agents
	reportsAtOnce    = 4                // under way
	reportTime       = 10 * time.Second // for one
)

// Reporter tells agents of failures (RFC 9567).
type Reporter struct {
	agents Agents
	logger *slog.Logger
	slots  chan struct{}

	mu     sync.Mutex
	sent   *lru.Cache[wire.Name, time.Time] // guarded by mu, as are minute and count
	minute time.Time
	count  int
}

// NewReporter makes a Reporter that has told nothing yet.
func NewReporter(agents Agents, logger *slog.Logger) *Reporter {
	sent, err := lru.New[wire.Name, time.Time](reportsKept)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &Reporter{agents: agents, logger: logger, slots: make(chan struct{}, reportsAtOnce), sent: sent}
}

// Stage watches what comes up from validation. It stands below the cache, so that
// each resolution is told once, and waits for no report.
func (r *Reporter) Stage(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		answer, err := next.Resolve(ctx, query)
		for _, extended := range explained(answer, err) {
			if name, ok := ReportName(query.Question, extended.Code, r.agents.Agent(query.Question.Name)); ok && r.admit(name, query.Now) {
				go r.send(ctx, next, name)
				break // the first is the reason, the rest is detail
			}
		}
		return answer, err
	})
}

func explained(answer *resolver.Answer, err error) []resolver.Extended {
	var failure *resolver.Failure
	switch {
	case errors.As(err, &failure):
		return failure.Extended
	case err == nil:
		return answer.Extended
	}
	return nil
}

// admit takes a slot for a report that is new and within the bounds.
func (r *Reporter) admit(name wire.Name, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, told := r.sent.Get(name); told && now.Sub(last).Abs() < reportAgain {
		return false
	}
	if now.Sub(r.minute).Abs() >= time.Minute {
		r.minute, r.count = now, 0
	}
	if r.count >= reportsPerMinute {
		return false
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return false
	}
	r.count++
	r.sent.Add(name, now)
	return true
}

// send asks the question that is the report; whatever is answered, it was told.
func (r *Reporter) send(ctx context.Context, next resolver.Handler, name wire.Name) {
	defer func() {
		<-r.slots
		if fault := recover(); fault != nil { // no door stands above to catch it
			r.logger.Error("a report made the resolver panic; please report this", "panic", fault)
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	// Whether an agent was found is of no use to us, and the name is a client's: not logged.
	_, _ = next.Resolve(ctx, resolver.NewQuery(name, dns.TypeTXT, resolver.NewWork()))
}
