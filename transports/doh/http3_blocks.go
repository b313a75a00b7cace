package doh

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/quicvarint"
)

// Places in the static table of QPACK (RFC 9204, appendix A).
const (
	static3Length  = 4
	static3Date    = 6
	static3Status  = 24
	static3OK      = 25
	static3Control = 36
	static3Message = 44 // content-type: application/dns-message
	static3Text    = 54 // content-type: text/plain;charset=utf-8
)

// prefix3 begins a header that refers to nothing in a table of the connection's (section 4.5.1).
var prefix3 = []byte{0, 0}

// headRoom is what is left before a reply for all that comes before it in its response.
const headRoom = 128

// blocks3 are the responses, as far as they can be made ahead. They are the same for all connections.
type blocks3 struct {
	refusals [statuses][]byte // whole, but for the body
	room     [headRoom]byte
	date     atomic.Pointer[date3]
}

// date3 is the field of that name in one second.
type date3 struct {
	second int64
	field  []byte
}

func newBlocks3() *blocks3 {
	made := new(blocks3)
	for verdict := range made.refusals {
		made.refusals[verdict] = refusal3(status(verdict))
	}
	return made
}

func refusal3(verdict status) []byte {
	block := append([]byte(nil), prefix3...)
	block = appendField3(block, static3Status, strconv.Itoa(verdict.code()))
	block = appendIndexed3(block, static3Text)
	block = appendField3(block, static3Control, "no-store")
	block = appendField3(block, static3Length, strconv.Itoa(len(verdict.text())))
	switch verdict {
	case statusMethod:
		block = appendLiteral3(block, "allow", allowed)
	case statusUnavailable:
		block = appendLiteral3(block, "retry-after", retryAfter)
	}
	return appendFrame3(nil, frameHeaders, block)
}

// appendRefusal appends the response that says so; its header alone in answer to HEAD.
func (b *blocks3) appendRefusal(dst []byte, verdict status, headOnly bool) []byte {
	dst = append(dst, b.refusals[verdict]...)
	if headOnly {
		return dst
	}
	return appendFrame3(dst, frameData, []byte(verdict.text()))
}

// finish writes the header of a reply into the room before it, and closes the gap that is
// left in front: the response begins at start, the reply at body.
func (b *blocks3) finish(response []byte, start, body int) []byte {
	reply := response[body:]
	var made [headRoom]byte
	block := append(made[:0], 0, 0, 0, 0, 0) // for type and length of the frame, and the prefix
	block = appendIndexed3(block, static3OK)
	block = appendIndexed3(block, static3Message)
	block = appendNumber3(block, static3Length, uint64(len(reply)))
	block = appendControl3(block, reply)
	block = append(block, b.dateField()...)
	block[0] = frameHeaders
	length := len(block) - 3
	block[1], block[2] = 0x40|byte(length>>8), byte(length) // a length of two octets
	block = quicvarint.Append(append(block, frameData), uint64(len(reply)))
	copy(response[start:], block)
	copy(response[start+len(block):], reply)
	return response[:start+len(block)+len(reply)]
}

func (b *blocks3) dateField() []byte {
	now := time.Now()
	known := b.date.Load()
	if known == nil || known.second != now.Unix() {
		known = &date3{second: now.Unix(), field: appendField3(nil, static3Date, now.UTC().Format(http.TimeFormat))}
		b.date.Store(known)
	}
	return known.field
}

// appendIndexed3 appends a field that is in the static table whole (section 4.5.2).
func appendIndexed3(block []byte, index byte) []byte { return append(block, 0xc0|index) }

// appendName3 appends a name that is in the static table, for a value to follow (section 4.5.4).
func appendName3(block []byte, index byte) []byte {
	if index < 15 {
		return append(block, 0x50|index)
	}
	return append(block, 0x5f, index-15)
}

func appendField3(block []byte, index byte, value string) []byte {
	return appendString(appendName3(block, index), value) // strings are as in HPACK
}

// appendLiteral3 appends a field that has nothing in the table (section 4.5.6).
func appendLiteral3(block []byte, name, value string) []byte {
	if len(name) < 7 {
		block = append(block, 0x20|byte(len(name)))
	} else {
		block = append(block, 0x27, byte(len(name)-7))
	}
	return appendString(append(block, name...), value)
}

// appendNumber3 appends a field whose value is a number.
func appendNumber3(block []byte, index byte, number uint64) []byte {
	block = append(appendName3(block, index), 0)
	at := len(block)
	block = strconv.AppendUint(block, number, 10)
	block[at-1] = byte(len(block) - at)
	return block
}

func appendControl3(block, reply []byte) []byte {
	block = append(appendName3(block, static3Control), 0)
	at := len(block)
	block = appendCacheControl(block, reply)
	block[at-1] = byte(len(block) - at)
	return block
}
