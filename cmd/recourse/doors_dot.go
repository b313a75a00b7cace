package main

import (
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/dot"
)

func (n *node) startDoT(service *transports.Service, zones transports.Zones) error {
	for _, address := range n.config.Listen.DoT {
		door, err := dot.Listen(dot.Config{Address: address, TLS: n.certificates.Server(dot.Protocol), Zones: zones, Sockets: n.sockets}, service, n.logger)
		if err != nil {
			return err
		}
		n.closers = append(n.closers, door)
		n.dot = append(n.dot, door.Addr())
	}
	return nil
}
