package policy

import (
	"context"
	"errors"
	"log/slog"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// Filter judges queries by the snapshot in force.
type Filter struct {
	current  *Current
	counts   tallied
	standIns map[blocklists.ListID]resolver.Handler
	logger   *slog.Logger
}

// New makes a filter. The handlers answer, by list, in the zones of the snapshot's
// StandIns; nil where no list has any. A failure of theirs means that there is nothing.
func New(current *Current, counts Counter, standIns map[blocklists.ListID]resolver.Handler, logger *slog.Logger) *Filter {
	return &Filter{current: current, counts: tallied{counts: counts}, standIns: standIns, logger: logger}
}

// Stage puts the filter above the handler that it asks.
func (f *Filter) Stage(next resolver.Handler) resolver.Handler {
	return &stage{Filter: f, next: next}
}

type stage struct {
	*Filter
	next resolver.Handler
}

// Resolve asks what lies below without waiting, and judges what is there. Where
// nothing is, it judges the question before anything below may wait: what is blocked
// leaves the machine in no form. Where a failure is kept, a block goes before it too.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	snapshot := s.current.Load()
	who, admitted := snapshot.Clients.Who(query.Client, query.Now)
	if !admitted {
		return refused(query)
	}
	snapshot.capTTL(query, who)
	answer, err := s.probe(ctx, query)
	if err == nil {
		return s.judge(ctx, snapshot, who, query, answer)
	}
	waits := errors.Is(err, resolver.ErrWouldBlock)
	if !waits && !hasFailed(err) {
		return nil, err
	}
	failed := err
	blocked, err := s.judgeQuestion(ctx, snapshot, who, query)
	switch {
	case blocked != nil || err != nil:
		return blocked, err
	case !waits:
		return nil, failed
	case query.Inline:
		return nil, resolver.ErrWouldBlock
	}
	return s.wait(ctx, query)
}

// hasFailed says that a resolution ended without an answer.
func hasFailed(err error) bool {
	var failure *resolver.Failure
	return errors.As(err, &failure)
}

// probe asks below for what is there already.
func (s *stage) probe(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	inline := query.Inline
	query.Inline = true
	answer, err := s.next.Resolve(ctx, query)
	query.Inline = inline
	return answer, err
}

// maxWithheld is how often a question is asked again whose resolution ended for
// somebody else's sake: two clients of whom one may not go on can share one.
const maxWithheld = 3

// wait asks below for good and judges by what is in force when the answer comes.
func (s *stage) wait(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	for tries := 1; ; tries++ {
		query.Watch = s.watch(query)
		answer, err := s.next.Resolve(ctx, query)
		snapshot := s.current.Load()
		who, admitted := snapshot.Clients.Who(query.Client, query.Now)
		if admitted {
			snapshot.capTTL(query, who)
		}
		var withheld *resolver.Withheld
		switch {
		case !admitted:
			return refused(query)
		case err == nil:
			return s.judge(ctx, snapshot, who, query, answer)
		case !errors.As(err, &withheld):
			return nil, err
		}
		found, err := onTheWay(snapshot.Bundle, query, withheld.Cut)
		if err != nil {
			return nil, unjudged(err)
		}
		blocked, err := s.weighed(ctx, snapshot, who, query, found, nil, nil)
		if blocked != nil || err != nil {
			return blocked, err
		}
		if tries == maxWithheld {
			return nil, resolver.Fail(resolver.NotReady, "the lists changed while the name was resolved")
		}
	}
}

// watch stops a resolution before servers are asked that a list blocks for this
// client. Nil: no list looks at name servers.
func (s *stage) watch(query *resolver.Query) func(*resolver.Cut) error {
	if !watches(s.current.Load().Bundle) {
		return nil
	}
	return func(cut *resolver.Cut) error {
		snapshot := s.current.Load()
		who, admitted := snapshot.Clients.Who(query.Client, query.Now)
		found, err := onTheWay(snapshot.Bundle, query, cut)
		if err != nil {
			return unjudged(err)
		}
		h := newHearing(snapshot, query.Question.Name, found, who, query.Now)
		h.door, h.qtype, h.caller = query.Client.Door, query.Question.Type, pass.ClientOf(query.Client)
		if winner, decided := h.decide(); admitted && decided && h.step(winner).blocks() {
			return &resolver.Withheld{Cut: cut}
		}
		return nil
	}
}

