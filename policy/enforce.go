package policy

import (
	"context"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver"
)

// Words of a manifest's override that policy reads by themselves; the others are those
// of [blocklists.Action].
const (
	overrideDisabled = "disabled"
	overrideCNAME    = "cname"
	overrideGiven    = "given"
)

// action is what a hit does where it decides: what its list puts in the place of what
// entries say, or else what its entry says.
func (h *hearing) action(i int) blocklists.Action {
	known := &h.hits.facts[i]
	list := &h.lists[known.place]
	if list.Manifest == nil {
		return blocklists.Block
	}
	action := overridden(list.Manifest, known.terms.Action)
	if action == blocklists.TCPOnly && h.door > resolver.UDP {
		// The client did what it was asked to.
		return blocklists.Passthru
	}
	return action
}

func overridden(manifest *blocklists.Manifest, action blocklists.Action) blocklists.Action {
	switch manifest.Override {
	case "", overrideGiven, overrideDisabled:
		return action
	case overrideCNAME:
		return blocklists.LocalData
	}
	var other blocklists.Action
	if other.UnmarshalText([]byte(manifest.Override)) != nil {
		return action // refused when the configuration was read
	}
	return other
}

// verdict gives the answer in the place of a real one, or nil where nothing that
// counts blocks. Real is nil before there is one. The snapshot is the hearing's; by
// itself it may be kept, and what matches then need not leave the caller's stack.
func (s *stage) verdict(ctx context.Context, snapshot *Snapshot, h *hearing, kept *recalled, query *resolver.Query, real *resolver.Answer) (*resolver.Answer, error) {
	winner, found := h.decide()
	if !found || !h.step(winner).blocks() {
		return nil, nil //nolint:nilnil // nothing blocks: the caller goes on
	}
	if snapshot.Witness != nil && snapshot.Witness.Listens() {
		snapshot.tell(h, winner, query)
	}
	if winner == offlineHit {
		return s.offline(snapshot, h, query)
	}
	list, action := h.list(winner), h.action(winner)
	answer, err := s.answer(ctx, snapshot, h, winner, action, kept, query, real)
	if err != nil && isOutcome(err) {
		return nil, err
	}
	if err != nil {
		s.logger.Error("a block could not be answered", "list", list.ID, "error", err)
		return nil, resolver.Fail(resolver.Prohibited, "the block could not be answered")
	}
	s.counts.of(snapshot.Bundle).blocks[h.place(winner)].Add(query.Worker, 1)
	if one := snapshot.trials.of(h.place(winner)); one != nil {
		one.count(h.staged(winner), h.at)
	}
	if action == blocklists.Drop {
		return nil, resolver.Dropped
	}
	return answer, nil
}

// offline answers in hours in which a profile withholds everything.
func (s *stage) offline(snapshot *Snapshot, h *hearing, query *resolver.Query) (*resolver.Answer, error) {
	match := h.offline()
	answer, err := snapshot.blocked(query, &match, stead{owner: query.Question.Name})
	if err != nil {
		s.logger.Error("a block could not be answered", "list", OfflineList, "error", err)
		return nil, resolver.Fail(resolver.Prohibited, "the block could not be answered")
	}
	s.counts.of(snapshot.Bundle).offline.Add(query.Worker, 1)
	return answer, nil
}

// answer gives the answer of a block by a hit: the one of the last time, where the same
// question was blocked by the same entry, or else a new one.
func (s *stage) answer(ctx context.Context, snapshot *Snapshot, h *hearing, winner int, action blocklists.Action, kept *recalled, query *resolver.Query, real *resolver.Answer) (*resolver.Answer, error) {
	id := h.hits.ids[winner]
	// What an alias or an address leads to stands behind what the real answer says.
	// What a profile has of its own differs from what the next one has.
	own := h.list(winner).Kind
	lasting := h.kind(winner) == resolver.Asked && isLasting(action) && (own == bundle.Feed || own == bundle.Service || own == bundle.Canary)
	var others also
	if query.Structured {
		others = h.also(winner)
	}
	if lasting {
		if kept == nil {
			kept = snapshot.recent.find(&query.Question)
		}
		if kept.answers(query, id, action, &others) {
			return &kept.answer, nil
		}
	}
	match := h.matched(winner)
	match.Action, match.Also = action, snapshot.also(&others)
	match.StandIn = snapshot.standIn(&match)
	answer, err := s.enforce(ctx, snapshot, query, &match, steadOf(query, &match, real))
	if err == nil && lasting && match.StandIn == "" {
		snapshot.recent.offer(query, h, id, action, others, answer)
	}
	return answer, err
}

// isLasting says whether the answer depends on nothing but question and entry.
func isLasting(action blocklists.Action) bool {
	switch action {
	case blocklists.Drop, blocklists.TCPOnly, blocklists.LocalData:
		return false
	}
	return true
}

// enforce answers as the match wants it. A drop is no answer and no error.
func (s *stage) enforce(ctx context.Context, snapshot *Snapshot, query *resolver.Query, match *Match, at stead) (*resolver.Answer, error) {
	switch match.Action {
	case blocklists.Drop:
		return nil, nil //nolint:nilnil // the caller drops
	case blocklists.TCPOnly:
		return snapshot.truncated(query, match)
	case blocklists.LocalData:
		return s.rewritten(ctx, snapshot, query, match, at)
	}
	if match.Role == SafeSearch {
		return s.searched(ctx, snapshot, query, match)
	}
	if match.StandIn != "" {
		return s.stoodIn(ctx, snapshot, query, match, at)
	}
	return snapshot.blocked(query, match, at)
}

// truncated has the client ask again over TCP.
func (s *Snapshot) truncated(query *resolver.Query, match *Match) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Truncated = true
	return s.explained(reply, query, match)
}
