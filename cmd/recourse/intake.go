package main

import (
	"context"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// settle writes down what an import held, which editions it took, and what somebody has
// to be told, and puts the ledger that comes of it in force.
func (i *importer) settle(ctx context.Context, fresh *rules, reports []bundle.ListReport, now time.Time) error {
	snapshot := i.current.Load()
	before := snapshot.Guard.Ledger()
	read, holds := heldBy(fresh.catalog, reports, before)
	holds = append(holds, unnoted(snapshot.Bundle, fresh.catalog, reports, holds, before)...)
	holds = append(holds, spikes(fresh.catalog, snapshot.Trials().Halted())...)
	alarms := guard.Alarms(guard.Situation{Bundle: snapshot.Bundle, Reports: reports, Holds: holds, Ledger: before, Now: now})
	var begun []blocklists.Alarm
	ledger, err := i.ledger.change(ctx, func(tx *store.Tx) error {
		if err := tx.SettleHolds(ctx, read, holds, now); err != nil {
			return err
		}
		for _, report := range reports {
			if report.Serial != 0 && report.Fetch.State == fetch.OK {
				if err := tx.NoteSerial(ctx, report.List, report.Serial); err != nil {
					return err
				}
			}
		}
		var err error
		if begun, err = tx.SettleAlarms(ctx, alarms, now); err != nil {
			return err
		}
		return notify.Settle(ctx, tx, listAlarms, toldAlarms(alarms, fresh.catalog), now)
	})
	if err != nil {
		return err
	}
	for _, alarm := range begun {
		i.logger.Warn("lists: "+alarm.Detail, "list", alarm.List, "alarm", alarm.Kind)
	}
	i.audit.holdsChanged(fresh.catalog, before, ledger)
	i.remind(fresh, reports, ledger, now)
	return nil
}

// remind puts in force what the ledger and the reports say of lists.
func (i *importer) remind(fresh *rules, reports []bundle.ListReport, ledger *guard.Ledger, now time.Time) {
	i.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Guard = fresh.guard.With(ledger)
		snapshot.Unreachable = outOfReach(fresh.catalog, reports, now)
		return snapshot
	})
	i.haltAgain(ledger)
}

// haltAgain keeps trials halted over restarts, and lets those go that people released.
func (i *importer) haltAgain(ledger *guard.Ledger) {
	trials := i.current.Load().Trials()
	for _, hold := range ledger.Records().Holds {
		switch {
		case hold.Safeguard != blocklists.Spike || !hold.Ended.IsZero():
		case hold.Released():
			trials.Halt(hold.List, time.Time{})
		default:
			trials.Halt(hold.List, hold.Since)
		}
	}
}

// heldBy gives the lists that were read and what is held of them.
func heldBy(catalog *blocklists.Catalog, reports []bundle.ListReport, before *guard.Ledger) ([]blocklists.ListID, []blocklists.Hold) {
	var (
		read  []blocklists.ListID
		holds []blocklists.Hold
	)
	for i := range reports {
		report := &reports[i]
		manifest := catalog.List(report.List)
		if report.Pinned || report.Fetch.SHA256 == "" {
			continue // nothing was read: what was held of it is still
		}
		read = append(read, report.List)
		for j := range report.Noted {
			if report.Noted[j].Standing == blocklists.Held {
				holds = append(holds, holdOfNote(manifest, &report.Noted[j]))
			}
		}
		if report.Because != "" {
			holds = append(holds, wholeHold(manifest, blocklists.Growth, report.Because, report.Count))
		}
		holds = append(holds, shrinkHold(manifest, report, before)...)
	}
	return read, holds
}

func holdOfNote(manifest *blocklists.Manifest, note *bundle.Note) blocklists.Hold {
	return blocklists.Hold{
		List: manifest.ID, Purpose: manifest.Purpose, Subject: guard.SubjectOf(&note.Row), Safeguard: guard.SafeguardOf(note.Because),
		Detail: note.Because, Line: note.Row.Line,
	}
}

func wholeHold(manifest *blocklists.Manifest, safeguard blocklists.Safeguard, detail string, count int) blocklists.Hold {
	return blocklists.Hold{List: manifest.ID, Purpose: manifest.Purpose, Safeguard: safeguard, Detail: detail, Count: count}
}