// onTheWay is what matches a question before there is an answer.
func onTheWay(index *bundle.Bundle, query *resolver.Query, cut *resolver.Cut) (hits, error) {
	var found hits
	if err := found.match(index, resolver.Link{Name: query.Question.Name}); err != nil {
		return hits{}, err
	}
	return found, found.cuts(index, []*resolver.Cut{cut})
}

// judge lets an answer pass or puts another in its place.
func (s *stage) judge(ctx context.Context, snapshot *Snapshot, who profile.Who, query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	answer, err := answer.Pack()
	if err != nil {
		return nil, unjudged(err)
	}
	found, err := snapshot.recall(query.Question.Name, answer)
	if err != nil {
		return nil, unjudged(err)
	}
	blocked, err := s.weighed(ctx, snapshot, who, query, found, nil, answer)
	if blocked != nil || err != nil {
		return blocked, err
	}
	return answer, nil
}

// unjudged is the failure of what could not be judged, because the answer or the bundle
// cannot be read: it does not pass.
func unjudged(err error) error {
	return resolver.Fail(resolver.NetworkError, "what matches the answer could not be told: %w", err)
}

// judgeQuestion gives a blocked answer, or nil where the question passes so far.
func (s *stage) judgeQuestion(ctx context.Context, snapshot *Snapshot, who profile.Who, query *resolver.Query) (*resolver.Answer, error) {
	if kept := snapshot.recent.find(&query.Question); kept != nil && kept.ids != nil {
		return s.weighed(ctx, snapshot, who, query, hits{ids: kept.ids, facts: kept.facts}, kept, nil)
	}
	var room [16]uint32
	ids, err := snapshot.Bundle.Match(query.Question.Name, room[:0])
	if err != nil {
		return nil, unjudged(err)
	}
	return s.weighed(ctx, snapshot, who, query, hits{ids: ids}, nil, nil)
}

// weighed gives what is answered in the place of the real answer, or nil where nothing
// that matches blocks for this client. Kept is what is remembered of the question, where found is
// of that; real is nil before there is one.
func (s *stage) weighed(ctx context.Context, snapshot *Snapshot, who profile.Who, query *resolver.Query, found hits, kept *recalled, real *resolver.Answer) (*resolver.Answer, error) {
	if snapshot.Bundle.Has(blocklists.OnClient) {
		var err error
		if found, err = found.asker(snapshot.Bundle, query.Question.Name, query.Client.Addr); err != nil {
			return nil, unjudged(err)
		}
	}
	if len(found.ids) == 0 && !who.Profile.Phase(query.Now).Withholds() {
		return nil, nil //nolint:nilnil // nothing matches: the caller goes on
	}
	var room [commonHits]fact
	if found.facts == nil {
		found.facts = snapshot.facts(found.ids, room[:0])
	}
	h := newHearing(snapshot, query.Question.Name, found, who, query.Now)
	h.door, h.client, h.qtype, h.caller = query.Client.Door, query.Client.Addr, query.Question.Type, pass.ClientOf(query.Client)
	answer, err := s.verdict(ctx, snapshot, &h, kept, query, real)
	if err == nil && !h.passUntil.IsZero() {
		query.CapTTL(ttlUntil(h.passUntil, query.Now))
	}
	if real != nil || answer != nil { // what passes so far is judged again with its answer, and counted then
		s.countShadows(&h, query.Worker)
	}
	return answer, err
}

// countShadows counts each list in shadow mode once a question.
func (f *Filter) countShadows(h *hearing, worker uint32) {
	if !h.shadows {
		return
	}
	shadows := f.counts.of(h.snapshot.Bundle).shadows
	var last *bundle.List
	for i := range h.hits.ids {
		if list := h.list(i); list != last && h.action(i) != blocklists.Passthru && h.weigh(i) == shadowed {
			shadows[h.place(i)].Add(worker, 1)
			last = list
		}
	}
}
