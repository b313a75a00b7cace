package policy

import (
	"context"
	"errors"
	"log/slog"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// Counter counts blocks, per list and purpose and never per name or client. The
// blocks of profiles' own names count under [OwnList].
type Counter interface {
	Blocked(list blocklists.ListID, purpose blocklists.Purpose)
	// WouldBlock counts what a list in shadow mode would have blocked.
	WouldBlock(list blocklists.ListID, purpose blocklists.Purpose)
}

// OwnList stands, in counters, for the names that profiles deny by themselves: an id
// of its own would say which profile blocks how much.
const OwnList blocklists.ListID = "own-deny"

// Filter judges queries by the snapshot in force.
type Filter struct {
	current *Current
	counts  Counter
	logger  *slog.Logger
}

// New makes a filter.
func New(current *Current, counts Counter, logger *slog.Logger) *Filter {
	return &Filter{current: current, counts: counts, logger: logger}
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
// leaves the machine in no form.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	snapshot := s.current.Load()
	who, admitted := snapshot.Clients.Who(query.Client.Addr)
	if !admitted {
		return refused(query)
	}
	answer, err := s.probe(ctx, query)
	if err == nil {
		return s.judge(snapshot, who, query, answer)
	}
	if !errors.Is(err, resolver.ErrWouldBlock) {
		return nil, err
	}
	blocked, err := s.judgeQuestion(snapshot, who, query)
	if blocked != nil || err != nil {
		return blocked, err
	}
	if query.Inline {
		return nil, resolver.ErrWouldBlock
	}
	return s.wait(ctx, query)
}

// probe asks below for what is there already.
func (s *stage) probe(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	inline := query.Inline
	query.Inline = true
	answer, err := s.next.Resolve(ctx, query)
	query.Inline = inline
	return answer, err
}

// wait asks below for good and judges by what is in force when the answer comes.
func (s *stage) wait(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	answer, err := s.next.Resolve(ctx, query)
	if err != nil {
		return nil, err
	}
	snapshot := s.current.Load()
	who, admitted := snapshot.Clients.Who(query.Client.Addr)
	if !admitted {
		return refused(query)
	}
	return s.judge(snapshot, who, query, answer)
}

// judge lets an answer pass or puts a blocked one in its place.
func (f *Filter) judge(snapshot *Snapshot, who profile.Who, query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	answer, err := answer.Pack()
	if err != nil {
		return nil, f.unjudged(err)
	}
	found, err := snapshot.recall(query.Question.Name, answer)
	if err != nil {
		return nil, f.unjudged(err)
	}
	if len(found.ids) == 0 {
		return answer, nil
	}
	h := newHearing(snapshot, query.Question.Name, found, who, query.Now)
	h.client = query.Client.Addr
	blocked, err := f.verdict(&h, query)
	f.countShadows(&h)
	if blocked != nil || err != nil {
		return blocked, err
	}
	return answer, nil
}

// unjudged is the failure of what could not be judged, the answer or the bundle being damaged: it does not pass.
func (f *Filter) unjudged(err error) error {
	return resolver.Fail(resolver.NetworkError, "the question could not be judged: %w", err)
}

// judgeQuestion gives a blocked answer, or nil where the question passes so far.
func (f *Filter) judgeQuestion(snapshot *Snapshot, who profile.Who, query *resolver.Query) (*resolver.Answer, error) {
	var room [16]uint32
	ids, err := snapshot.Bundle.Match(query.Question.Name, room[:0])
	if err != nil {
		return nil, f.unjudged(err)
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // nothing blocks: the caller goes on
	}
	h := newHearing(snapshot, query.Question.Name, hits{ids: ids}, who, query.Now)
	h.client = query.Client.Addr
	blocked, err := f.verdict(&h, query)
	if blocked != nil { // what passes so far is judged again with its answer, and counted then
		f.countShadows(&h)
	}
	return blocked, err
}

// verdict gives the blocked answer, or nil where nothing that counts blocks.
func (f *Filter) verdict(h *hearing, query *resolver.Query) (*resolver.Answer, error) {
	winner, found := h.decide()
	if !found || !h.step(winner).blocks() {
		return nil, nil //nolint:nilnil // as above
	}
	list := h.list(winner)
	match := h.snapshot.match(h.hits.ids[winner], list, h.link(winner), h.isAlias(winner))
	answer, err := h.snapshot.blocked(query, &match)
	if err != nil {
		f.logger.Error("a block could not be answered", "list", list.ID, "error", err)
		return nil, resolver.Fail(resolver.Prohibited, "the block could not be answered")
	}
	f.count(&match)
	if one := h.snapshot.trials.of(h.snapshot.Bundle.ListIndex(h.hits.ids[winner])); one != nil {
		one.count(h.staged(winner), h.at)
	}
	return answer, nil
}

// countShadows counts each list in shadow mode once a question.
func (f *Filter) countShadows(h *hearing) {
	if !h.shadows {
		return
	}
	var last *bundle.List
	for i := range h.hits.ids {
		if list := h.list(i); list != last && h.weigh(i) == shadowed {
			f.counts.WouldBlock(list.ID, list.Manifest.Purpose)
			last = list
		}
	}
}

func (f *Filter) count(match *Match) {
	if match.Manifest == nil {
		f.counts.Blocked(OwnList, blocklists.User)
		return
	}
	f.counts.Blocked(match.Entry.List, match.Manifest.Purpose)
}
