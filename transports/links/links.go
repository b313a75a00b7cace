package links

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Machine gives its own addresses, as clients can reach it.
type Machine struct {
	interfaces func() ([]Interface, error)
	source     func(client netip.Addr) netip.Addr

	mu    sync.Mutex
	known []Interface
	read  time.Time
}

// Interface is the addresses of one, with their networks.
type Interface struct {
	Networks []netip.Prefix // each an own address with the length of its network
}

const (
	// lasting is for how long the interfaces are believed to be as they were.
	lasting = 5 * time.Second
	// maxAddresses bounds what is given of a link.
	maxAddresses = 8
)

// New is this machine.
func New() *Machine { return &Machine{interfaces: system, source: route} }

// Toward gives the addresses by which the client can reach this machine, of both families.
func (m *Machine) Toward(client netip.Addr) []netip.Addr {
	client = client.Unmap().WithZone("")
	if !client.IsValid() {
		return nil
	}
	if client.IsLoopback() {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	all := m.all(time.Now())
	if found := on(all, func(network netip.Prefix) bool { return network.Contains(client) }); found != nil && !client.IsLinkLocalUnicast() {
		return reachable(found)
	}
	own := m.source(client)
	if found := on(all, func(network netip.Prefix) bool { return network.Addr() == own }); found != nil {
		return reachable(found)
	}
	if own.IsValid() {
		return []netip.Addr{own}
	}
	return nil
}

func (m *Machine) all(now time.Time) []Interface {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read.IsZero() || now.Sub(m.read) >= lasting {
		if found, err := m.interfaces(); err == nil { // else what was known is the best that there is
			m.known = found
		}
		m.read = now
	}
	return m.known
}

// on is the interface that has such a network; nil where there is none.
func on(all []Interface, has func(netip.Prefix) bool) *Interface {
	at := slices.IndexFunc(all, func(one Interface) bool { return slices.ContainsFunc(one.Networks, has) })
	if at < 0 {
		return nil
	}
	return &all[at]
}

// reachable are the addresses of an interface that mean something to others on its link.
func reachable(one *Interface) []netip.Addr {
	var found []netip.Addr
	local := slices.ContainsFunc(one.Networks, func(network netip.Prefix) bool { return isLocal6(network.Addr()) })
	for _, network := range one.Networks {
		addr := network.Addr()
		if addr.IsLinkLocalUnicast() || addr.IsLoopback() || local && addr.Is6() && !isLocal6(addr) || len(found) == maxAddresses {
			continue
		}
		found = append(found, addr)
	}
	return found
}

func isLocal6(addr netip.Addr) bool { return addr.Is6() && addr.IsPrivate() }

// system lists the interfaces that are up.
func system() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []Interface
	for i := range all {
		addresses, err := all[i].Addrs()
		if err != nil || all[i].Flags&net.FlagUp == 0 {
			continue // gone meanwhile, or of no use
		}
		var one Interface
		for _, address := range addresses {
			if network, is := address.(*net.IPNet); is {
				one.Networks = append(one.Networks, prefixes(network)...)
			}
		}
		found = append(found, one)
	}
	return found, nil
}

func prefixes(network *net.IPNet) []netip.Prefix {
	addr, ok := netip.AddrFromSlice(network.IP)
	ones, _ := network.Mask.Size()
	if !ok {
		return nil
	}
	return []netip.Prefix{netip.PrefixFrom(addr.Unmap(), ones)}
}

// route is the address that the kernel would send to a client from. Nothing is sent: connecting a
// datagram socket looks the route up.
func route(client netip.Addr) netip.Addr {
	conn, err := net.Dial("udp", netip.AddrPortFrom(client, 9).String())
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
