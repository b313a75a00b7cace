package main

import (
	"context"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/transports/neighbours"
)

// What is known of clients lies in the state directory sealed, with its key beside it, unless
// systemd hands one out.
const (
	clientsKeyFile       = "clients.key"
	clientsKeyCredential = "recourse-clients-key"
	bindingsFile         = "bindings.sealed"
	devicesFile          = "devices.sealed"
)

// clientele is what is known of clients beside the configuration.
type clientele struct {
	bindings   *bindings.Register
	devices    *devices.Registry
	neighbours *neighbours.Watcher // nil where the system does not tell, and while no door is open
}

// startClients reads what was bound and named before.
func (n *node) startClients(ctx context.Context, held *state) (*clientele, error) {
	key, err := sealed.LoadKey(held.path(clientsKeyFile), clientsKeyCredential)
	if err != nil {
		return nil, err
	}
	known := new(clientele)
	if known.bindings, err = bindings.OpenRegister(held.path(bindingsFile), key, n.logger); err != nil {
		return nil, err
	}
	n.closers = append(n.closers, known.bindings)
	if known.devices, err = devices.Open(held.path(devicesFile), key, n.logger); err != nil {
		return nil, err
	}
	n.closers = append(n.closers, known.devices)
	n.background(ctx, known.bindings.Run)
	n.background(ctx, func(ctx context.Context) { n.sweepDevices(ctx, known.devices) })
	n.watchNeighbours(ctx, known)
	return known, nil
}

// watchNeighbours follows who is on the link. Without it devices are known by their
// addresses and names alone, which is said and keeps nobody from being served.
func (n *node) watchNeighbours(ctx context.Context, known *clientele) {
	if !neighbours.Supported {
		return
	}
	watcher, err := neighbours.Watch(n.logger)
	if err != nil {
		n.logger.Warn("devices on the link are not known by their hardware addresses", "error", err)
		return
	}
	known.neighbours = watcher
	n.background(ctx, watcher.Run)
}

// sweepDevices takes away the names whose time is over.
func (n *node) sweepDevices(ctx context.Context, known *devices.Registry) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			if err := known.Sweep(at); err != nil {
				n.logger.Error("devices whose time is over are still named on the disk", "error", err)
			}
		}
	}
}

// live is the same as policy looks it up.
func (c *clientele) live() *profile.Live {
	live := &profile.Live{Bindings: c.bindings, Devices: c.devices}
	if c.neighbours != nil {
		live.Neighbours = c.neighbours
	}
	return live
}

// calls is the same as the API changes it.
func (c *clientele) calls(config *Config, current *policy.Current) *api.Clients {
	calls := &api.Clients{Bindings: c.bindings, Devices: c.devices, Table: func() *profile.Table { return current.Load().Clients }, Host: config.Listen.Name}
	if c.neighbours != nil {
		calls.Neighbours = func() []api.Neighbour {
			var all []api.Neighbour
			for _, one := range c.neighbours.Devices() {
				all = append(all, api.Neighbour(one))
			}
			return all
		}
	}
	return calls
}
