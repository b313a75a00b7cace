package main

import (
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// proofs are attacks by what validation has to compute.
func proofs() []attack {
	return []attack{
		{name: "KeyTrap: keys of one tag, P-384", source: "CVE-2023-50387", signed: true, names: 30, fill: func(e *exchange) { e.trap(e.keys.slow) }},
		{name: "KeyTrap: keys of one tag, RSA 4096", source: "CVE-2023-50387", signed: true, names: 30, fill: func(e *exchange) { e.trap(e.keys.large[:colliding]) }},
		{name: "SigJam: one key, many signatures", source: "CVE-2023-50387", signed: true, names: 30, fill: func(e *exchange) { e.trap(e.keys.slow[:1]) }},
		{name: "LockCram: aliases, each with keys by signatures", source: "CVE-2023-50387", signed: true, names: 30, fill: lockCram},
		{name: "HashTrap: digests by keys of one tag", source: "CVE-2023-50387", signed: true, names: 30, fill: hashTrap},
		{name: "valid signatures by the slowest keys", source: "composed", signed: true, names: 30, fill: slowChain},
		{name: "a chain with everything at each link", source: "composed", signed: true, names: 30, fill: everything},
		{name: "NSEC3: 50 iterations, deep name", source: "CVE-2023-50868", signed: true, names: 30, fill: func(e *exchange) { e.hashed(50) }, ask: deep},
		{name: "NSEC3: 2,500 iterations at a delegation", source: "CVE-2026-1519", signed: true, names: 30, fill: func(e *exchange) { e.hashed(2500) }, ask: deep},
		{name: "NSEC with every type there is", source: "composed", signed: true, names: 30, fill: wideTypes},
		{name: "a deep name without signatures", source: "composed", signed: true, names: 30, fill: walk, ask: deep},
		{name: "many signers of each set", source: "composed", signed: true, names: 30, fill: manySigners},
	}
}

func deep(i int) string { return strings.Repeat("a.", 100) + fmt.Sprintf("n%d.evil.", i) }

// isParent says whether the question is one for evil. itself, and answers it: its
// keys, and the referral to each zone below with the digests of the given keys.
func (e *exchange) isParent(entry ...*key) bool {
	switch child := e.child(); {
	case child == "" && e.kind == dns.TypeDNSKEY:
		e.answerSigned("evil.", e.keys.set("evil.", e.keys.usual))
	case child == "":
		e.deny("evil.", dns.RcodeSuccess)
	case e.name == child && e.kind == dns.TypeDS:
		e.answerSigned("evil.", e.keys.ds(child, entry...))
	case e.at == evilServer:
		e.refer(child, 1, "ns%d."+child)
		e.additional("ns0.%s A %s", child, evilAddress(1))
		set := e.keys.ds(child, entry...)
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign("evil.", set, e.keys.usual))
	default:
		return false
	}
	return true
}

// trap has keys of one tag and signatures of that tag, of which none holds.
func (e *exchange) trap(all []*key) {
	if e.isParent(all...) {
		return
	}
	set := records(e.name + " A 192.0.2.1")
	if e.kind == dns.TypeDNSKEY {
		set = e.keys.set(e.name, all...)
	}
	e.reply.Authoritative = true
	e.reply.Answer = append(set, e.keys.forge(e.child(), set, all[0], 60)...)
}

// lockCram proves its keys, and then has each link of a chain of aliases bear
// signatures of keys of one tag; the good one comes last.
func lockCram(e *exchange) {
	if e.isParent(e.keys.usual) {
		return
	}
	e.reply.Authoritative = true
	if e.kind == dns.TypeDNSKEY {
		set := e.keys.set(e.name, append([]*key{e.keys.usual}, e.keys.slow...)...)
		e.reply.Answer = append(set, e.keys.sign(e.name, set, e.keys.usual))
		return
	}
	name := e.name
	for range 11 {
		set := records(name + " CNAME x." + name)
		e.reply.Answer = append(append(e.reply.Answer, set...), e.keys.forge(e.child(), set, e.keys.slow[0], 3)...)
		e.reply.Answer = append(e.reply.Answer, e.keys.sign(e.child(), set, e.keys.slow[0]))
		name = "x." + name
	}
	set := records(name + " A 192.0.2.1")
	e.reply.Answer = append(append(e.reply.Answer, set...), e.keys.forge(e.child(), set, e.keys.slow[0], 4)...)
}

