package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	public "github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/doh"
)

// deployment is what the configuration comes to, as far as anybody outside is told.
func (c *Config) deployment() *public.Deployment {
	made := &public.Deployment{
		Operator: c.Operator, Canaries: c.Canaries.On(), Clients: c.Clients, Profiles: len(c.Profiles),
		Doors: c.toldDoors(), Resolver: c.toldResolver(), Keeps: c.toldKeeps(), Deviations: c.deviations(time.Now()),
	}
	for _, list := range c.Loadable() {
		made.Lists = append(made.Lists, list.Manifest)
	}
	for i := range c.Desk.Tokens {
		if token := &c.Desk.Tokens[i]; token.Role == "authority" && !slices.Contains(made.Authorities, token.Authority) {
			made.Authorities = append(made.Authorities, token.Authority)
		}
	}
	return made
}

// disclose makes what the portal says of a configuration, in every language.
func (n *node) disclose(config *Config) error {
	teller, err := public.NewTeller(config.languageFiles())
	if err != nil {
		return err
	}
	n.disclosed.Store(teller.Disclosures(config.deployment()))
	return nil
}

// policyIn is what the portal says of the running configuration.
func (n *node) policyIn(tag string) *public.Statement { return n.disclosed.Load().In(tag) }

// toldDoors are the ways to ask, without the addresses, which say nothing to a client behind
// another one.
func (c *Config) toldDoors() []public.Door {
	var doors []public.Door
	add := func(kind public.DoorKind, addresses []netip.AddrPort, name, address string) {
		if len(addresses) > 0 {
			doors = append(doors, public.Door{Kind: kind, Ports: portsOf(addresses), Name: name, Address: address})
		}
	}
	address := ""
	if c.Listen.Name != "" {
		address = "https://" + c.Listen.Name + doh.Path
	}
	add(public.PlainDoor, c.Listen.Do53, "", "")
	add(public.TLSDoor, c.Listen.DoT, c.Listen.Name, "")
	add(public.HTTPSDoor, c.Listen.DoH, "", address)
	add(public.QUICDoor, c.Listen.DoQ, c.Listen.Name, "")
	return doors
}

// portsOf are the ports of addresses, each once.
func portsOf(addresses []netip.AddrPort) []uint16 {
	var ports []uint16
	for _, address := range addresses {
		if !slices.Contains(ports, address.Port()) {
			ports = append(ports, address.Port())
		}
	}
	return ports
}

func (c *Config) toldResolver() public.Resolver {
	r := &c.Resolver
	made := public.Resolver{
		Zones: len(r.Zones), Validates: r.DNSSEC == "validate", Minimises: r.QNAMEMinimisation, MixesCase: r.RandomiseCase, NSEC: r.AggressiveNSEC,
		Encrypts: r.Opportunistic != "off", Local: r.LocalZones != "none", DNS64: r.DNS64.IsValid(), Rebinding: len(r.PrivateAddresses) > 0,
		ReportsToOwn: r.ErrorReporting, PassesOn: c.ServeRPZ.Zone != "",
	}
	if r.Mode == "forward" {
		for _, upstream := range r.Forward {
			made.Forward = append(made.Forward, toldUpstream(&upstream.Server))
		}
	}
	return made
}

// toldUpstream names a resolver that we ask. Of its path nothing is said: it may hold a key.
func toldUpstream(server *resolver.Server) string {
	who := server.Name
	if who == "" {
		who = server.Addr.Addr().String()
	}
	return fmt.Sprintf("%s (%s)", who, server.Transport)
}

func (c *Config) toldKeeps() public.Keeps {
	return public.Keeps{
		CacheOnDisk: c.Resolver.PersistCache, Stale: c.Resolver.ServeStale.UpTo, ClientRate: c.Listen.RateLimit.PerClient > 0 || c.Listen.ResponseRateLimit.PerNetwork > 0,
		Bindings: slices.ContainsFunc(c.Desk.Tokens, func(t Token) bool { return t.Role == "provisioning" }),
		Devices:  slices.ContainsFunc(c.Clients, func(client profile.Client) bool { return len(client.Match.MAC) > 0 }),
		Mail:     c.Desk.Mail.SMTP != "", OnCall: c.OnCall.Mail != "" || c.OnCall.Webhooks(), Contacts: c.Desk.Retention.Contacts,
	}
}

// deviations are where the configuration does less than what is usual.
func (c *Config) deviations(now time.Time) []public.Deviation {
	r := &c.Resolver
	var said []public.Deviation
	say := func(is bool, kind public.DeviationKind) {
		if is {
			said = append(said, public.Deviation{Kind: kind})
		}
	}
	say(r.DNSSEC != "validate", public.Unvalidated)
	say(r.DNSSEC == "validate" && r.TrustAnchors == noAnchors, public.Unanchored)
	say(!r.ValidationTime.IsZero(), public.OtherTime)
	say(c.Bundle.Guard == "off", public.Unguarded)
	say(!r.EDE, public.Unexplained)
	say(len(r.Snoop) > 0, public.Snooped)
	for _, anchor := range r.NegativeTrustAnchors {
		if anchor.Until.IsZero() || anchor.Until.After(now) {
			said = append(said, public.Deviation{Kind: public.Unsigned, Zone: anchor.Zone})
		}
	}
	return said
}
