package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/rpz"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

// startZones publishes the policy where the configuration says so, and listens for what
// primaries of lists have to say.
func (n *node) startZones(ctx context.Context) (transports.Zones, error) {
	zones := transports.Zones{Notified: rpz.NewNotified(n.importer.sources, n.importer.refresher.Kick)}
	if n.config.ServeRPZ.Zone == "" {
		return zones, nil
	}
	settings, err := n.config.Publication()
	if err != nil {
		return zones, fmt.Errorf("serve_rpz: %w", err)
	}
	view := func() *rpz.View { return viewIn(n.importer.current.Load(), settings.Jurisdiction) }
	publisher, err := rpz.NewPublisher(settings, view, n.logger)
	if err != nil {
		return zones, err
	}
	n.background(ctx, publisher.Run)
	zones.Transfers = publisher
	return zones, nil
}

// Publication is how the policy is given to other resolvers.
func (c *Config) Publication() (rpz.PublishConfig, error) {
	said := &c.ServeRPZ
	zone, err := wire.ParseName(said.Zone)
	if err != nil {
		return rpz.PublishConfig{}, err
	}
	key := said.TSIG
	key.SecretFile = c.File(key.SecretFile)
	made := rpz.PublishConfig{
		Zone: zone, PerList: said.PerList, Purposes: said.Purposes, Jurisdiction: said.Jurisdiction, Unsigned: said.AllowUnsigned,
		Page: append(append([]netip.Addr(nil), c.BlockPage.IPv4...), c.BlockPage.IPv6...),
		Dir:  filepath.Join(c.StateDir(), publishedDir),
	}
	if made.Key, err = rpz.NewKey(key); err != nil {
		return rpz.PublishConfig{}, err
	}
	for _, text := range said.Notify {
		secondary, err := blocklists.ParsePrimary(text)
		if err != nil {
			return rpz.PublishConfig{}, err
		}
		made.Notify = append(made.Notify, secondary.Addr)
	}
	return made, nil
}

// viewIn is the policy in force in a jurisdiction, as zones are made of it. What an order is
// for may be less than what its list is for.
func viewIn(snapshot *policy.Snapshot, jurisdiction string) *rpz.View {
	view := viewOf(snapshot)
	if jurisdiction != "" && snapshot.Orders.Len() > 0 {
		view.Stands = func(id uint32, at time.Time) (bool, time.Time) {
			if order := snapshot.OrderOf(id); order != nil && !order.InForceIn(jurisdiction) {
				return false, time.Time{}
			}
			return snapshot.Stands(id, at)
		}
	}
	return view
}

func viewOf(snapshot *policy.Snapshot) *rpz.View {
	view := &rpz.View{Generation: snapshot.Bundle.Generation(), Sequence: snapshot.Overlay.Sequence(), Index: snapshot.Bundle, Exceptions: snapshot.Overlay,
		Stands: snapshot.Stands, StandsBy: snapshot.StandsBy()}
	for _, list := range snapshot.Bundle.Lists() {
		switch list.Kind {
		case bundle.Feed:
			view.Lists = append(view.Lists, list.Manifest)
		case bundle.OperatorException:
			view.Exempt = list.ID
		}
	}
	return view
}

// expandCatalogs puts the members of catalog zones in the place of the lists that subscribe
// to them, as the stored copies of their zones say. A catalog that is broken, or was never
// had, keeps the members that its last good copy has.
func expandCatalogs(catalog *blocklists.Catalog, store *fetch.Store, logger *slog.Logger) (*blocklists.Catalog, error) {
	var lists []*blocklists.Manifest
	expanded := false
	for _, manifest := range catalog.Lists() {
		if manifest.Source.Catalog == "" {
			lists = append(lists, manifest)
			continue
		}
		expanded = true
		lists = append(lists, membersOf(manifest, store, logger)...)
	}
	if !expanded {
		return catalog, nil
	}
	return blocklists.NewCatalog(lists)
}

func membersOf(manifest *blocklists.Manifest, store *fetch.Store, logger *slog.Logger) []*blocklists.Manifest {
	zone, err := wire.ParseName(manifest.Source.Catalog)
	if err != nil {
		return nil // which validation has told
	}
	var members []rpz.Member
	status, err := store.Stored().Load(context.Background(), manifest, func(from io.Reader) (err error) {
		members, err = rpz.Members(zone, from)
		return err
	})
	if settled := store.Settle(manifest, status); settled != nil {
		logger.Warn("list: that its catalog is good is not written down", "list", manifest.ID, "error", settled)
	}
	if err != nil {
		logger.Warn("list: its catalog zone cannot be had yet", "list", manifest.ID, "error", err)
		return nil
	}
	lists := make([]*blocklists.Manifest, 0, len(members))
	for _, member := range members {
		lists = append(lists, member.Manifest(manifest))
	}
	return lists
}
