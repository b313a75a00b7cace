package policy

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// stead is where in an answer something stands instead of the real thing: at the
// question's name or, where only something that it leads to is withheld, behind the
// aliases to that, which are nobody's to change.
type stead struct {
	owner   wire.Name
	aliases []dns.RR
}

// steadOf finds the place of what a match withholds. Where the answer does not lead
// there by its aliases, it is the question's own name.
func steadOf(query *resolver.Query, match *Match, answer *resolver.Answer) stead {
	asked := stead{owner: query.Question.Name}
	if answer == nil || match.Link.Kind == resolver.Asked || match.Link.Kind == resolver.Asker {
		return asked
	}
	message, err := answer.Unpack()
	if err != nil {
		return asked
	}
	made := stead{owner: query.Question.Name}
	for range maxAliases {
		if match.Link.Kind == resolver.Alias && made.owner == match.Link.Name {
			return made
		}
		if !made.follow(message.Answer) {
			break
		}
	}
	if match.Link.Kind == resolver.Alias {
		return asked
	}
	return made // addresses stand at the end
}

// follow goes one alias further; false: there is none. A DNAME stays beside the
// alias that it made.
func (p *stead) follow(records []dns.RR) bool {
	for i, record := range records {
		alias, is := record.(*dns.CNAME)
		if !is || !isAt(alias, p.owner) {
			continue
		}
		target, err := wire.ParseName(alias.Target)
		if err != nil || slices.ContainsFunc(p.aliases, func(known dns.RR) bool { return isAt(known, target) }) {
			return false
		}
		if i > 0 && records[i-1].Header().Rrtype == dns.TypeDNAME {
			p.keep(records[i-1])
		}
		p.keep(alias)
		p.owner = target
		return true
	}
	return false
}

func (p *stead) keep(record dns.RR) {
	record.Header().Ttl = min(record.Header().Ttl, blockTTL)
	p.aliases = append(p.aliases, record)
}

func isAt(record dns.RR, name wire.Name) bool {
	owner, err := wire.ParseName(record.Header().Name)
	return err == nil && owner == name
}
