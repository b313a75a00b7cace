package redress

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Attempt is that a party wants its control proved. An empty method is [ByDNS].
type Attempt struct {
	Method Method
	Code   string
}

// Verify runs the proof of control now. It counts for all cases of the filing. Only
// the outcome is kept.
func (d *Desk) Verify(ctx context.Context, id CaseID, token string, attempt Attempt) (Proof, error) {
	if attempt.Method == "" {
		attempt.Method = ByDNS
	}
	if !slices.Contains(Methods(), attempt.Method) {
		invalid := new(Invalid)
		invalid.add("method", "must be dns, http, page, mail or document")
		return Proof{}, invalid
	}
	shown, err := d.open(ctx, id, token)
	if err != nil {
		return Proof{}, err
	}
	return d.prove(ctx, shown, attempt)
}

// Recheck looks for a proof without the party's asking, for whoever looks again and
// again. It is [Desk.Verify] in all else.
func (d *Desk) Recheck(ctx context.Context, id CaseID, method Method) (Proof, error) {
	shown, err := d.store.Case(ctx, id)
	if err != nil {
		return Proof{}, fmt.Errorf("verify: %w", err)
	}
	return d.prove(ctx, shown, Attempt{Method: method})
}

func (d *Desk) prove(ctx context.Context, shown *Case, attempt Attempt) (Proof, error) {
	filing := &shown.Filing
	switch {
	case !filing.Verified.IsZero():
		return Proof{Verified: true, Detail: "Control of the name was proved before."}, nil
	case filing.expired(time.Now()):
		return Proof{Flaw: FlawLate, Detail: "The challenge has ended: it could be answered for seven days. File again to get another."}, nil
	}
	proof, err := d.prover.Prove(ctx, Claim{
		Case: shown.ID, Filing: filing.ID, Name: filing.Name, Language: filing.Language,
		Challenge: filing.challenge(), Method: attempt.Method, Code: attempt.Code,
	})
	if err != nil {
		return Proof{}, fmt.Errorf("verify: %w", err)
	}
	if !proof.Verified {
		return proof, nil
	}
	return proof, d.Proved(ctx, shown.ID, attempt.Method, Actor{Name: string(filing.Role), Role: Party})
}

// Proved notes who says that who filed controls the name, for all cases of the filing, and opens cases
// of the entries that block names below it. To note it twice changes nothing.
func (d *Desk) Proved(ctx context.Context, id CaseID, method Method, by Actor) error {
	shown, err := d.store.Case(ctx, id)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	below, _ := d.blockedBelow(shown.Filing.Name) // before the transaction, which others wait for
	err = d.change(ctx, id, func(cases []*Case) ([]Change, error) {
		at := now()
		changes := verified(cases, method, by, at)
		if len(changes) > 0 {
			changes[0].Opened = d.openBelow(cases, below, method, by, at)
		}
		return changes, nil
	})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	d.logger.Info("control proved", slog.String("case", string(id)), slog.String("method", string(method)))
	return nil
}

// verified is what a proof changes; nothing when another request was quicker.
func verified(cases []*Case, method Method, by Actor, at time.Time) []Change {
	if !cases[0].Filing.Verified.IsZero() {
		return nil
	}
	changes := make([]Change, 0, len(cases))
	for _, one := range cases {
		merits := hastened(one.Entry, one.Merits, at)
		changes = append(changes, Change{
			Case: one.ID, Implementation: one.Implementation, Merits: merits,
			Verified: at, Method: string(method), Clocks: proofClocks(one, merits, at),
			Events: []Event{{Case: one.ID, At: at, Kind: VerifiedEvent, Actor: by, Content: Content{Method: string(method)}}},
		})
	}
	return changes
}

// proofClocks are those that a proof moves: the deadline, and the test that may lead to an
// interim relief.
func proofClocks(one *Case, merits Track, at time.Time) []Clock {
	clocks := []Clock{clocksOf(Merits, merits)}
	if one.Entry != nil && one.Entry.Purpose == blocklists.Security && one.Merits.State == Submitted {
		clocks = append(clocks, Clock{Kind: RetestClock, At: at})
	}
	return clocks
}
