package doh

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// appendCacheControl appends the value of Cache-Control for a reply. It is the client's
// alone whatever it says: what one client is answered, another may be denied.
func appendCacheControl(dst, reply []byte) []byte {
	seconds, kept := freshness(reply)
	if !kept {
		return append(dst, "no-store"...)
	}
	return strconv.AppendUint(append(dst, "private, max-age="...), uint64(seconds), 10)
}

// freshness is for how many seconds a reply may be kept (RFC 8484, section 5.1): the least
// TTL of its answer section, and where its data end in a negative answer no longer than
// that lasts (RFC 2308, section 5). False: not at all, as of a failure.
func freshness(reply []byte) (uint32, bool) {
	if len(reply) < wire.HeaderSize || binary.BigEndian.Uint16(reply[2:])&wire.FlagTC != 0 {
		return 0, false
	}
	if rcode := reply[3] & 0xf; rcode != wire.RcodeSuccess && rcode != wire.RcodeNameError {
		return 0, false
	}
	least, found := uint32(math.MaxUint32), false
	for record, err := range wire.Records(reply) {
		switch {
		case err != nil:
			return 0, false
		case record.Section == wire.AnswerSection:
			least, found = min(least, ttl(record.TTL)), true
		case record.Section == wire.Additional:
			return least, found
		case record.Type == wire.TypeSOA && len(record.Data) >= 20:
			minimum := binary.BigEndian.Uint32(record.Data[len(record.Data)-4:])
			least, found = min(least, ttl(record.TTL), ttl(minimum)), true
		}
	}
	return least, found
}

// ttl reads a TTL with its top bit set as zero (RFC 2181, section 8).
func ttl(value uint32) uint32 {
	if value > math.MaxInt32 {
		return 0
	}
	return value
}
