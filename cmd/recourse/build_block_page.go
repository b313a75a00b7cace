package main

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/portal"
	"github.com/recourse-dns/recourse/redress/route"
)

// addresses are those that answers of the form page give.
func (b *BlockPage) addresses() []netip.Addr { return slices.Concat(b.IPv4, b.IPv6) }

// bareBlockPage is the block page of a node that has no desk: it shows reasons, which lists and orders have, and
// no cases. To a pass it leads as to all else, by the desk's page of the reason.
func (n *node) bareBlockPage(current *policy.Current, resolved *resolution) error {
	kit, err := n.config.pageKit(n.logger)
	if err != nil {
		return err
	}
	limited := route.Behind(n.config.Listen.WebTrustedProxies)
	shown, err := portal.New(portal.Config{Limited: limited, Passes: n.passes.forPages()}, kit, nil, func() portal.Index { return current.Load() }, resolved.unfiltered)
	if err != nil {
		return err
	}
	n.blockPage = shown.BlockPage()
	return nil
}

// errBlockPage ends a handshake at an address of the block page.
var errBlockPage = errors.New("this is an address of the block page, where nobody is shown a certificate of ours")

// encrypted is what our certificates are shown with, but at no address of the block page: whoever comes there
// wants another's site, and would take it for forged. A listener of all addresses is there, too.
func (n *node) encrypted(protocols ...string) *tls.Config {
	config, pages := n.certificates.Server(protocols...), n.config.BlockPage.addresses()
	if len(pages) == 0 {
		return config
	}
	before := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if isAt(hello.Conn, pages) {
			reset(hello.Conn)
			return nil, errBlockPage
		}
		if before == nil {
			return nil, nil
		}
		return before(hello)
	}
	return config
}

func isAt(conn net.Conn, addresses []netip.Addr) bool {
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return err == nil && slices.Contains(addresses, local.Addr().Unmap().WithZone(""))
}

// reset ends a TCP connection at once, so that a browser says that there is nothing, and not that
// something is wrong with a certificate.
func reset(conn net.Conn) {
	if lingering, is := conn.(interface{ SetLinger(seconds int) error }); is {
		_ = lingering.SetLinger(0) // where it fails the connection closes without
		conn.Close()
	}
}

func (c *Config) checkBlockPage() {
	for i, address := range c.BlockPage.IPv4 {
		if address.IsValid() && !address.Is4() {
			c.report.problem(item("block_page.ipv4", i), "%s is not an IPv4 address", address)
		}
	}
	for i, address := range c.BlockPage.IPv6 {
		if address.IsValid() && !address.Is6() {
			c.report.problem(item("block_page.ipv6", i), "%s is not an IPv6 address", address)
		}
	}
	for i, address := range c.BlockPage.Listen {
		if port := address.Port(); port == 443 {
			c.report.problem(item("block_page.listen", i), "port 443 is where browsers expect a certificate of the blocked site, which nobody may have: the page is for plain HTTP, at port 80")
		}
	}
	for path, listeners := range map[string][]netip.AddrPort{"listen.dot": c.Listen.DoT, "listen.doh": c.Listen.DoH, "listen.doq": c.Listen.DoQ, "listen.web_tls": c.Listen.WebTLS} {
		for i, listener := range listeners {
			if slices.Contains(c.BlockPage.addresses(), listener.Addr()) {
				c.report.problem(item(path, i), "%s is an address of block_page: there our certificate would be shown for another's name; listen elsewhere", listener.Addr())
			}
		}
	}
	if acme := c.TLS.ACME.Listen; acme.IsValid() && slices.Contains(c.BlockPage.addresses(), acme.Addr()) {
		c.report.problem("tls.acme.listen", "%s is an address of block_page: there our certificate would be shown for another's name; listen elsewhere", acme.Addr())
	}
}

// checkPlainPortal: what people write to us must not travel the Internet in the clear.
func (c *Config) checkPlainPortal(host string) {
	if address, err := netip.ParseAddr(host); err == nil && isPublic(address) {
		c.report.problem("operator.portal", "%s is a public address, and http:// sends what people write in the clear: have a certificate (tls, listen.web_tls), and write https://", host)
		return
	}
	for i, listener := range c.Listen.Web {
		if isPublic(listener.Addr()) {
			c.report.problem("operator.portal", "is http://, and listen.web[%d] is at the public address %s, so that what people write travels in the clear: have a certificate (tls, listen.web_tls), and write https://", i, listener.Addr())
			return
		}
	}
}

// isPublic says whether an address is one of the Internet.
func isPublic(address netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	address = address.Unmap()
	return address.IsGlobalUnicast() && !address.IsPrivate() && !shared.Contains(address)
}
