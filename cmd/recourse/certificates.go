package main

import (
	"context"
	"net/netip"
	"net/url"
	"slices"

	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// startCertificates makes what the encrypted doors and the web present, where there are any.
func (n *node) startCertificates(ctx context.Context, held *state) error {
	if !n.config.Encrypted() {
		return nil
	}
	made, err := tlsconf.New(n.config.certificates(held.dir), n.logger)
	if err != nil {
		return err
	}
	n.certificates = made
	n.background(ctx, made.Run)
	return nil
}

// reloadCertificates looks at once for what would be seen within seconds anyway.
func (n *node) reloadCertificates() {
	if n.certificates == nil {
		return
	}
	if err := n.certificates.Reload(); err != nil {
		n.logger.Error("a certificate is not replaced; the one in use stays", "error", err)
	}
}

// Encrypted says whether anything listens that needs a certificate.
func (c *Config) Encrypted() bool {
	listen := &c.Listen
	return len(listen.DoT)+len(listen.DoH)+len(listen.DoQ)+len(listen.WebTLS) > 0
}

// certificates is where they come from, as the program opens the files.
func (c *Config) certificates(state string) tlsconf.Config {
	made := tlsconf.Config{State: state, Names: []string{"localhost"}, Addresses: c.ownAddresses()}
	if portal, err := url.Parse(c.Operator.Portal); err == nil && portal.Hostname() != "" {
		if addr, err := netip.ParseAddr(portal.Hostname()); err != nil {
			made.Names = slices.Compact([]string{portal.Hostname(), "localhost"})
		} else if !slices.Contains(made.Addresses, addr) {
			made.Addresses = append(made.Addresses, addr)
		}
	}
	for _, pair := range c.TLS.pairs() {
		made.Pairs = append(made.Pairs, tlsconf.Pair{Certificate: c.File(pair.Certificate), Key: c.File(pair.Key)})
	}
	return made
}

// pairs are the files of certificates, the first one first.
func (c *Certificates) pairs() []CertificatePair {
	var pairs []CertificatePair
	if c.CertificatePair != (CertificatePair{}) {
		pairs = append(pairs, c.CertificatePair)
	}
	return append(pairs, c.More...)
}

// ownAddresses are those that clients come to, plain ones included: who discovers a door
// by the address of the plain one verifies that address (RFC 9462, section 4.2). A
// listener on all addresses stands for loopback alone, since the others come and go.
func (c *Config) ownAddresses() []netip.Addr {
	var addrs []netip.Addr
	listen := &c.Listen
	for _, address := range slices.Concat(listen.Do53, listen.DoT, listen.DoH, listen.DoQ, listen.WebTLS) {
		addr := address.Addr().WithZone("")
		switch {
		case !addr.IsUnspecified():
		case addr.Is4():
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		default:
			addr = netip.IPv6Loopback()
		}
		if addr.IsValid() && !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