// shrinkHold is the hold on a list that lost too much. It goes on while the source cannot
// be had at all, so that the hour counts from its beginning.
func shrinkHold(manifest *blocklists.Manifest, report *bundle.ListReport, before *guard.Ledger) []blocklists.Hold {
	if report.Shrunk {
		return []blocklists.Hold{wholeHold(manifest, blocklists.Shrink, "shrink: "+report.Fetch.Err.Error(), report.Count)}
	}
	if known := before.OfList(report.List, blocklists.Shrink); known != nil && report.Fetch.Err != nil {
		return []blocklists.Hold{*known}
	}
	return nil
}

func spikes(catalog *blocklists.Catalog, halted map[blocklists.ListID]time.Time) []blocklists.Hold {
	var holds []blocklists.Hold
	for id, since := range halted {
		if manifest := catalog.List(id); manifest != nil {
			holds = append(holds, wholeHold(manifest, blocklists.Spike,
				fmt.Sprintf("spike: staged entries blocked more than the limit at %s and were halted", since.Format(time.RFC3339)), 0))
		}
	}
	return holds
}

// outOfReach are the law lists whose source has been out of reach for a week.
func outOfReach(catalog *blocklists.Catalog, reports []bundle.ListReport, now time.Time) map[blocklists.ListID]time.Time {
	lists := map[blocklists.ListID]time.Time{}
	for i := range reports {
		report := &reports[i]
		if manifest := catalog.List(report.List); guard.IsUnreachable(manifest, report, now) {
			lists[report.List] = report.Fetch.Since
		}
	}
	return lists
}

const (
	// watchInterval is how often trials and lists that wait are looked at; dates of review
	// are days apart, and looking at all of them costs a look at every entry.
	watchInterval  = 30 * time.Second
	reviewInterval = time.Hour
)

// watch looks at what changes by itself: trials that were halted, lists whose removals were
// held for an hour, sources that fell silent or speak again, and dates of review.
func (i *importer) watch(ctx context.Context) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	reviewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			due := now.Sub(reviewed) >= reviewInterval
			if due {
				reviewed = now
			}
			if err := i.look(ctx, now, due); err != nil && ctx.Err() == nil {
				i.logger.Error("lists: what is held could not be written down", "error", err)
			}
		}
	}
}

// settleAsItStands settles by what the sources said since the last import.
func (i *importer) settleAsItStands(ctx context.Context, stood []bundle.ListReport, now time.Time) error {
	last := *i.last.Load()
	last.reports = stood
	i.last.Store(&last)
	return i.settle(ctx, last.rules, stood, now)
}

// look imports where a list's wait is over or the last import failed, and settles where a trial was halted, a source
// came into trouble or out of it, or reviews are to be looked at.
func (i *importer) look(ctx context.Context, now time.Time, reviews bool) error {
	i.importing.Lock()
	defer i.importing.Unlock()
	if i.failed != nil { // a disk that was full may have room again
		i.failed = i.again(ctx)
		return i.failed
	}
	ledger, err := i.ledger.read(ctx, now)
	if err != nil {
		return err
	}
	for _, manifest := range i.last.Load().rules.catalog.Lists() {
		if hold := ledger.OfList(manifest.ID, blocklists.Shrink); hold != nil {
			if source := i.store.Status(manifest); ledger.Lapsed(manifest, hold, &source) {
				return i.again(ctx)
			}
		}
	}
	for at := range ledger.Records().Holds {
		hold := &ledger.Records().Holds[at]
		manifest := i.last.Load().rules.catalog.List(hold.List)
		if manifest == nil || !hold.Ended.IsZero() || !ledger.RanOut(manifest, hold) {
			continue
		}
		if manifest.AtEnforceBy == "enforce" {
			return i.again(ctx)
		}
		reviews = reviews || now.Sub(hold.Since)-manifest.EnforceWithin < 2*watchInterval // the alarm is raised once
	}
	for list := range i.current.Load().Trials().Halted() {
		reviews = reviews || ledger.OfList(list, blocklists.Spike) == nil
	}
	stood := i.standing()
	if !reviews && !sourcesTurned(i.last.Load().reports, stood) {
		return nil
	}
	return i.settleAsItStands(ctx, stood, now)
}
