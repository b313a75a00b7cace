package recurse

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// rescueAgain is how long a search beyond the referral is not repeated for a zone.
const rescueAgain = 30 * time.Second

// hunt is one question on its way to servers that must be found first.
type hunt struct {
	*resolution
	zone     *delegation
	question Question
	judge    func(resolver.Server, *dns.Msg) error
	asked    []resolver.Server
}

// exhaust asks the servers whose address is known, then those whose address must be
// looked up, then those whose word is doubted; last whatever servers a search beyond
// the referral finds.
func (h *hunt) exhaust(ctx context.Context) error {
	known, unknown := h.known(h.zone)
	isSuspect := func(s resolver.Server) bool { return h.isSuspect(s, h.zone.zone) }
	trusted := slices.DeleteFunc(slices.Clone(known), isSuspect)
	suspects := slices.DeleteFunc(known, func(s resolver.Server) bool { return slices.Contains(trusted, s) })
	var last error = resolver.Fail(resolver.NoReachableAuthority, "no server of %s has an address that may be asked", h.zone.zone)
	if len(trusted) > 0 || len(suspects)+len(unknown) == 0 {
		last = h.ask(ctx, trusted)
	}
	if isUnanswered(ctx, last) && (!h.question.Minimised || len(trusted) == 0) {
		last = h.search(ctx, unknown, h.addresses, last)
	}
	if isUnanswered(ctx, last) && len(suspects) > 0 {
		last = h.ask(ctx, suspects)
	}
	if isUnanswered(ctx, last) && !h.question.Minimised {
		last = h.rescue(ctx, last)
	}
	return last
}

func (h *hunt) ask(ctx context.Context, servers []resolver.Server) error {
	if err := h.watched(servers); err != nil {
		return err
	}
	h.asked = append(h.asked, servers...)
	return h.upstreams.Ask(ctx, h.work, servers, h.question, h.judge)
}

// located is a name server with what its lookup found.
type located struct {
	addresses []netip.Addr
	err       error
}

// search looks names up, the next one beside the last where that takes long, and
// asks the servers that it finds as they are found. Err is what holds where there
// is none.
func (h *hunt) search(ctx context.Context, names []wire.Name, lookup func(context.Context, wire.Name) ([]netip.Addr, error), err error) error {
	if len(names) == 0 {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan located, len(names))
	running := 0
	for isUnanswered(ctx, err) && (running > 0 || len(names) > 0) {
		if len(names) > 0 && running < maxAbreast {
			name := names[0]
			names, running = names[1:], running+1
			go func() {
				addresses, err := lookup(ctx, name)
				results <- located{addresses, err}
			}()
		}
		found, waited := h.await(ctx, results, len(names) > 0 && running < maxAbreast)
		if !waited {
			continue
		}
		running--
		if found.err != nil {
			err = resolver.Fail(resolver.NoReachableAuthority, "%w", found.err)
		} else if fresh := h.unasked(found.addresses); len(fresh) > 0 {
			err = h.ask(ctx, fresh)
		}
	}
	return err
}

// await gives the next result, or nothing where another lookup may begin first.
func (h *hunt) await(ctx context.Context, results <-chan located, more bool) (found located, waited bool) {
	var patience <-chan time.Time
	if more {
		timer := time.NewTimer(patienceForNames)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case found = <-results:
		return found, true
	case <-patience:
		return found, false
	case <-ctx.Done():
		return located{err: ctx.Err()}, true
	}
}

// unasked are the servers at these addresses that this question has not been put to.
func (h *hunt) unasked(addresses []netip.Addr) []resolver.Server {
	return slices.DeleteFunc(h.servers(h.zone, addresses), func(s resolver.Server) bool { return slices.Contains(h.asked, s) })
}

// rescue searches for servers beyond the referral when none of it gave an answer.
// Glue of a sibling may be wrong or one family of it missing, so the names are
// looked up; and the zone itself may name others than its parent does (RFC 1912,
// section 2.8). Err is what holds where nothing helps.
func (h *hunt) rescue(ctx context.Context, err error) error {
	now := h.query.Now.UnixNano()
	next := h.zone.rescued.Load()
	if h.zone.servers != nil || h.zone.zone == wire.Root || now < next || !h.zone.rescued.CompareAndSwap(next, now+int64(rescueAgain)) {
		return err
	}
	var siblings []wire.Name
	for _, candidate := range h.zone.nameservers {
		if len(candidate.addresses) > 0 && !candidate.name.IsBelow(h.zone.zone) {
			siblings = append(siblings, candidate.name)
		}
	}
	dead := errors.Is(err, errDead)
	if err = h.search(ctx, siblings, h.allAddresses, err); !isUnanswered(ctx, err) || dead {
		return err
	}
	return h.askChild(ctx, err)
}

// askChild asks the zone's servers for its name servers, and those that its parent
// does not name for the answer. They are kept no longer than the delegation.
func (h *hunt) askChild(ctx context.Context, err error) error {
	var own []nameserver
	known, _ := h.known(h.zone)
	question := Question{Name: h.zone.zone, Type: dns.TypeNS, Zone: h.zone.zone}
	failed := h.upstreams.Ask(ctx, h.work, known, question, func(_ resolver.Server, message *dns.Msg) error {
		clean := newReply(message, h.zone.zone)
		if own = clean.nameservers(clean.answer, h.zone.zone); len(own) == 0 || !clean.authoritative {
			own = nil
			return ErrLame
		}
		return nil
	})
	if failed != nil {
		return err
	}
	h.zone.child.Store(&own)
	var names []wire.Name
	var fresh []resolver.Server
	for _, candidate := range own {
		fresh = append(fresh, h.unasked(candidate.addresses)...)
		isKnown := slices.ContainsFunc(h.zone.nameservers, func(n nameserver) bool { return n.name == candidate.name })
		// A name inside the zone could only be had from those that have failed.
		if len(candidate.addresses) == 0 && !isKnown && !candidate.name.IsBelow(h.zone.zone) {
			names = append(names, candidate.name)
		}
	}
	if len(fresh) > 0 {
		err = h.ask(ctx, fresh)
	}
	return h.search(ctx, names, h.addresses, err)
}
