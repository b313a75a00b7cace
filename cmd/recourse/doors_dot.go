package main

import (
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/stream"
)

func (n *node) startDoT(opened *doors, service *transports.Service, zones transports.Zones, counts *metrics) error {
	var streams []*stream.Counts
	for _, address := range n.config.Listen.DoT {
		door, err := dot.Listen(dot.Config{
			Address: address, TLS: n.encrypted(dot.Protocol), Zones: zones,
			Proxies: n.config.Listen.ProxyProtocolFrom, Sockets: n.sockets,
		}, service, n.logger)
		if err != nil {
			return err
		}
		*opened = append(*opened, door)
		streams = append(streams, door.Counts())
		n.dot = append(n.dot, door.Addr())
	}
	counts.watchStreams(resolver.TLS, streams)
	return nil
}
