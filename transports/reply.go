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

const (
	optSize      = 11 // an OPT record without options
	optionHeader = 4
	codeExtended = 15 // option code of Extended DNS Errors (RFC 8914, section 2)
)

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
func AppendReply(dst, packet []byte, query *resolver.Query, answer *resolver.Answer, limit int) []byte {
	kept := &answer.Plain
	if query.EDNS.DO {
		kept = &answer.Signed
	}
	opt := optLength(query, answer.Extended)
	if len(kept.Wire)+opt <= limit {
		return appendWhole(dst, packet, query, answer, kept, answer.Extended, false)
	}
	if len(kept.Wire)+optLength(query, nil) <= limit {
		return appendWhole(dst, packet, query, answer, kept, nil, true)
	}
	rcode := int(kept.Wire[3] & 0xf)
	dst = appendHeader(dst, packet, query, rcode, wire.FlagTC)
	if optLength(query, answer.Extended)+query.QuestionEnd <= limit {
		return appendOPT(dst, query, rcode, answer.Extended)
	}
	return appendOPT(dst, query, rcode, nil)
}

func appendWhole(dst, packet []byte, query *resolver.Query, answer *resolver.Answer, kept *resolver.Packet, extended []resolver.Extended, cut bool) []byte {
	start := len(dst)
	dst = append(dst, kept.Wire...)
	message := dst[start:]
	// TC of the answer's own is policy's: ask again over TCP.
	flags := binary.BigEndian.Uint16(message[2:])&(0xf|wire.FlagTC|ownAuthority(answer)) | wire.FlagQR | wire.FlagRA | echoed(query) | securityFlag(query, answer)
	if cut {
		flags |= wire.FlagTC
	}
	binary.BigEndian.PutUint16(message, query.ID)
	binary.BigEndian.PutUint16(message[2:], flags)
	copy(message[wire.HeaderSize:], packet[wire.HeaderSize:query.QuestionEnd])
	if age := answer.Age(query.Now); age > 0 {
		countDown(message, kept.TTLs, age)
	}
	if query.EDNS.Present {
		binary.BigEndian.PutUint16(message[10:], binary.BigEndian.Uint16(message[10:])+1)
	}
	return appendOPTRecord(dst, query, 0, extended)
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

// AppendError appends a reply without records: the response code, upper bits in
// OPT, and why. The packet need not have a readable question.
func AppendError(dst, packet []byte, query *resolver.Query, rcode int, extended []resolver.Extended) []byte {
	dst = appendHeader(dst, packet, query, rcode, 0)
	return appendOPT(dst, query, rcode, extended)
}

func appendHeader(dst, packet []byte, query *resolver.Query, rcode int, flags uint16) []byte {
	flags |= uint16(rcode&0xf) | wire.FlagQR | wire.FlagRA | echoed(query) | query.Flags&0x7800 // opcode
	dst = binary.BigEndian.AppendUint16(dst, query.ID)
	dst = binary.BigEndian.AppendUint16(dst, flags)
	if query.QuestionEnd == 0 {
		return append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	dst = append(dst, 0, 1, 0, 0, 0, 0, 0, 0)
	return append(dst, packet[wire.HeaderSize:query.QuestionEnd]...)
}

// appendOPT adds the record and counts it in the header that stands just before.
func appendOPT(dst []byte, query *resolver.Query, rcode int, extended []resolver.Extended) []byte {
	if query.EDNS.Present {
		start := len(dst) - max(query.QuestionEnd, wire.HeaderSize)
		dst[start+11] = 1
	}
	return appendOPTRecord(dst, query, rcode, extended)
}

func appendOPTRecord(dst []byte, query *resolver.Query, rcode int, extended []resolver.Extended) []byte {
	if !query.EDNS.Present {
		return dst
	}
	var do byte
	if query.EDNS.DO {
		do = 0x80
	}
	dst = append(dst, 0, 0, byte(wire.TypeOPT), UDPSize>>8, UDPSize&0xff, byte(rcode>>4), 0, do, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(optLength(query, extended)-optSize))
	for _, one := range extended {
		dst = binary.BigEndian.AppendUint16(dst, codeExtended)
		dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(one.Text)))
		dst = binary.BigEndian.AppendUint16(dst, one.Code)
		dst = append(dst, one.Text...)
	}
	return dst
}

func optLength(query *resolver.Query, extended []resolver.Extended) int {
	if !query.EDNS.Present {
		return 0
	}
	length := optSize
	for _, one := range extended {
		length += optionHeader + 2 + len(one.Text)
	}
	return length
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
