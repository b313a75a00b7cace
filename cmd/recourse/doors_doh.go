package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/proxy"
)

func (n *node) startDoH(opened *doors, service *transports.Service) error {
	for _, address := range n.config.Listen.DoH {
		found, err := n.openDoH(opened, address, service)
		if err != nil {
			return err
		}
		n.doh = append(n.doh, found)
	}
	return nil
}

// portTries is how often a port that is free for UDP may be taken for TCP.
const portTries = 8

// openDoH opens both doors of an address: HTTP/3 on the UDP port that has the number of the
// TCP port of the others.
func (n *node) openDoH(opened *doors, address netip.AddrPort, service *transports.Service) (netip.AddrPort, error) {
	var errs []error
	for range portTries {
		found, err := n.tryDoH(opened, address, service)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
		if address.Port() != 0 {
			break
		}
	}
	return address, errors.Join(errs...)
}

// tryDoH opens TCP last: whoever waits for the door tries to connect.
func (n *node) tryDoH(opened *doors, address netip.AddrPort, service *transports.Service) (netip.AddrPort, error) {
	third, err := doh.ListenHTTP3(doh.HTTP3Config{Address: address, TLS: n.encrypted(doh.HTTP3), Sockets: n.sockets}, service, n.logger)
	if err != nil {
		return address, fmt.Errorf("HTTP/3: %w", err)
	}
	found := third.Addr()
	door, err := doh.Listen(doh.Config{
		Address: found, TLS: n.encrypted("h2", "http/1.1"), AltSvc: n.altSvc(found),
		Proxies: proxy.Trusted(n.config.Listen.ProxyProtocolFrom), Sockets: n.sockets,
	}, service, n.logger)
	if err != nil {
		return address, errors.Join(err, third.Close())
	}
	*opened = append(*opened, third, door)
	return found, nil
}

// altSvc tells clients of HTTP/2 where HTTP/3 is (RFC 7838), for a day; "" behind load
// balancers, whose own address does not have it.
func (n *node) altSvc(address netip.AddrPort) string {
	if len(n.config.Listen.ProxyProtocolFrom) > 0 {
		return ""
	}
	return fmt.Sprintf(`%s=":%d"; ma=86400`, doh.HTTP3, address.Port())
}
