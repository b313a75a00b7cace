package recurse

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Stub is a zone whose authoritative servers are configured. What is asked of
// them are ordinary iterative questions, and they may delegate further down.
type Stub struct {
	Zone    wire.Name
	Servers []resolver.Server
	// First falls back to iteration where none of the servers gives an answer.
	First bool
}

// Forward is a zone whose names are resolved by somebody else, with recursion.
type Forward struct {
	Zone    wire.Name
	Handler resolver.Handler
	// First falls back to iteration where the handler fails.
	First bool
}

// configured are the zones with servers of their own, by name.
type configured struct {
	stubs    map[wire.Name]*delegation
	forwards map[wire.Name]Forward
}

func newConfigured(config *Config) (configured, error) {
	zones := configured{stubs: make(map[wire.Name]*delegation), forwards: make(map[wire.Name]Forward)}
	for _, stub := range config.Stubs {
		if len(stub.Servers) == 0 {
			return zones, fmt.Errorf("stub zone %s: no server", stub.Zone)
		}
		zones.stubs[stub.Zone] = &delegation{zone: stub.Zone, parent: stub.Zone.Parent(), servers: stub.Servers, first: stub.First, trusted: true}
	}
	for _, forward := range config.Forwards {
		if zones.stubs[forward.Zone] != nil {
			return zones, fmt.Errorf("zone %s: both stub and forwarded", forward.Zone)
		}
		zones.forwards[forward.Zone] = forward
	}
	return zones, nil
}

// closest is the longest configured zone at or above the name: a stub, or a
// forward, or neither.
func (c configured) closest(name wire.Name) (stub *delegation, forward *Forward) {
	for ; name != ""; name = name.Parent() {
		if found := c.stubs[name]; found != nil {
			return found, nil
		}
		if found, ok := c.forwards[name]; ok {
			return nil, &found
		}
	}
	return nil, nil
}

// elsewhere tells the names below a zone that belong to a longer configured zone.
func (c configured) elsewhere(zone wire.Name) func(wire.Name) bool {
	if len(c.stubs)+len(c.forwards) == 0 {
		return nil
	}
	return func(name wire.Name) bool {
		stub, forward := c.closest(name)
		switch {
		case stub != nil:
			return len(stub.zone) > len(zone)
		case forward != nil:
			return len(forward.Zone) > len(zone)
		}
		return false
	}
}

// side is the name whose zone holds data of a type: DS stands in the parent
// (RFC 4035, section 3.1.4.1).
func side(name wire.Name, qtype uint16) wire.Name {
	if qtype == dns.TypeDS && name != wire.Root {
		return name.Parent()
	}
	return name
}

// forwarded hands the question to the handler of its zone; nil where there is
// none, or where iteration may take over. What the reply says of names outside
// that zone is not read: bailiwick holds here as anywhere (MaginotDNS).
func (r *resolution) forwarded(ctx context.Context, name wire.Name, qtype uint16) (*outcome, error) {
	_, forward := r.zones.closest(side(name, qtype))
	if forward == nil {
		return nil, nil
	}
	answer, err := forward.Handler.Resolve(ctx, r.query.Sub(name, qtype))
	if err == nil {
		var message *dns.Msg
		var out *outcome
		if message, err = answer.Unpack(); err == nil {
			clean := newReply(message, forward.Zone)
			clean.isElsewhere, clean.resolved, clean.full = r.zones.elsewhere(forward.Zone), true, r.config.Full
			if out, err = clean.walk(name, qtype); err == nil {
				clean.accompany(out)
			}
		}
		if err == nil {
			out.zone = ""
			r.shared.explain(answer.Extended)
			return out, nil
		}
	}
	if forward.First && isUnanswered(ctx, err) {
		return nil, nil
	}
	return nil, err
}
