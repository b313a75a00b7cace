package transports

import (
	"encoding/binary"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// UDPSize is the payload size that we advertise and never exceed over UDP: it
// fits every path without fragments (RFC 9715).
const UDPSize = 1232

// plainUDPSize is the limit for a client without EDNS (RFC 1035, section 4.2.1).
const plainUDPSize = 512

const optSize = 11 // an OPT record without options

// Limit is how large a UDP reply to the query may be.
func Limit(query *resolver.Query) int {
	if !query.EDNS.Present {
		return plainUDPSize
	}
	return min(max(int(query.EDNS.Size), plainUDPSize), UDPSize)
}

// AppendReply appends the answer to dst as a reply to the query in packet, at
// most limit octets: ID, flags and casing are the query's, TTLs are counted down,
// OPT is added if the query had one.
func AppendReply(dst, packet []byte, query *resolver.Query, answer *resolver.Answer, limit int, options *Options) []byte {
	kept := &answer.Plain
	if query.EDNS.DO {
		kept = &answer.Signed
	}
	room := limit - options.size(query)
	why := reasonsFor(query, answer.Extended)
	if len(kept.Wire)+why.size() > room { // what was not asked for gives way first (RFC 2181, section 9)
		bare := kept.Bare()
		kept = &bare
	}
	why, fits := why.within(room - len(kept.Wire))
	switch {
	case fits:
		return appendWhole(dst, packet, query, answer, kept, why, limit, options)
	case len(kept.Wire) <= room:
		start := len(dst)
		dst = appendWhole(dst, packet, query, answer, kept, why, limit, options)
		dst[start+2] |= byte(wire.FlagTC >> 8)
		return dst
	}
	return appendBare(dst, packet, query, int(kept.Wire[3]&0xf), wire.FlagTC, reasonsFor(query, answer.Extended), limit, options)
}

func appendWhole(dst, packet []byte, query *resolver.Query, answer *resolver.Answer, kept *resolver.Packet, why reasons, limit int, options *Options) []byte {
	start := len(dst)
	dst = append(dst, kept.Wire...)
	message := dst[start:]
	// TC of the answer's own is policy's: ask again over TCP.
	flags := binary.BigEndian.Uint16(message[2:])&(0xf|wire.FlagTC|ownAuthority(answer)) | wire.FlagQR | wire.FlagRA | echoed(query) | securityFlag(query, answer)
	binary.BigEndian.PutUint16(message, query.ID)
	binary.BigEndian.PutUint16(message[2:], flags)
	copy(message[wire.HeaderSize:], packet[wire.HeaderSize:query.QuestionEnd])
	if age := answer.Age(query.Now); age > 0 {
		countDown(message, kept.TTLs, age)
	}
	if most, capped := query.TTLCap(); capped {
		capTTLs(message, kept.TTLs, most)
	}
	return appendOPT(dst, start, query, 0, why, limit, options)
}

func countDown(message []byte, offsets []uint16, age uint32) {
	for _, offset := range offsets {
		field := message[offset:]
		if ttl := wire.TTL(field); ttl > age {
			wire.PutTTL(field, ttl-age)
		} else {
			wire.PutTTL(field, 0)
		}
	}
}

// capTTLs lowers what is higher. What is above the highest TTL means zero (RFC 2181, section 8).
func capTTLs(message []byte, offsets []uint16, most uint32) {
	for _, offset := range offsets {
		if field := message[offset:]; wire.TTL(field) > most {
			wire.PutTTL(field, most)
		}
	}
}

// AppendError appends a reply without records: the response code, upper bits in
// OPT, and why. The packet need not have a readable question. What does not fit of the
// reasons is left out, with TC set.
func AppendError(dst, packet []byte, query *resolver.Query, rcode int, extended []resolver.Extended, limit int, options *Options) []byte {
	return appendBare(dst, packet, query, rcode, 0, reasonsFor(query, extended), limit, options)
}

// appendBare appends header, question and OPT.
func appendBare(dst, packet []byte, query *resolver.Query, rcode int, flags uint16, why reasons, limit int, options *Options) []byte {
	start := len(dst)
	why, fits := why.within(limit - max(query.QuestionEnd, wire.HeaderSize) - options.size(query))
	if !fits {
		flags |= wire.FlagTC
	}
	flags |= uint16(rcode&0xf) | wire.FlagQR | wire.FlagRA | echoed(query) | query.Flags&0x7800 // opcode
	dst = binary.BigEndian.AppendUint16(dst, query.ID)
	dst = binary.BigEndian.AppendUint16(dst, flags)
	if query.QuestionEnd == 0 {
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	} else {
		dst = append(dst, 0, 1, 0, 0, 0, 0, 0, 0)
		dst = append(dst, packet[wire.HeaderSize:query.QuestionEnd]...)
	}
	return appendOPT(dst, start, query, rcode, why, limit, options)
}

// appendOPT ends the message that begins at start with an OPT record, if the query had
// one, and counts it.
func appendOPT(dst []byte, start int, query *resolver.Query, rcode int, why reasons, limit int, options *Options) []byte {
	if !query.EDNS.Present {
		return dst
	}
	additional := dst[start+10:]
	binary.BigEndian.PutUint16(additional, binary.BigEndian.Uint16(additional)+1)
	var do byte
	if query.EDNS.DO {
		do = 0x80
	}
	dst = append(dst, 0, 0, byte(wire.TypeOPT), UDPSize>>8, UDPSize&0xff, byte(rcode>>4), 0, do, 0, 0, 0)
	data := len(dst)
	dst = why.append(dst)
	dst = options.append(dst, start, limit)
	binary.BigEndian.PutUint16(dst[data-2:], uint16(len(dst)-data))
	return dst
}

// echoed are the flags that a reply copies from its query.
func echoed(query *resolver.Query) uint16 { return query.Flags & (wire.FlagRD | wire.FlagCD) }

// ownAuthority is AA where an answer may have it: what is told of this resolver, by itself
// (RFC 9606, section 3). AA of other servers' replies says nothing of ours.
func ownAuthority(answer *resolver.Answer) uint16 {
	if answer.Origin == resolver.Local {
		return wire.FlagAA
	}
	return 0
}

// securityFlag is AD for an answer that was validated, to a client that knows it.
func securityFlag(query *resolver.Query, answer *resolver.Answer) uint16 {
	if answer.Security == resolver.Secure && query.WantsAD() {
		return wire.FlagAD
	}
	return 0
}
