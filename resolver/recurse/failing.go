package recurse

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How long a zone whose servers all failed is known for it: five seconds at first,
// twice as long each time that they fail again, five minutes at most (RFC 9520,
// section 3.2).
const (
	firstFailing = 5 * time.Second
	maxFailing   = 5 * time.Minute
	maxFailures  = 10 // more do not make it longer
	// probeTries is what a question costs meanwhile.
	probeTries = 2
)

// errFailing is the cause where servers were not asked in earnest, since all of them
// have just failed.
var errFailing = errors.New("its servers have all failed a moment ago")

// failing are the zones whose servers all failed for some question, of late. It is
// bounded, and forgets those that failed longest ago.
type failing struct {
	zones *lru.Cache[wire.Name, *failedZone]
}

// failedZone is one of them. But for its probe it is immutable.
type failedZone struct {
	servers  []resolver.Server // a zone that has other ones now has not failed
	code     uint16            // why: an Extended DNS Error
	failures int               // in a row
	until    time.Time
	// dead says that nothing at all came from any server. Else they failed for one
	// question, and may do better for another.
	dead bool

	mu    sync.Mutex
	probe chan struct{} // closed when the probe of a dead zone has ended; nil where none runs
}

// holding is how a question to a zone has to go about it.
type holding uint8

const (
	atLarge holding = iota // nothing is known against the zone
	probing                // a server or two may be asked, to see whether they do better
	barred                 // somebody else has just found that they do not
)

// enter says how to ask a zone's servers, and what is known against it. Of several
// questions to a dead zone one probes, and the others wait for what it finds.
func (f *failing) enter(ctx context.Context, zone wire.Name, servers []resolver.Server) (holding, *failedZone) {
	for waited := false; ; waited = true {
		known := f.at(zone, servers)
		if known == nil {
			return atLarge, nil
		}
		if !known.dead {
			return probing, known
		}
		running := known.begin(!waited)
		switch {
		case waited:
			return barred, known
		case running == nil:
			return probing, known
		}
		select {
		case <-running:
		case <-ctx.Done():
			return barred, known
		}
	}
}

// at is what counts against the zone now; nil where nothing does.
func (f *failing) at(zone wire.Name, servers []resolver.Server) *failedZone {
	known, found := f.zones.Get(zone)
	if !found || !time.Now().Before(known.until) || !slices.Equal(known.servers, servers) {
		return nil
	}
	return known
}

// begin gives the probe that runs; nil where there was none, and now the caller's does.
func (z *failedZone) begin(mine bool) <-chan struct{} {
	z.mu.Lock()
	defer z.mu.Unlock()
	running := z.probe
	if running == nil && mine {
		z.probe = make(chan struct{})
	}
	return running
}

// leave ends a probe.
func (f *failing) leave(zone wire.Name, known *failedZone, recovered bool) {
	if recovered {
		f.zones.Remove(zone)
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.probe != nil {
		close(known.probe)
		known.probe = nil
	}
}

// add notes that all servers of the zone failed, and for how long that counts.
func (f *failing) add(zone wire.Name, failed *failedZone) {
	now := time.Now()
	failed.failures = 1
	if known, found := f.zones.Get(zone); found && slices.Equal(known.servers, failed.servers) && now.Before(known.until.Add(maxFailing)) {
		failed.failures = min(known.failures+1, maxFailures)
	}
	failed.until = now.Add(min(maxFailing, firstFailing<<(failed.failures-1)))
	f.zones.Add(zone, failed)
}

// bear puts the question to a zone whose servers have not failed of late; else it asks
// one or two of them whether they do better now.
func (h *hunt) bear(ctx context.Context) error {
	known, _ := h.known(h.zone)
	memory, zone := &h.failing, h.zone.zone
	switch how, failed := memory.enter(ctx, zone, known); how {
	case barred:
		if err := final(ctx, ctx.Err()); err != nil {
			return err
		}
		return resolver.Fail(failed.code, "no server of %s gave an answer: %w", zone, errFailing)
	case probing:
		h.question.Tries = probeTries
		err := h.ask(ctx, known)
		memory.leave(zone, failed, err == nil)
		if isUnanswered(ctx, err) && errors.Is(err, errDead) {
			return failedAgain(err)
		}
		return err
	}
	err := h.exhaust(ctx)
	if err == nil {
		memory.zones.Remove(zone)
		return nil
	}
	return h.remember(ctx, err)
}

// remember holds a failure against the zone, where it is its servers that failed and
// not this query's time or bounds. A zone whose servers have no address is left out:
// that is remembered of their names.
func (h *hunt) remember(ctx context.Context, err error) error {
	known, _ := h.known(h.zone)
	if len(known) == 0 || h.question.Minimised || h.shared.isLimited() || !isUnanswered(ctx, err) {
		return err
	}
	code := resolver.NoReachableAuthority
	var failure *resolver.Failure
	if errors.As(err, &failure) && len(failure.Extended) > 0 {
		code = failure.Extended[0].Code
	}
	dead := !slices.ContainsFunc(known, h.upstreams.health.heardLately)
	h.failing.add(h.zone.zone, &failedZone{servers: known, code: code, dead: dead})
	return err
}

// failedAgain is the failure of a probe, which asking otherwise would not change.
func failedAgain(err error) *resolver.Failure {
	var failure *resolver.Failure
	if !errors.As(err, &failure) {
		return resolver.Fail(resolver.NoReachableAuthority, "%w (%w)", err, errFailing)
	}
	return &resolver.Failure{Extended: failure.Extended, Err: errors.Join(failure.Err, errFailing)}
}
