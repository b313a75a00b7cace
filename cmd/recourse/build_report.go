package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
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

// toldDoors are the ways to ask, without the addresses, which say nothing to a client behind
// another one.
func (c *Config) toldDoors() []public.Door {
	var doors []public.Door
	add := func(name string, addresses []netip.AddrPort, more string) {
		if len(addresses) > 0 {
			doors = append(doors, public.Door{Name: name, Detail: portsOf(addresses) + more})
		}
	}
	certified, path := "", ""
	if c.Listen.Name != "" {
		certified, path = ", with a certificate for "+c.Listen.Name, ", https://"+c.Listen.Name+doh.Path
	}
	add(public.PlainDoor, c.Listen.Do53, "")
	add("DNS over TLS", c.Listen.DoT, certified)
	add("DNS over HTTPS (HTTP/2 and HTTP/3)", c.Listen.DoH, path)
	add("DNS over QUIC", c.Listen.DoQ, certified)
	return doors
}

func portsOf(addresses []netip.AddrPort) string {
	var ports []string
	for _, address := range addresses {
		if port := fmt.Sprint(address.Port()); !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	if len(ports) == 1 {
		return "port " + ports[0]
	}
	return "ports " + strings.Join(ports, ", ")
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
		Mail:     c.Desk.Mail.SMTP != "", OnCall: c.OnCall.Mail != "" || c.OnCall.Webhooks(),
	}
}

// deviations are where the configuration does less than what is usual.
func (c *Config) deviations(now time.Time) []string {
	r := &c.Resolver
	var said []string
	say := func(is bool, text string) {
		if is {
			said = append(said, text)
		}
	}
	say(r.DNSSEC != "validate", "Answers are not validated with DNSSEC: a forged one is not noticed.")
	say(r.DNSSEC == "validate" && r.TrustAnchors == noAnchors, "DNSSEC has no trust anchor here, so that nothing is validated.")
	say(!r.ValidationTime.IsZero(), "Signatures are judged as if it were another time. That is for tests.")
	say(c.Bundle.Guard == "off", "The safeguards that hold lists which block too much are off. That is for tests.")
	say(!r.EDE, "Answers do not say that and why they were withheld. Look the name up on our pages.")
	say(len(r.Snoop) > 0, "Some networks may ask what is in the cache: names that others asked for, and not who.")
	for _, anchor := range r.NegativeTrustAnchors {
		say(anchor.Until.IsZero() || anchor.Until.After(now), "Below "+anchor.Zone+" answers are not validated for the time being, because its owner made a mistake.")
	}
	return said
}
