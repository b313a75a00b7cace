package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// An import writes down the first [bundle.MaxNotes] entries of a list that are held. All
// others are held too, and are written down when a person names them.

// releaseFrom releases what is written down or, where that is nothing, what the bundle
// holds of the name.
func (l *ledger) releaseFrom(ctx context.Context, in *bundle.Bundle, manifest *blocklists.Manifest, what release, actor string) ([]blocklists.Hold, error) {
	released, err := l.release(ctx, what, actor)
	if !errors.Is(err, store.ErrNoHold) || what.Name == "" || manifest == nil {
		return released, err
	}
	holds := heldAt(in, manifest, what.Name)
	if len(holds) == 0 {
		return nil, err
	}
	if _, err := l.change(ctx, func(tx *store.Tx) error { return tx.SettleHolds(ctx, nil, holds, time.Now().UTC()) }); err != nil {
		return nil, err
	}
	return l.release(ctx, what, actor)
}

// heldAt finds the entries of a list at a name or a prefix that a safeguard of entries holds.
func heldAt(in *bundle.Bundle, manifest *blocklists.Manifest, text string) []blocklists.Hold {
	var holds []blocklists.Hold
	for _, id := range entriesAt(in, manifest.ID, text) {
		entry, found := in.Entry(id)
		because := in.Because(id)
		safeguard := guard.SafeguardOf(because)
		if !found || entry.Standing != blocklists.Held || safeguard.OfList() {
			continue // what a list's growth holds is let go with the list
		}
		holds = append(holds, blocklists.Hold{
			List: manifest.ID, Purpose: manifest.Purpose, Subject: blocklists.SubjectOf(&entry), Safeguard: safeguard, Detail: because, Line: entry.Line,
		})
	}
	return holds
}

// entriesAt are the ids of a list's own entries of exactly this name or prefix.
func entriesAt(in *bundle.Bundle, list blocklists.ListID, text string) []uint32 {
	var found []uint32
	prefix, err := netip.ParsePrefix(text)
	if err == nil {
		for _, trigger := range []blocklists.Trigger{blocklists.OnClient, blocklists.OnAddress, blocklists.OnServerAddress} {
			found, _ = in.MatchAddress(trigger, prefix.Addr(), found) // a damaged bundle is replaced at once
		}
		return ownOnes(in, list, found, func(e *blocklists.Entry) bool { return e.Prefix == prefix.Masked() })
	}
	name, err := wire.ParseName(text)
	if err != nil {
		return nil
	}
	for _, scope := range []blocklists.Scope{blocklists.Exact, blocklists.Subtree, blocklists.Below} {
		if id, has := in.Find(list, name, scope); has {
			found = append(found, id)
		}
	}
	found, _ = in.MatchServer(name, found)
	return ownOnes(in, list, found, func(e *blocklists.Entry) bool { return e.Name == name })
}

func ownOnes(in *bundle.Bundle, list blocklists.ListID, ids []uint32, wanted func(*blocklists.Entry) bool) []uint32 {
	var own []uint32
	for _, id := range ids {
		if entry, found := in.Entry(id); found && entry.List == list && wanted(&entry) {
			own = append(own, id)
		}
	}
	return own
}

// unnoted are the holds that go on of lists of which more is held than an import notes.
func unnoted(in *bundle.Bundle, catalog *blocklists.Catalog, reports []bundle.ListReport, noted []blocklists.Hold, before *guard.Ledger) []blocklists.Hold {
	cut := map[blocklists.ListID]bool{}
	for i := range reports {
		cut[reports[i].List] = len(reports[i].Noted) >= bundle.MaxNotes
	}
	type place struct {
		list    blocklists.ListID
		subject blocklists.Subject
	}
	known := map[place]bool{}
	for i := range noted {
		known[place{noted[i].List, noted[i].Subject}] = true
	}
	var holds []blocklists.Hold
	for _, hold := range before.Records().Holds {
		manifest := catalog.List(hold.List)
		if manifest == nil || !cut[hold.List] || !hold.Ended.IsZero() || hold.Safeguard.OfList() || known[place{hold.List, hold.Subject}] {
			continue
		}
		for _, still := range heldAt(in, manifest, hold.Subject.String()) {
			if still.Subject == hold.Subject {
				holds = append(holds, still)
			}
		}
	}
	return holds
}
