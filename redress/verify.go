package redress

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// MethodDNS is the proof by TXT record, the one that this version knows.
const MethodDNS = "dns"

// Verify runs the proof of control now. It counts for all cases of the filing. Only
// the outcome is kept.
func (d *Desk) Verify(ctx context.Context, id CaseID, token, method string) (Proof, error) {
	if method == "" {
		method = MethodDNS
	}
	if method != MethodDNS {
		invalid := new(Invalid)
		invalid.add("method", "must be dns: this version knows no other proof")
		return Proof{}, invalid
	}
	shown, err := d.open(ctx, id, token)
	if err != nil {
		return Proof{}, err
	}
	filing := &shown.Filing
	switch {
	case !filing.Verified.IsZero():
		return Proof{Verified: true, Detail: "Control of the name was proved before."}, nil
	case filing.expired(time.Now()):
		return Proof{Detail: "The challenge has ended: it could be answered for seven days. File again to get another."}, nil
	}
	proof, err := d.prover.Prove(ctx, filing.Name, filing.Challenge)
	if err != nil {
		return Proof{}, fmt.Errorf("verify: %w", err)
	}
	if !proof.Verified {
		return proof, nil
	}
	if err := d.change(ctx, id, func(cases []*Case) ([]Change, error) { return verified(cases, method, now()), nil }); err != nil {
		return Proof{}, fmt.Errorf("verify: %w", err)
	}
	d.logger.Info("control proved", slog.String("case", string(id)), slog.String("method", method))
	return proof, nil
}

// verified is what a proof changes; nothing when another request was quicker.
func verified(cases []*Case, method string, at time.Time) []Change {
	if !cases[0].Filing.Verified.IsZero() {
		return nil
	}
	changes := make([]Change, 0, len(cases))
	for _, one := range cases {
		merits := hastened(one.Entry, one.Merits, at)
		changes = append(changes, Change{
			Case: one.ID, Implementation: one.Implementation, Merits: merits,
			Verified: at, Method: method, Clocks: proofClocks(one, merits, at),
			Events: []Event{{Case: one.ID, At: at, Kind: VerifiedEvent, Actor: Actor{Name: string(one.Filing.Role), Role: Party}, Content: Content{Method: method}}},
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
