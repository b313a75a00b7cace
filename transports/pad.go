package transports

import (
	"encoding/binary"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// paddedQuery is what the size of a query to an encrypted server is a multiple of
// (RFC 8467, section 4.1).
const paddedQuery = 128

// PadQuery gives the query with padding, so that its size says little of the name in it. It
// is for encrypted transports only. A query without OPT cannot be padded, one that ends with
// something else, as a signature, must not be; both come back as they are, and so does one
// that is padded already.
func PadQuery(query []byte) []byte {
	opt, found := lastOPT(query)
	if !found || isPadded(opt.Data) {
		return query
	}
	size := len(query) + wire.OptionHeader
	padding := (paddedQuery - size%paddedQuery) % paddedQuery
	length := len(opt.Data) + wire.OptionHeader + padding
	if size+padding > 1<<16-1 || length > 1<<16-1 {
		return query
	}
	padded := make([]byte, size+padding)
	copy(padded, query)
	binary.BigEndian.PutUint16(padded[opt.DataOffset-2:], uint16(length))
	binary.BigEndian.PutUint16(padded[len(query):], wire.OptionPadding)
	binary.BigEndian.PutUint16(padded[len(query)+2:], uint16(padding))
	return padded
}

// lastOPT finds the OPT record, if it is the last one and nothing follows it.
func lastOPT(query []byte) (opt wire.Record, found bool) {
	for record, err := range wire.Records(query) {
		if err != nil {
			return opt, false
		}
		opt, found = record, record.Type == wire.TypeOPT && record.Section == wire.Additional
	}
	return opt, found && opt.DataOffset+len(opt.Data) == len(query)
}

func isPadded(data []byte) bool {
	for option, err := range wire.Options(data) {
		if err == nil && option.Code == wire.OptionPadding {
			return true
		}
	}
	return false
}
