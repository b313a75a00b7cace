package rpz

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Notified hears from primaries that a zone has changed (RFC 1996). It believes nothing of
// what they say but that it is worth asking: a NOTIFY clears nothing and brings nothing.
type Notified struct {
	lists func() []*blocklists.Manifest
	kick  func(blocklists.ListID)
}

// NewNotified makes one that kicks the list whose zone it is.
func NewNotified(lists func() []*blocklists.Manifest, kick func(blocklists.ListID)) *Notified {
	return &Notified{lists: lists, kick: kick}
}

// Notify answers one NOTIFY. No reply is nil.
func (n *Notified) Notify(from netip.Addr, packet []byte) []byte {
	if len(packet) < wire.HeaderSize {
		return nil
	}
	rest, signed, err := split(packet)
	message := new(dns.Msg)
	if err != nil || message.Unpack(rest) != nil || message.Response || message.Opcode != dns.OpcodeNotify || len(message.Question) != 1 {
		return errorReply(packet, dns.RcodeFormatError)
	}
	question := message.Question[0]
	zone, err := wire.ParseName(question.Name)
	if err != nil || question.Qtype != dns.TypeSOA || question.Qclass != dns.ClassINET {
		return errorReply(packet, dns.RcodeFormatError)
	}
	known := false
	for _, list := range n.lists() {
		if !isNamed(list.Source.RPZ+list.Source.Catalog, zone) {
			continue
		}
		known = true
		if session, allowed := n.allows(list, from, packet, signed != nil); allowed {
			n.kick(list.ID)
			return session.sign(noticed(message))
		}
	}
	if known {
		return errorReply(packet, dns.RcodeRefused)
	}
	return errorReply(packet, dns.RcodeNotAuth)
}

// allows: whoever signs with the list's key, and its primaries. Without a signature an
// address is easily forged, which costs a question for a serial; one that does not hold is
// refused, whoever it is from.
func (n *Notified) allows(list *blocklists.Manifest, from netip.Addr, packet []byte, signed bool) (*session, bool) {
	session := new(session)
	if signed {
		key, err := NewKey(list.Source.TSIG)
		if err != nil || key.IsZero() {
			return nil, false
		}
		session.key = key
		_, _, err = session.check(packet)
		return session, err == nil
	}
	for _, text := range list.Source.Primary {
		if primary, err := blocklists.ParsePrimary(text); err == nil && primary.Addr.Addr() == from.Unmap() {
			return session, true
		}
	}
	return nil, false
}

// noticed is the reply to a NOTIFY: the same question (RFC 1996, section 4.7).
func noticed(message *dns.Msg) []byte {
	reply := new(dns.Msg)
	reply.Id, reply.Response, reply.Authoritative, reply.Opcode = message.Id, true, true, dns.OpcodeNotify
	reply.Question = message.Question
	packed, err := reply.Pack()
	if err != nil {
		return nil // the question was read from a packet, so it fits one
	}
	return packed
}

// errorReply is a reply without records: header and, where it can be read, the question.
func errorReply(packet []byte, rcode int) []byte {
	if len(packet) < wire.HeaderSize || packet[2]&0x80 != 0 {
		return nil // a response is not answered
	}
	end := wire.HeaderSize
	count := byte(0)
	var room [wire.MaxName]byte
	if packet[4] == 0 && packet[5] == 1 {
		if _, after, err := wire.ReadName(packet, wire.HeaderSize, &room); err == nil && len(packet) >= after+4 {
			end, count = after+4, 1
		}
	}
	reply := append([]byte(nil), packet[:end]...)
	reply[2] = reply[2]&0x79 | 0x80 // opcode and RD stay
	reply[3] = byte(rcode)
	copy(reply[4:], []byte{0, count, 0, 0, 0, 0, 0, 0})
	return reply
}
