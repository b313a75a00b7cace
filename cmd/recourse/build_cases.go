package main

import (
	"context"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/registry"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/workdays"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// caseworkConfig is what the desk obeys.
func (n *node) caseworkConfig(current *policy.Current, kept *cases.Store, database *store.DB, below resolver.Handler) redress.Config {
	config := redress.Config{
		Portal: n.config.Operator.Portal, Operator: n.config.Operator.Name, Contact: n.config.Operator.Contact,
		Holiday:     workdays.Holidays(n.config.Desk.Country),
		Authorities: func() []string { return confidentialAuthorities(current.Load()) },
		Approvals:   kept,
		Everywhere:  everywhere(database),
		Late:        n.lateNodes(database),
		Mail:        make(map[string]string),
		Suspension:  n.config.Desk.Misuse.Suspension,
		Entries:     func(list blocklists.ListID) (int, bool) { return toldEntries(current.Load(), list) },
		Generation:  func() uint64 { return current.Load().Bundle.Generation() },
		Sources:     redress.Sources{Safeguard: func(entry *blocklists.Entry) (string, string, uint32) { return safeguardOf(current.Load(), entry) }, Age: listedAge{current}, Retester: n.retester(below), Registry: registry.New(agent(), "", outbound.Config{}, outbound.NewDialer(hosts{below}, nil))},
	}
	for _, token := range n.config.Desk.Tokens {
		if token.Authority != "" && token.Mail != "" {
			config.Mail[token.Authority] = token.Mail
		}
	}
	return config
}

// confidentialAuthorities are those of the secret lists, all of them.
func confidentialAuthorities(snapshot *policy.Snapshot) []string {
	var names []string
	lists := snapshot.Bundle.Lists()
	for i := range lists {
		if manifest := lists[i].Manifest; manifest != nil && manifest.Disclosure == blocklists.Secret && manifest.Authority.Name != "" {
			names = append(names, manifest.Authority.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// safeguardOf is which safeguard would hold the entry.
func safeguardOf(snapshot *policy.Snapshot, entry *blocklists.Entry) (safeguard, why string, rank uint32) {
	if snapshot.Guard == nil {
		return "", "", 0
	}
	finding, found := snapshot.Guard.FindEntry(entry)
	if !found {
		return "", "", 0
	}
	return string(finding.Safeguard), finding.String(), finding.Rank
}

// listedAge knows that a name is at least as old as its first listing.
type listedAge struct{ current *policy.Current }

// FirstSeen implements [redress.Age].
func (a listedAge) FirstSeen(_ context.Context, name wire.Name) (time.Time, bool) {
	var first time.Time
	for _, match := range a.current.Load().Matches(name) {
		if seen := match.Entry.FirstSeen; match.Entry.Name == name && !seen.IsZero() && (first.IsZero() || seen.Before(first)) {
			first = seen
		}
	}
	return first, !first.IsZero()
}

// toldEntries is how many entries a list has that shows them.
func toldEntries(snapshot *policy.Snapshot, id blocklists.ListID) (int, bool) {
	lists := snapshot.Bundle.Lists()
	for i := range lists {
		if list := &lists[i]; list.ID == id && list.Manifest != nil {
			return list.Entries - list.Held, list.Manifest.Disclosure == blocklists.Full
		}
	}
	return 0, false
}
