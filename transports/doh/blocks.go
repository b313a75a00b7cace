package doh

import (
	"net/http"
	"strconv"
	"time"
)

// Places in the static table of header fields (RFC 7541, appendix A).
const (
	indexStatus        = 8
	indexAllow         = 22
	indexCacheControl  = 24
	indexContentLength = 28
	indexContentType   = 31
	indexDate          = 33
	indexRetryAfter    = 53
)

// indexedOK is `:status: 200` whole.
const indexedOK = 0x80 | 8

// blocks are the headers of all responses, encoded ahead but for date, length and lifetime.
// They use no table, so that they are the same for every connection whatever its state.
type blocks [statuses][]byte

func newBlocks(altSvc string) *blocks {
	made := new(blocks)
	for verdict := range made {
		made[verdict] = encode(status(verdict), altSvc)
	}
	return made
}

func encode(verdict status, altSvc string) []byte {
	if verdict == statusOK {
		block := appendField([]byte{indexedOK}, indexContentType, MediaType)
		return appendAltSvc(block, altSvc)
	}
	block := appendField(nil, indexStatus, strconv.Itoa(verdict.code()))
	block = appendField(block, indexContentType, "text/plain; charset=utf-8")
	block = appendField(block, indexCacheControl, "no-store")
	block = appendField(block, indexContentLength, strconv.Itoa(len(verdict.text())))
	switch verdict {
	case statusMethod:
		block = appendField(block, indexAllow, allowed)
	case statusUnavailable:
		block = appendField(block, indexRetryAfter, retryAfter)
	}
	return appendAltSvc(block, altSvc)
}

// appendReplyFields appends what is of one reply alone. Its lengths are of one octet.
func appendReplyFields(block, reply []byte) []byte {
	block = append(block, 0x0f, indexContentLength-15, 0)
	at := len(block)
	block = strconv.AppendUint(block, uint64(len(reply)), 10)
	block[at-1] = byte(len(block) - at)
	block = append(block, 0x0f, indexCacheControl-15, 0)
	at = len(block)
	block = appendCacheControl(block, reply)
	block[at-1] = byte(len(block) - at)
	return block
}

// appendField appends a literal without indexing whose name is in the static table.
func appendField(block []byte, index uint8, value string) []byte {
	if index < 15 {
		block = append(block, index)
	} else {
		block = append(block, 0x0f, index-15)
	}
	return appendString(block, value)
}

func appendAltSvc(block []byte, value string) []byte {
	if value == "" {
		return block
	}
	return appendString(appendString(append(block, 0), "alt-svc"), value)
}

// appendString appends a string that is not Huffman-coded: to decode it costs the client
// less than the few octets more.
func appendString(block []byte, value string) []byte {
	length := len(value)
	if length < 127 {
		block = append(block, byte(length))
	} else {
		block = append(block, 127)
		for length -= 127; length >= 128; length >>= 7 {
			block = append(block, byte(length)|0x80)
		}
		block = append(block, byte(length))
	}
	return append(block, value...)
}

// date is the field of that name, which a server with a clock sends (RFC 9110, section 6.6.1).
type date struct {
	second int64
	field  []byte
}

func (d *date) append(block []byte, now time.Time) []byte {
	if second := now.Unix(); second != d.second || d.field == nil {
		d.second = second
		d.field = append(d.field[:0], 0x0f, indexDate-15, byte(len(http.TimeFormat)))
		d.field = now.UTC().AppendFormat(d.field, http.TimeFormat)
	}
	return append(block, d.field...)
}
