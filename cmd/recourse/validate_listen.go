package main

import (
	"fmt"
	"net/netip"
)

func (c *Config) checkListen() {
	if c.report.isBad("listen") {
		return
	}
	listen := &c.Listen
	if len(listen.Do53)+len(listen.DoT)+len(listen.DoH)+len(listen.DoQ) == 0 {
		c.report.problem("listen.do53", "is missing: where questions come in, as [\"127.0.0.1:5300\"]")
	}
	taken := claims{}
	c.checkDoor(taken, "listen.do53", listen.Do53, "udp", "tcp")
	c.checkDoor(taken, "listen.dot", listen.DoT, "tcp")
	c.checkDoor(taken, "listen.doh", listen.DoH, "tcp", "udp")
	c.checkDoor(taken, "listen.doq", listen.DoQ, "udp")
	c.checkDoor(taken, "listen.web", listen.Web, "tcp")
	c.checkDoor(taken, "listen.web_tls", listen.WebTLS, "tcp")
	c.checkDoor(taken, "listen.metrics", listen.Metrics, "tcp")
	c.checkDoor(taken, "desk.console.listen", c.Desk.Console.Listen, "tcp")
	c.checkDoor(taken, "desk.console.listen_tls", c.Desk.Console.ListenTLS, "tcp")
	c.checkDoor(taken, "block_page.listen", c.BlockPage.Listen, "tcp")
	if address := c.TLS.ACME.Listen; address.IsValid() {
		c.checkSocket(taken, fmt.Sprintf("tcp %d", address.Port()), claim{address.Addr(), "tls.acme.listen"})
	}
	for i, prefix := range listen.ProxyProtocolFrom {
		if prefix.IsValid() && prefix.Bits() == 0 {
			c.report.problem(item("listen.proxy_protocol_from", i), "believes everybody's word on who he is; name the load balancers alone")
		}
	}
	for i, prefix := range listen.WebTrustedProxies {
		if prefix.IsValid() && prefix.Bits() == 0 {
			c.report.problem(item("listen.web_trusted_proxies", i), "believes everybody's word on where a request comes from; name the front ends alone")
		}
	}
	c.checkLimits()
}

// claims is who has taken which, by network and port.
type claims map[string][]claim

type claim struct {
	addr netip.Addr
	path string
}

// checkDoor finds claims that two listeners want. Port 0 is any free port.
func (c *Config) checkDoor(taken claims, path string, addresses []netip.AddrPort, networks ...string) {
	for i, address := range addresses {
		if !address.IsValid() || address.Port() == 0 {
			continue
		}
		for _, network := range networks {
			c.checkSocket(taken, fmt.Sprintf("%s %d", network, address.Port()), claim{address.Addr(), item(path, i)})
		}
	}
}

func (c *Config) checkSocket(taken claims, port string, wanted claim) {
	for _, other := range taken[port] {
		if wanted.addr.Is4() == other.addr.Is4() && (wanted.addr == other.addr || wanted.addr.IsUnspecified() || other.addr.IsUnspecified()) {
			c.report.problem(wanted.path, "%s port %s is taken by %s already", wanted.addr, port, other.path)
			return
		}
	}
	taken[port] = append(taken[port], wanted)
}
