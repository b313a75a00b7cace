package main

import (
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/dot"
)

func (n *node) startDoT(opened *doors, service *transports.Service, zones transports.Zones, counts *metrics) error {
	for _, address := range n.config.Listen.DoT {
		door, err := dot.Listen(dot.Config{
			Address: address, TLS: n.certificates.Server(dot.Protocol), Zones: zones, Sockets: n.sockets,
		}, service, n.logger)
		if err != nil {
			return err
		}
		*opened = append(*opened, door)
		counts.watchStream(resolver.TLS, door.Addr(), door.Counts())
		n.dot = append(n.dot, door.Addr())
	}
	return nil
}
