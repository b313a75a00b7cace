package main

import (
	"strings"

	"github.com/miekg/dns"
)

// respond answers as a server of the given level does. Nil: no answer.
func (w *world) respond(at level, packet []byte) []byte {
	query := new(dns.Msg)
	if err := query.Unpack(packet); err != nil || len(query.Question) != 1 || query.Response {
		return nil
	}
	reply := new(dns.Msg).SetReply(query)
	reply.Compress = true
	opt := query.IsEdns0()
	w.fill(reply, at, opt != nil && opt.Do())
	if opt != nil {
		reply.SetEdns0(1232, opt.Do())
	}
	out, err := reply.Pack()
	if err != nil {
		return nil
	}
	return out
}

// fill writes answer and authority (RFC 1034, section 4.3.2).
func (w *world) fill(reply *dns.Msg, at level, secure bool) {
	question := reply.Question[0]
	name, kind := strings.ToLower(question.Name), question.Qtype
	zone, ok := w.cut(name, at)
	if !ok {
		reply.Rcode = dns.RcodeRefused
		return
	}
	add := adder{w, secure && w.signer != nil, zone}
	if child, ok := w.cut(name, at+1); at < leaf && ok && (name != child || kind != dns.TypeDS) {
		w.refer(reply, add, child)
		return
	}
	reply.Authoritative = true
	set, err := w.set(zone, name, kind)
	switch {
	case err != nil:
		reply.Rcode = dns.RcodeServerFailure
	case len(set) > 0:
		reply.Answer = add.to(reply.Answer, set)
	default:
		w.deny(reply, add, name)
	}
}

// refer delegates to a child: name server, glue and the digest of its key.
func (w *world) refer(reply *dns.Msg, add adder, child string) {
	server, address := w.server(child)
	header := dns.RR_Header{Name: child, Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: ttl}
	reply.Ns = append(reply.Ns, &dns.NS{Hdr: header, Ns: server})
	if add.secure {
		if set, err := w.set(add.zone, child, dns.TypeDS); err == nil {
			reply.Ns = add.to(reply.Ns, set)
		}
	}
	glue, err := dns.NewRR(server + " 3600 A " + address)
	if err == nil {
		reply.Extra = append(reply.Extra, glue)
	}
}

// deny says that there is no such type or no such name.
func (w *world) deny(reply *dns.Msg, add adder, name string) {
	if soa, err := w.set(add.zone, add.zone, dns.TypeSOA); err == nil {
		reply.Ns = add.to(reply.Ns, soa)
	}
	nsec := w.nsec(add.zone, name)
	if nsec.Hdr.Name != name {
		reply.Rcode = dns.RcodeNameError
	}
	if !add.secure {
		return
	}
	reply.Ns = add.to(reply.Ns, []dns.RR{nsec})
	// No wildcard either: what would be before it stands at the apex, since a star
	// sorts before letters. The apex' own record covers it.
	if apex := w.nsec(add.zone, add.zone); reply.Rcode == dns.RcodeNameError && apex.Hdr.Name != nsec.Hdr.Name {
		reply.Ns = add.to(reply.Ns, []dns.RR{apex})
	}
}

// adder appends sets of a zone with their signatures.
type adder struct {
	world  *world
	secure bool
	zone   string
}

func (a adder) to(section, set []dns.RR) []dns.RR {
	section = append(section, set...)
	if !a.secure {
		return section
	}
	signature, err := a.world.signer.sign(a.zone, set)
	if err != nil {
		return section // the resolver will say that it is missing
	}
	return append(section, signature)
}