// hashTrap has many digests of one tag, and many large keys of it.
func hashTrap(e *exchange) {
	child := e.child()
	var digests []dns.RR
	for i := range 24 {
		digests = append(digests, &dns.DS{Hdr: header(child, dns.TypeDS), KeyTag: 12345, Algorithm: dns.RSASHA512, DigestType: dns.SHA384, Digest: fmt.Sprintf("%096d", i)})
	}
	switch {
	case child == "" || e.kind == dns.TypeDNSKEY && e.at == evilServer:
		e.isParent(e.keys.usual)
	case e.at == evilServer && e.name == child && e.kind == dns.TypeDS:
		e.answerSigned("evil.", digests)
	case e.at == evilServer:
		e.refer(child, 1, "ns%d."+child)
		e.additional("ns0.%s A %s", child, evilAddress(1))
		e.reply.Ns = append(append(e.reply.Ns, digests...), e.keys.sign("evil.", digests, e.keys.usual))
	case e.kind == dns.TypeDNSKEY:
		set := e.keys.set(e.name, e.keys.large...)
		e.reply.Authoritative, e.reply.Answer = true, set
	default:
		e.answer("%s A 192.0.2.1", e.name)
	}
}

// slowChain signs an alias into the next zone with a slow key, and so on; the last
// link does not hold, which has all of it asked for again.
func slowChain(e *exchange) {
	if e.isParent(e.keys.slow[0]) {
		return
	}
	slow := e.keys.slow[0]
	set := e.keys.set(e.name, slow)
	if e.kind != dns.TypeDNSKEY {
		set = records(e.name + " CNAME x" + e.name)
	}
	e.reply.Authoritative = true
	e.reply.Answer = append(e.reply.Answer, set...)
	if strings.HasPrefix(e.name, strings.Repeat("x", 10)) && e.kind != dns.TypeDNSKEY {
		set = records(e.name + " A 192.0.2.1")
		e.reply.Answer = append(set, e.keys.forge(e.child(), set, slow, 4)...)
		return
	}
	e.reply.Answer = append(e.reply.Answer, e.keys.forge(e.child(), set, slow, 3)...)
	e.reply.Answer = append(e.reply.Answer, e.keys.sign(e.child(), set, slow))
}

// everything makes each link of slowChain dear: thirteen servers of which most refuse
// in costly ways, and a reply with as many records as are read.
func everything(e *exchange) {
	if e.at == evilServer && e.child() != "" && e.kind != dns.TypeDS {
		e.isParent(e.keys.slow[0])
		e.reply.Ns = e.reply.Ns[1:]
		e.reply.Extra = nil
		e.refer(e.child(), 13, "s%d."+e.child())
		for i := range 13 {
			e.additional("s%d.%s A %s", i, e.child(), evilAddress(13*len(e.name)+i))
		}
		return
	}
	opt := e.query.IsEdns0()
	if e.at != evilServer && !e.stream && opt != nil && len(opt.Option) > 0 {
		e.reply.Rcode = dns.RcodeFormatError
		return
	}
	slowChain(e)
	long := strings.Repeat("a.", (250-len(e.name))/2) + e.name
	for i := 0; e.at != evilServer && len(e.reply.Extra) < 240 && i < 240; i++ {
		e.reply.Extra = append(e.reply.Extra, &dns.NS{Hdr: header(long, dns.TypeNS), Ns: fmt.Sprintf("%d%s", i%10, long[1:])})
	}
}

