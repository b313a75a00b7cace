package recurse

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxBeside bounds the records of the authority and of the additional section that
	// go with one answer.
	maxBeside = 64
	// maxServed is how large a message may become with the servers: what goes in one
	// datagram. Addresses give way where there is no room for them.
	maxServed = defaultSize - 11 // of OPT
	maxFull   = maxSize
)

// accompany takes what a positive answer has beside its data: the servers of the zone, and
// addresses of names that they and the data lead to. All of it is the zone's own, and
// for the client alone: no name is ever looked up by it.
func (r *reply) accompany(out *outcome) {
	if !r.full || out.next != "" || out.negative || len(out.records) == 0 {
		return
	}
	last := out.records[len(out.records)-1].Header().Name
	if name, err := wire.ParseName(last); err == nil {
		out.servers = r.serversAbove(name)
	}
	additional := append(slices.Clip(r.additional), signaturesFor(r.additional, r.answer)...)
	for _, target := range leads(slices.Concat(out.records, out.servers)) {
		if !r.owns(target) {
			continue
		}
		for _, kind := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
			found, err := set(additional, target, kind)
			if err == nil && len(out.beside)+len(found) <= maxBeside {
				out.beside = append(out.beside, found...)
			}
		}
	}
}

// serversAbove are the NS records of the authority section that stand at the name or
// above it, those of one zone.
func (r *reply) serversAbove(name wire.Name) []dns.RR {
	for _, candidate := range r.authority {
		if candidate.Header().Rrtype == dns.TypeNS && name.IsBelow(candidate.owner) {
			found, err := set(r.authority, candidate.owner, dns.TypeNS)
			if err != nil || len(found) > maxBeside {
				return nil
			}
			return found
		}
	}
	return nil
}

// leads are the names whose addresses somebody will ask for next (RFC 1035, section
// 3.3; RFC 2782; RFC 9460, section 4.1), each once.
func leads(records []dns.RR) []wire.Name {
	var names []wire.Name
	seen := make(map[wire.Name]bool)
	for _, record := range records {
		name, err := wire.ParseName(leadOf(record))
		if err == nil && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func leadOf(record dns.RR) string {
	switch record := record.(type) {
	case *dns.NS:
		return record.Ns
	case *dns.MX:
		return record.Mx
	case *dns.SRV:
		return record.Target
	case *dns.SVCB:
		return service(record)
	case *dns.HTTPS:
		return service(&record.SVCB)
	}
	return ""
}

// service is where a binding leads: the root stands for its owner (RFC 9460, section 2.5).
func service(binding *dns.SVCB) string {
	if binding.Target == "." && binding.Priority > 0 {
		return binding.Hdr.Name
	}
	return binding.Target
}

// fill puts what goes beside the data into the message, unless that makes it too large:
// better less than over TCP.
func (o *outcome) fill(message *dns.Msg) {
	if len(o.servers)+len(o.beside) == 0 {
		return
	}
	full := *message
	full.Compress = true
	full.Ns = append(full.Ns[:len(full.Ns):len(full.Ns)], o.servers...)
	if full.Len() > maxServed {
		return
	}
	message.Ns = full.Ns
	if full.Extra = o.beside; full.Len() <= maxFull {
		message.Extra = full.Extra
	}
}
