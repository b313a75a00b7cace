package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// knownList is what was last told of a list.
type knownList struct {
	Version string    `json:"version"`
	Held    int       `json:"held"`
	Total   int       `json:"total"`
	At      time.Time `json:"at"`
	Secret  bool      `json:"secret,omitempty"`
}

// listsInForce tells of each list that came in force as another than before. It is called under the
// importer's lock.
func (a *auditing) listsInForce(fresh *imported, compiled *bundle.Bundle, key policy.Key) {
	if a == nil {
		return
	}
	now := time.Now().UTC()
	counts := countLists(compiled, a.memory.Lists)
	seen := map[blocklists.ListID]bool{}
	for i := range fresh.reports {
		report := &fresh.reports[i]
		manifest := fresh.rules.catalog.List(report.List)
		if manifest == nil {
			continue
		}
		seen[report.List] = true
		count := counts[report.List]
		was := a.memory.Lists[report.List]
		is := knownList{Version: report.Fetch.SHA256, Held: count.held, Total: count.total, At: now, Secret: manifest.Disclosure == blocklists.Secret}
		if was.Version == is.Version && was.Held == is.Held && was.Total == is.Total && was.Secret == is.Secret && !was.At.IsZero() {
			continue
		}
		a.memory.Lists[report.List] = is
		a.record(audit.OfList(manifest.ID, manifest.Disclosure), audit.Version, versionOf(manifest, report, compiled.Generation(), was, count, key))
	}
	for _, id := range slices.Sorted(maps.Keys(a.memory.Lists)) {
		if !seen[id] {
			disclosure := blocklists.Full
			if a.memory.Lists[id].Secret {
				disclosure = blocklists.Secret
			}
			delete(a.memory.Lists, id)
			a.record(audit.OfList(id, disclosure), audit.Gone, map[string]uint64{"generation": compiled.Generation()})
		}
	}
	a.memory.save(a.logger)
}

// versionOf is what is told of a list. Of a secret one it is a hash that nobody can make who tries
// names, as it needs our key.
func versionOf(manifest *blocklists.Manifest, report *bundle.ListReport, generation uint64, was knownList, count listCount, key policy.Key) audit.ListVersion {
	if manifest.Disclosure == blocklists.Secret {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("list version\x00" + string(manifest.ID) + "\x00" + report.Fetch.SHA256))
		return audit.ListVersion{Generation: generation, Version: hex.EncodeToString(mac.Sum(nil))}
	}
	return audit.ListVersion{
		Generation: generation, Version: report.Fetch.SHA256, Purpose: manifest.Purpose.String(), Category: manifest.Category, Scope: manifest.Scope.String(),
		Jurisdiction: manifest.Jurisdiction, State: string(report.Fetch.State), Entries: count.total, Added: count.added,
		Removed: max(0, was.Total+count.added-count.total), Held: count.held,
	}
}

// listCount is how many entries a list has.
type listCount struct{ total, held, added int }

// countLists counts entries without a look at their names. Added are those first seen since the list was
// last told of.
func countLists(compiled *bundle.Bundle, known map[blocklists.ListID]knownList) map[blocklists.ListID]listCount {
	counts := map[blocklists.ListID]listCount{}
	lists := compiled.Lists()
	for _, group := range compiled.Groups() {
		list := &lists[group.List]
		if list.Kind != bundle.Feed {
			continue
		}
		count := counts[list.ID]
		count.total += group.Count
		if group.Standing == blocklists.Held {
			count.held += group.Count
		}
		if was := known[list.ID].At; was.IsZero() || int64(group.Seen) >= was.Unix() {
			count.added += group.Count
		}
		counts[list.ID] = count
	}
	return counts
}

// holdsChanged tells what is held of lists otherwise than before.
func (a *auditing) holdsChanged(catalog *blocklists.Catalog, before, after *guard.Ledger) {
	if a == nil {
		return
	}
	was, is := openHolds(before), openHolds(after)
	lists := maps.Clone(was)
	maps.Copy(lists, is)
	for _, id := range slices.Sorted(maps.Keys(lists)) {
		manifest := catalog.List(id)
		if manifest == nil {
			continue
		}
		facts := audit.ListHolds{Open: map[string]int{}}
		for number, safeguard := range is[id] {
			facts.Open[safeguard]++
			if _, known := was[id][number]; !known {
				facts.Begun++
			}
		}
		for number := range was[id] {
			if _, stays := is[id][number]; !stays {
				facts.Ended++
			}
		}
		if facts.Begun > 0 || facts.Ended > 0 {
			a.record(audit.OfList(id, manifest.Disclosure), audit.Held, facts)
		}
	}
}

// openHolds are the safeguards of holds that have not ended, by list and number.
func openHolds(ledger *guard.Ledger) map[blocklists.ListID]map[int64]string {
	open := map[blocklists.ListID]map[int64]string{}
	if ledger == nil {
		return open
	}
	for _, hold := range ledger.Records().Holds {
		if !hold.Ended.IsZero() {
			continue
		}
		if open[hold.List] == nil {
			open[hold.List] = map[int64]string{}
		}
		open[hold.List][hold.ID] = string(hold.Safeguard)
	}
	return open
}

// discloser says how much of lists may be told. The zero value tells nothing of any.
type discloser struct{ catalog func() *blocklists.Catalog }

func (d discloser) of(list blocklists.ListID) blocklists.Disclosure {
	if d.catalog != nil {
		if manifest := d.catalog().List(list); manifest != nil {
			return manifest.Disclosure
		}
	}
	return blocklists.Secret
}

// noteRelease takes a person's word down in the transaction that writes it.
func (d discloser) noteRelease(ctx context.Context, tx *store.Tx, what release, released []blocklists.Hold, actor string) error {
	disclosure := d.of(what.List)
	facts := audit.HoldReleased{Safeguard: string(what.Whole), Held: len(released)}
	if disclosure == blocklists.Full {
		facts.Name = what.Name
	}
	for i := range released {
		facts.Released = facts.Released || released[i].Released()
		if facts.Safeguard == "" {
			facts.Safeguard = string(released[i].Safeguard)
		}
	}
	return noteOn(ctx, tx, audit.OfList(what.List, disclosure), audit.Released, actor, facts)
}

// noteUnpinned tells of lists that a rollback had fixed and that are read again.
func (i *importer) noteUnpinned(ctx context.Context, tx *store.Tx, lists []blocklists.ListID, actor string) error {
	ledger := i.current.Load().Guard.Ledger()
	if ledger == nil {
		return nil
	}
	for _, state := range ledger.Records().Lists {
		if state.Pinned.IsZero() || !slices.Contains(lists, state.List) {
			continue
		}
		if err := noteOn(ctx, tx, audit.OfList(state.List, i.ledger.told.of(state.List)), audit.Unpinned, actor, map[string]uint64{"from": state.PinnedFrom, "to": state.PinnedTo}); err != nil {
			return err
		}
	}
	return nil
}

func noteOn(ctx context.Context, tx *store.Tx, subject string, kind redress.EventKind, actor string, facts any) error {
	event, err := redress.About(subject, kind, redress.Actor{Name: actor, Role: redress.Operator}, time.Now(), facts)
	if err != nil {
		return err
	}
	return cases.Append(ctx, tx, event)
}
