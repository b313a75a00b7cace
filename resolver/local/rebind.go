package local

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Rebinding says which addresses a public name must not lead to.
type Rebinding struct {
	// Addresses are those of the networks that are protected. None: no protection.
	Addresses []netip.Prefix
	// Names are at or above those that may have such addresses.
	Names []wire.Name
	// DNS64 is the prefix of the network's NAT64, through which IPv4 is reached.
	DNS64 netip.Prefix
}

// Stage takes the protected addresses, and hints of them, out of the answers for
// public names, so that a page of a stranger cannot make a browser speak to the
// machines around it. It stands above validation and below DNS64 and the cache.
func (r Rebinding) Stage(next resolver.Handler) resolver.Handler {
	if len(r.Addresses) == 0 {
		return next
	}
	guard := &guard{rules: r, nats: []prefix64{{wellKnown}, {r.DNS64}}}
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		answer, err := next.Resolve(ctx, query)
		// The question decides, not the name at the end of its aliases: an alias to an
		// internal name would else be the way in.
		if err != nil || within(query.Question.Name, r.Names) {
			return answer, err
		}
		return guard.judge(query, answer)
	})
}

// wellKnown is the prefix that any NAT64 may translate (RFC 6052, section 2.1).
var wellKnown = netip.MustParsePrefix("64:ff9b::/96")

type guard struct {
	rules Rebinding
	nats  []prefix64
}

// removedTTL bounds what is said of a name whose addresses were all taken out, in
// seconds: its owner may mend it any moment.
const removedTTL = 60

func (g *guard) judge(query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	seen := answer.Message()
	if seen == nil {
		var err error
		if seen, err = answer.Unpack(); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(seen.Answer, g.isBad) && !slices.ContainsFunc(seen.Extra, g.isBad) {
		return answer, nil
	}
	message, err := aged(answer, query.Now)
	if err != nil {
		return nil, err
	}
	message.AuthenticatedData = false
	message.Answer, message.Extra = g.cleaned(message.Answer), g.cleaned(message.Extra)
	if message.Rcode == dns.RcodeSuccess && !hasData(message) {
		message.Ns = []dns.RR{soa(lastName(query.Question.Name, message.Answer), removedTTL)}
	}
	clean := remade(query, answer, message)
	clean.TTL = min(clean.TTL, removedTTL*time.Second)
	return clean.Explained(resolver.Extended{Code: other, Text: "private addresses were left out of this answer"}), nil
}

// isBad says whether a record has a protected address in it.
func (g *guard) isBad(record dns.RR) bool {
	switch record := record.(type) {
	case *dns.A:
		return g.isProtected(record.A)
	case *dns.AAAA:
		return g.isProtected(record.AAAA)
	case *dns.SVCB:
		return slices.ContainsFunc(record.Value, g.hintsBad)
	case *dns.HTTPS:
		return slices.ContainsFunc(record.Value, g.hintsBad)
	}
	return false
}

// isProtected looks at an address in all forms by which a client behind us can
// reach it: as it is, mapped, and through the NAT64.
func (g *guard) isProtected(address net.IP) bool {
	addr, ok := netip.AddrFromSlice(address)
	if !ok {
		return false
	}
	forms := []netip.Addr{addr, addr.Unmap()}
	for _, nat := range g.nats {
		if embedded, ok := nat.extract(addr); ok {
			forms = append(forms, embedded)
		}
	}
	return slices.ContainsFunc(g.rules.Addresses, func(network netip.Prefix) bool { return slices.ContainsFunc(forms, network.Contains) })
}

func (g *guard) hintsBad(value dns.SVCBKeyValue) bool {
	switch value := value.(type) {
	case *dns.SVCBIPv4Hint:
		return slices.ContainsFunc(value.Hint, g.isProtected)
	case *dns.SVCBIPv6Hint:
		return slices.ContainsFunc(value.Hint, g.isProtected)
	}
	return false
}

// cleaned is a section without the addresses, and without the signatures over sets
// that have changed. The records may be changed.
func (g *guard) cleaned(section []dns.RR) []dns.RR {
	var kept, changed []dns.RR
	for _, record := range section {
		if !g.isBad(record) {
			kept = append(kept, record)
			continue
		}
		changed = append(changed, record)
		if g.unhinted(record) {
			kept = append(kept, record)
		}
	}
	return slices.DeleteFunc(kept, func(record dns.RR) bool {
		signature, is := record.(*dns.RRSIG)
		return is && slices.ContainsFunc(changed, func(rr dns.RR) bool {
			return rr.Header().Rrtype == signature.TypeCovered && sameName(rr.Header().Name, signature.Hdr.Name)
		})
	})
}

// unhinted takes the hints out of a service binding; false where nothing of use is
// left of the record: an address, or a binding that says a client must know a hint
// (RFC 9460, section 8).
func (g *guard) unhinted(record dns.RR) bool {
	switch record := record.(type) {
	case *dns.SVCB:
		record.Value = g.withoutHints(record.Value)
		return isWhole(record.Value)
	case *dns.HTTPS:
		record.Value = g.withoutHints(record.Value)
		return isWhole(record.Value)
	}
	return false
}

func (g *guard) withoutHints(values []dns.SVCBKeyValue) []dns.SVCBKeyValue {
	var kept []dns.SVCBKeyValue
	for _, value := range values {
		switch hints := value.(type) {
		case *dns.SVCBIPv4Hint:
			if hints.Hint = slices.DeleteFunc(slices.Clone(hints.Hint), g.isProtected); len(hints.Hint) == 0 {
				continue
			}
		case *dns.SVCBIPv6Hint:
			if hints.Hint = slices.DeleteFunc(slices.Clone(hints.Hint), g.isProtected); len(hints.Hint) == 0 {
				continue
			}
		}
		kept = append(kept, value)
	}
	return kept
}

// isWhole holds a service binding to its list of mandatory keys.
func isWhole(values []dns.SVCBKeyValue) bool {
	for _, value := range values {
		mandatory, is := value.(*dns.SVCBMandatory)
		if !is {
			continue
		}
		for _, key := range mandatory.Code {
			if !slices.ContainsFunc(values, func(value dns.SVCBKeyValue) bool { return value.Key() == key }) {
				return false
			}
		}
	}
	return true
}

// hasData says whether the question is answered by more than aliases.
func hasData(message *dns.Msg) bool {
	asked := message.Question[0].Qtype
	return slices.ContainsFunc(message.Answer, func(record dns.RR) bool {
		kind := record.Header().Rrtype
		return kind == asked || asked == wire.TypeANY && kind != dns.TypeRRSIG
	})
}

// lastName is where the aliases of an answer end.
func lastName(name wire.Name, records []dns.RR) wire.Name {
	for _, record := range records {
		if alias, is := record.(*dns.CNAME); is {
			if target, err := wire.ParseName(alias.Target); err == nil {
				name = target
			}
		}
	}
	return name
}

func sameName(one, other string) bool { return dns.CanonicalName(one) == dns.CanonicalName(other) }
