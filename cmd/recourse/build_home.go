package main

import (
	"net/netip"
	"slices"

	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/transports/links"
)

// pagesToward gives the addresses at which a client reaches the pages.
func (c *Config) pagesToward(machine *links.Machine) func(client netip.Addr) []netip.Addr {
	listeners := slices.Concat(c.Listen.Web, c.Listen.WebTLS)
	return func(client netip.Addr) []netip.Addr { return servedAt(listeners, machine.Toward(client)) }
}

// localPortal is the portal's name where nobody else can answer for it: in home.arpa, in internal, and
// where the operator says that it is his own.
func (c *Config) localPortal(machine *links.Machine) local.Portal {
	name := hostOf(c.Operator.Portal)
	if name == "" || !local.MayHold(name, parsedNames(c.Resolver.PrivateNames)) {
		return local.Portal{}
	}
	return local.Portal{Name: name, Toward: c.pagesToward(machine)}
}

// servedAt are those of a machine's addresses at which some listener of the pages is.
func servedAt(listeners []netip.AddrPort, own []netip.Addr) []netip.Addr {
	var found []netip.Addr
	for _, addr := range own {
		if slices.ContainsFunc(listeners, func(listener netip.AddrPort) bool { return listensAt(listener.Addr(), addr) }) {
			found = append(found, addr)
		}
	}
	return found
}

func listensAt(listener, addr netip.Addr) bool {
	return listener == addr || listener.IsUnspecified() && listener.Is4() == addr.Is4()
}
