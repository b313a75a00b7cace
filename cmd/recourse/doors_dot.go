package main

import (
	"crypto/tls"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/dot"
)

func (n *node) startDoT(service *transports.Service, zones transports.Zones) error {
	if len(n.config.Listen.DoT) == 0 {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(n.config.File(n.config.TLS.Certificate), n.config.File(n.config.TLS.Key))
	if err != nil {
		return err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{dot.Protocol}, Certificates: []tls.Certificate{pair}}
	for _, address := range n.config.Listen.DoT {
		door, err := dot.Listen(dot.Config{Address: address, TLS: config, Zones: zones, Sockets: n.sockets}, service, n.logger)
		if err != nil {
			return err
		}
		n.closers = append(n.closers, door)
		n.dot = append(n.dot, door.Addr())
	}
	return nil
}
