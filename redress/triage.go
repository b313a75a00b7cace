package redress

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// manyReports is from how many filings on a name a person looks sooner. Reports do no more.
const manyReports = 3

// triage gathers the facts of a new case, merges it into an older one of the same party, and
// brings what many report before a person sooner.
func (d *Desk) triage(ctx context.Context, due DueClock) error {
	one, err := d.store.Case(ctx, due.Case)
	if err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	facts, err := d.facts(ctx, one, false)
	if err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	older, err := d.sameParty(ctx, one)
	if err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	return d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) {
		change := c.unchanged()
		if older != "" {
			if merged, err := c.endings(clerk, Merge, at); err == nil {
				change = merged
			}
		}
		if c.Entry != nil && c.Entry.Purpose == blocklists.Security && change.Merits.State == Submitted && facts.Duplicates.Filings >= manyReports {
			if sooner := c.opened().Add(verifiedTime); sooner.Before(change.Merits.Deadline) {
				change.Merits.Deadline = sooner
				change.Clocks = append(change.Clocks, clocksOf(Merits, change.Merits))
			}
		}
		change.told(TriagedEvent, clerk, at, Content{Triage: &facts})
		if change.Merits.State == Merged {
			change.told(MergedEvent, clerk, at, Content{Into: string(older)})
		}
		return change, nil
	})
}

// sameParty finds an older open case of the entry that was filed with the same contact.
func (d *Desk) sameParty(ctx context.Context, one *Case) (CaseID, error) {
	contact := one.contact()
	if contact == "" || one.Unconfirmed() || one.Hidden || len(one.Linked) > 0 {
		return "", nil
	}
	ids, err := d.store.Alike(ctx, one)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		other, err := d.store.Case(ctx, id)
		if err != nil {
			return "", err
		}
		if other.isBefore(one) && other.contact() == contact && other.Filing.Role == one.Filing.Role {
			return id, nil
		}
	}
	return "", nil
}

// isBefore orders cases by when they were filed, and those of one moment by their ids: of two one is the older for both.
func (c *Case) isBefore(other *Case) bool {
	if at := other.Filing.At; !c.Filing.At.Equal(at) {
		return c.Filing.At.Before(at)
	}
	return c.ID < other.ID
}

// contact is what the party gave, as two are compared.
func (c *Case) contact() string {
	for _, event := range c.Events {
		if event.Kind == FiledEvent {
			return strings.ToLower(strings.TrimSpace(c.Text(event, Contact)))
		}
	}
	return ""
}
