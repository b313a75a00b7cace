package main

import (
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
)

func (n *node) startDoQ(opened *doors, service *transports.Service, zones transports.Zones) error {
	for _, address := range n.config.Listen.DoQ {
		door, err := doq.Listen(doq.Config{
			Address: address, TLS: n.encrypted(doq.Protocol), Zones: zones, Sockets: n.sockets,
		}, service, n.logger)
		if err != nil {
			return err
		}
		*opened = append(*opened, door)
		n.doq = append(n.doq, door.Addr())
	}
	return nil
}
