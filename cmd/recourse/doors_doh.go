package main

import (
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/proxy"
)

func (n *node) startDoH(opened *doors, service *transports.Service) error {
	for _, address := range n.config.Listen.DoH {
		door, err := doh.Listen(doh.Config{
			Address: address, TLS: n.certificates.Server("h2", "http/1.1"),
			Proxies: proxy.Trusted(n.config.Listen.ProxyProtocolFrom), Sockets: n.sockets,
		}, service, n.logger)
		if err != nil {
			return err
		}
		*opened = append(*opened, door)
		n.doh = append(n.doh, door.Addr())
	}
	return nil
}
