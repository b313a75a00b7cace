package transports

import (
	"encoding/binary"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/rate"
)

// visitor is what is known of a client before its question is looked at.
type visitor struct {
	rate.Client
	admitted bool
	baked    bool // the cookie that it brought is ours, and its own
	options  Options
}

// meet finds out who asks, and what the reply's OPT record is to say. A handshake has
// proved the address, on every door but UDP.
func (s *Service) meet(query *resolver.Query, packet []byte) visitor {
	client, edns := &query.Client, &query.EDNS
	met := visitor{Client: rate.Client{Addr: client.Addr, Proven: client.Door != resolver.UDP}}
	met.admitted, met.Shared = s.admits(*client)
	if !edns.Present {
		return met
	}
	s.bake(query, &met, packet)
	query.Structured = edns.EmptyError || s.structured != 0 && edns.Asks(packet, s.structured)
	if edns.NSID {
		met.options.NSID = s.nsid
	}
	if edns.KeepAlive && (client.Door == resolver.TCP || client.Door == resolver.TLS) {
		met.options.KeepAlive = query.Idle
	}
	met.options.Padded = edns.Padded && client.Encrypted()
	return met
}

// bake checks the cookie that a query brought, and puts one into the reply: the same while
// it is fresh.
func (s *Service) bake(query *resolver.Query, met *visitor, packet []byte) {
	if s.limits.Cookies == nil || query.EDNS.Cookie.Size == 0 {
		return
	}
	client, server := query.EDNS.Cookie.Client(packet), query.EDNS.Cookie.Server(packet)
	standing := s.limits.Cookies.Check(client, server, met.Addr, query.Now)
	met.baked = standing != cookie.Unproven
	met.Proven = met.Proven || met.baked
	met.options.HasCookie = true
	if standing == cookie.Proven {
		copy(met.options.Cookie[copy(met.options.Cookie[:], client):], server)
		return
	}
	s.limits.Cookies.Append(met.options.Cookie[:0], client, met.Addr, query.Now)
}

// The sorts of replies that are counted beside response codes.
const (
	sortEmpty byte = 16 + iota
	sortLarge
)

// largeReply is from where on an answer is worth forging a query for: it is several times as long.
const largeReply = 512

// kindOf says as what a reply counts, if at all: failures alike, denials by the zone that
// they are about, as nearly as the name tells, other replies by name. An answer of ordinary
// size does not count, as it is what clients behind one address all have to ask for; nor
// does one that only says to come by TCP.
func kindOf(reply []byte, question *wire.Question) (rate.Kind, bool) {
	flags, answers := binary.BigEndian.Uint16(reply[2:]), binary.BigEndian.Uint16(reply[6:])
	rcode := byte(flags & 0xf)
	switch {
	case rcode == wire.RcodeNameError, rcode == wire.RcodeServerFailure:
		return rate.Kind{Sort: rcode, Name: lastLabels(question.Name, 2)}, true
	case rcode != wire.RcodeSuccess:
		return rate.Kind{Sort: rcode}, true
	case flags&wire.FlagTC != 0:
		return rate.Kind{}, false
	case answers == 0:
		return rate.Kind{Sort: sortEmpty, Name: question.Name}, true
	case len(reply) > largeReply:
		return rate.Kind{Sort: sortLarge, Name: question.Name}, true
	}
	return rate.Kind{}, false
}

func lastLabels(name wire.Name, count int) wire.Name {
	for range name.Labels() - count {
		name = name.Parent()
	}
	return name
}
