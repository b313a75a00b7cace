package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/stream"
)

// startDoors opens all doors over one service: the same chain, bounds and counts behind
// each of them.
func (n *node) startDoors(ctx context.Context, resolved *resolution, zones transports.Zones, counts *metrics) error {
	limits, err := n.limits()
	if err != nil {
		return err
	}
	service := transports.NewService(resolved.serving, transports.NewGate(limits), counts, n.logger).Named(n.config.Listen.NSID).Structured(n.config.Resolver.Structured.Option)
	counts.watchGate(service.Gate)
	n.background(ctx, newRelief(service.Gate).run)
	n.watchAddresses(ctx, counts)
	opened := new(doors)
	n.closers = append(n.closers, opened)
	if err := n.startDo53(opened, service, zones, counts); err != nil {
		return err
	}
	if err := n.startDoT(opened, service, zones, counts); err != nil {
		return err
	}
	if err := n.startDoH(opened, service); err != nil {
		return err
	}
	return n.startDoQ(opened, service, zones)
}

// doors are closed at the same time: each gives what waits for its answer a moment.
type doors []io.Closer

// Close closes all.
func (d *doors) Close() error {
	errs := make([]error, len(*d))
	var group sync.WaitGroup
	for i, door := range *d {
		group.Go(func() { errs[i] = door.Close() })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (n *node) startDo53(opened *doors, service *transports.Service, zones transports.Zones, counts *metrics) error {
	var servers []*do53.Server
	var streams []*stream.Counts
	for _, address := range n.config.Listen.Do53 {
		door, err := do53.Listen(do53.Config{Address: address, Zones: zones, Proxies: n.config.Listen.ProxyProtocolFrom, Sockets: n.sockets}, service, n.logger)
		if err != nil {
			return err
		}
		*opened = append(*opened, door)
		servers = append(servers, door)
		streams = append(streams, door.TCP().Counts())
		n.do53 = append(n.do53, door.Addr())
	}
	counts.watchStreams(resolver.TCP, streams)
	counts.counter("recourse_udp_overflows_total", "UDP packets that the kernel dropped because they were not read in time.", func() int64 {
		total := int64(0)
		for _, door := range servers {
			total += door.Overflows()
		}
		return total
	})
	return nil
}
