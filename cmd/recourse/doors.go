package main

import (
	"context"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/do53"
)

// startDoors opens all doors over one service: the same chain, bounds and counts behind
// each of them.
func (n *node) startDoors(ctx context.Context, resolved *resolution, zones transports.Zones, counts *metrics) error {
	limits, err := n.limits()
	if err != nil {
		return err
	}
	service := transports.NewService(resolved.serving, transports.NewGate(limits), counts, n.logger).Named(n.config.Listen.NSID)
	counts.watchGate(service.Gate)
	n.background(ctx, newRelief(service.Gate).run)
	if err := n.startDo53(service, zones); err != nil {
		return err
	}
	if err := n.startDoT(service, zones); err != nil {
		return err
	}
	if err := n.startDoH(service); err != nil {
		return err
	}
	return n.startDoQ(service, zones)
}

func (n *node) startDo53(service *transports.Service, zones transports.Zones) error {
	for _, address := range n.config.Listen.Do53 {
		door, err := do53.Listen(do53.Config{Address: address, Zones: zones, Sockets: n.sockets}, service, n.logger)
		if err != nil {
			return err
		}
		n.closers = append(n.closers, door)
		n.do53 = append(n.do53, door.Addr())
	}
	return nil
}
