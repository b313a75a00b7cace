package transports

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// appendBadKey tells who signed a query that nobody here has the key (RFC 8945, section
// 5.2.1): keys are for transfers. The reply is not signed, and no longer than the query.
func appendBadKey(dst, packet []byte, query *resolver.Query, limit int) []byte {
	start := len(dst)
	record, _, err := dns.UnpackRR(packet, query.Signature)
	signed, ok := record.(*dns.TSIG)
	if err != nil || !ok {
		return AppendError(dst, packet, query, wire.RcodeFormat, nil, limit, &Options{})
	}
	dst = AppendError(dst, packet, query, wire.RcodeNotAuth, nil, limit, &Options{})
	unsigned := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: signed.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: signed.Algorithm, TimeSigned: signed.TimeSigned, Fudge: signed.Fudge,
		OrigId: query.ID, Error: dns.RcodeBadKey,
	}
	room := make([]byte, len(packet))
	size, err := dns.PackRR(unsigned, room, 0, nil, false)
	if err != nil || len(dst)-start+size > min(len(packet), limit) {
		return dst
	}
	additional := dst[start+10:]
	binary.BigEndian.PutUint16(additional, binary.BigEndian.Uint16(additional)+1)
	return append(dst, room[:size]...)
}
