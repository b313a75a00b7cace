package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config is what may differ from one Internet to another.
type Config struct {
	// Now is the clock by which signatures are dated; nil is time.Now.
	Now func() time.Time
	// Extra are further zones. One whose origin is built in takes its place. A
	// name server may be any address that no other has a use for, or one of the
	// built-in ones, which then serves the zone too.
	Extra []ZoneSource
	// Conduct is how servers of further zones behave.
	Conduct map[netip.Addr]Conduct
}

// Internet is the miniature Internet. Its methods may be called from several goroutines.
type Internet struct {
	zones   map[wire.Name]*zone
	servers map[netip.Addr]*nameServer
}

// New builds the Internet: the built-in zones and the further ones.
func New(config Config) (*Internet, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	draft := &draft{zones: make(map[wire.Name]*zone), records: make(map[wire.Name][]dns.RR), addresses: make(map[wire.Name][]dns.RR)}
	for _, source := range slices.Concat(config.Extra, world()) {
		if err := draft.read(source, config.Now); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
	}
	draft.link()
	if err := draft.fill(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return &Internet{zones: draft.zones, servers: draft.servers(config.Conduct)}, nil
}

// draft is an Internet while it is built.
type draft struct {
	zones     map[wire.Name]*zone
	records   map[wire.Name][]dns.RR // by zone
	addresses map[wire.Name][]dns.RR // A and AAAA of every zone, by owner
}

// read takes a zone; the first of an origin stays.
func (d *draft) read(source ZoneSource, now func() time.Time) error {
	z, records, err := readZone(source, now)
	if err != nil || d.zones[z.origin] != nil {
		return err
	}
	d.zones[z.origin], d.records[z.origin] = z, records
	for _, rr := range records {
		if kind := rr.Header().Rrtype; kind == dns.TypeA || kind == dns.TypeAAAA {
			d.addresses[nameOf(rr)] = append(d.addresses[nameOf(rr)], rr)
		}
	}
	return nil
}

// link finds the parent of every zone.
func (d *draft) link() {
	for origin, z := range d.zones {
		for above := origin.Parent(); above != "" && z.parent == nil; above = above.Parent() {
			z.parent = d.zones[above]
		}
		if z.parent != nil {
			z.parent.children[origin] = z
		}
	}
}

// fill gives every zone its contents.
func (d *draft) fill() error {
	apex := make(map[wire.Name][]dns.RR)
	for origin, records := range d.records {
		apex[origin] = nameServers(origin, records)
	}
	for origin, z := range d.zones {
		c, err := newContents(z, z.delegate(d.records[origin], apex, d.addresses))
		if err != nil {
			return err
		}
		z.contents.Store(c)
	}
	return nil
}

func nameServers(origin wire.Name, records []dns.RR) []dns.RR {
	return slices.DeleteFunc(slices.Clone(records), func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeNS || nameOf(rr) != origin })
}

// servers puts every zone on the addresses of its name servers.
func (d *draft) servers(conduct map[netip.Addr]Conduct) map[netip.Addr]*nameServer {
	servers := make(map[netip.Addr]*nameServer)
	for origin, z := range d.zones {
		for _, rr := range nameServers(origin, d.records[origin]) {
			target, _ := wire.ParseName(rr.(*dns.NS).Ns)
			for _, record := range d.addresses[target] {
				addr := addressOf(record)
				if servers[addr] == nil {
					servers[addr] = &nameServer{addr: addr, conduct: conductOf(addr, conduct), zones: make(map[wire.Name]*zone)}
				}
				servers[addr].zones[origin] = z
			}
		}
	}
	return servers
}

func conductOf(addr netip.Addr, further map[netip.Addr]Conduct) Conduct {
	if conduct, ok := further[addr]; ok {
		return conduct
	}
	return conducts()[addr.String()]
}

// addressOf is the address in an A or AAAA record.
func addressOf(rr dns.RR) netip.Addr {
	var addr netip.Addr
	switch record := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(record.A)
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(record.AAAA)
	}
	return addr.Unmap()
}

// Exchange asks the name server at an address, without a socket; the port does
// not matter. Where there is none the error is that of an unreachable host. A
// server that does not answer, or only what accept refuses, is waited for until
// the context ends. Accept may be nil.
func (i *Internet) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ask %s: %w", server, err)
	}
	at := i.servers[server.Addr.Addr().Unmap()]
	if at == nil || at.conduct == Nobody {
		return nil, fmt.Errorf("ask %s: %w", server, syscall.EHOSTUNREACH)
	}
	reply := at.respond(query, server.Transport == resolver.OverUDP)
	if reply != nil && (accept == nil || accept(reply)) {
		return reply, nil
	}
	<-ctx.Done()
	return nil, fmt.Errorf("ask %s: %w", server, ctx.Err())
}

// Hints are the root's NS records and the addresses of its servers.
func (i *Internet) Hints() []dns.RR {
	root := i.zones[wire.Root].contents.Load()
	servers := root.nodes[wire.Root].sets[dns.TypeNS]
	r := &reply{message: new(dns.Msg)}
	r.addresses(root, servers)
	return copyAll(slices.Concat(servers, r.message.Extra))
}

// Anchors are the DS records of the root: of the key that signs and of one on standby.
func (i *Internet) Anchors() []dns.RR {
	signers, err := i.zones[wire.Root].delegationSigners()
	if err != nil {
		return nil // nothing can be trusted, and nothing validates
	}
	return copyAll(signers)
}

// Addresses are those of all name servers, in order.
func (i *Internet) Addresses() []netip.Addr {
	var addresses []netip.Addr
	for addr, server := range i.servers {
		if server.conduct != Nobody {
			addresses = append(addresses, addr)
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return addresses
}

func copyAll(records []dns.RR) []dns.RR {
	copies := make([]dns.RR, len(records))
	for i, rr := range records {
		copies[i] = dns.Copy(rr)
	}
	return copies
}