// hashed denies with eight NSEC3 records that need all the hashing there can be.
func (e *exchange) hashed(iterations uint16) {
	child := e.child()
	if e.isParent(e.keys.usual) {
		return
	}
	if e.kind == dns.TypeDNSKEY || e.name == child {
		e.answerSigned(child, e.keys.set(child, e.keys.usual))
		return
	}
	e.deny(child, dns.RcodeNameError)
	e.reply.Ns = append(e.reply.Ns, e.keys.sign(child, e.reply.Ns[:1:1], e.keys.usual))
	for i := range 8 {
		hash := base32.HexEncoding.EncodeToString(fmt.Appendf(nil, "%020d", i))
		next := base32.HexEncoding.EncodeToString(fmt.Appendf(nil, "%020d", i+1))
		set := []dns.RR{&dns.NSEC3{
			Hdr: header(strings.ToLower(hash)+"."+child, dns.TypeNSEC3), Hash: dns.SHA1, Iterations: iterations,
			SaltLength: 255, Salt: strings.Repeat("ab", 255), HashLength: 20, NextDomain: next, TypeBitMap: []uint16{dns.TypeA, dns.TypeRRSIG},
		}}
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign(child, set, e.keys.usual))
	}
}

// wideTypes denies with NSEC records whose lists of types are as long as can be.
func wideTypes(e *exchange) {
	if e.isParent(e.keys.usual) {
		return
	}
	child := e.child()
	if e.kind == dns.TypeDNSKEY {
		e.answerSigned(child, e.keys.set(child, e.keys.usual))
		return
	}
	e.deny(child, dns.RcodeNameError)
	e.reply.Ns = append(e.reply.Ns, e.keys.sign(child, e.reply.Ns[:1:1], e.keys.usual))
	var every []uint16
	for kind := 256; kind < 65280; kind++ {
		every = append(every, uint16(kind))
	}
	for i := range 6 {
		set := []dns.RR{&dns.NSEC{Hdr: header(fmt.Sprintf("w%d.%s", i, child), dns.TypeNSEC), NextDomain: fmt.Sprintf("w%d.%s", i+1, child), TypeBitMap: every}}
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign(child, set, e.keys.usual))
	}
}

// walk gives an unsigned answer at a deep name, and at each label above it a signed
// denial of DS which leaves open whether there is a zone further down.
func walk(e *exchange) {
	if e.isParent(e.keys.usual) {
		return
	}
	child := e.child()
	switch e.kind {
	case dns.TypeDNSKEY:
		e.answerSigned(child, e.keys.set(child, e.keys.usual))
	case dns.TypeDS, dns.TypeNS:
		e.deny(child, dns.RcodeSuccess)
		e.reply.Ns = append(e.reply.Ns, e.keys.sign(child, e.reply.Ns[:1:1], e.keys.usual))
		set := []dns.RR{&dns.NSEC{Hdr: header(e.name, dns.TypeNSEC), NextDomain: "\\000." + e.name, TypeBitMap: []uint16{dns.TypeTXT, dns.TypeRRSIG, dns.TypeNSEC}}}
		e.reply.Ns = append(append(e.reply.Ns, set...), e.keys.sign(child, set, e.keys.usual))
	default:
		e.answer("%s A 192.0.2.1", e.name)
	}
}

// manySigners has every link of a chain signed by zones at each label above it.
func manySigners(e *exchange) {
	if e.isParent(e.keys.usual) {
		return
	}
	if e.kind == dns.TypeDNSKEY || e.kind == dns.TypeDS || e.kind == dns.TypeNS {
		walk(e)
		return
	}
	name := e.name
	for i := range 11 {
		target := fmt.Sprintf("a.b.c.d.e.f.l%d.%s", i, e.child())
		set := records(name + " CNAME " + target)
		e.reply.Authoritative = true
		e.reply.Answer = append(e.reply.Answer, set...)
		for signer := name; signer != e.child() && len(signer) > len(e.child()); signer = signer[strings.IndexByte(signer, '.')+1:] {
			e.reply.Answer = append(e.reply.Answer, e.keys.forge(signer, set, e.keys.usual, 1)...)
		}
		name = target
	}
}
