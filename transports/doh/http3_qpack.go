package doh

import (
	"unsafe"

	"golang.org/x/net/http2/hpack"
)

// qpackReader decodes headers without a table (RFC 9204), which is all that our settings allow.
// Fields share memory with the block that they come from, or with the reader.
type qpackReader struct {
	into *fields
	text textRoom
	rest []byte
}

// textRoom takes what is decoded of Huffman's code. It must not move while strings share it.
type textRoom struct {
	room [2 * maxHeaders]byte // the code is shorter by less than that
	used int
}

// Write appends; there is room for all that a header may be.
func (t *textRoom) Write(text []byte) (int, error) {
	n := copy(t.room[t.used:], text)
	t.used += n
	if n < len(text) {
		return n, errTable
	}
	return n, nil
}

// read decodes a whole header.
func (q *qpackReader) read(block []byte) error {
	*q.into = fields{decoder: q.into.decoder, request: request{length: -1}}
	q.text.used, q.rest = 0, block
	if required, ok := q.number(8); !ok || required != 0 { // what would be in a table
		return errTable
	}
	if _, ok := q.number(7); !ok { // a base, of nothing
		return errTable
	}
	for len(q.rest) > 0 {
		if !q.field() {
			return errTable
		}
		if q.into.tooMany() {
			return nil
		}
	}
	q.into.check()
	return nil
}

// field decodes one (section 4.5).
func (q *qpackReader) field() bool {
	switch first := q.rest[0]; {
	case first&0xc0 == 0xc0: // a static field
		index, ok := q.number(6)
		if !ok || index >= uint64(len(static3)) {
			return false
		}
		q.into.add(static3[index])
		return true
	case first&0xd0 == 0x50: // a static name
		index, ok := q.number(4)
		if !ok || index >= uint64(len(static3)) {
			return false
		}
		return q.value(static3[index].Name)
	case first&0xe0 == 0x20: // a name of its own
		name, ok := q.string(3)
		return ok && q.value(name)
	}
	return false // of a table
}

func (q *qpackReader) value(name string) bool {
	value, ok := q.string(7)
	if ok {
		q.into.add(hpack.HeaderField{Name: name, Value: value})
	}
	return ok
}

// number decodes an integer that begins with the last bits of an octet (RFC 7541, section
// 5.1). None that we could want is longer than three octets.
func (q *qpackReader) number(bits uint) (uint64, bool) {
	if len(q.rest) == 0 {
		return 0, false
	}
	most := uint64(1)<<bits - 1
	value := uint64(q.rest[0]) & most
	q.rest = q.rest[1:]
	if value < most {
		return value, true
	}
	for shift := 0; shift <= 14 && len(q.rest) > 0; shift += 7 {
		octet := q.rest[0]
		q.rest = q.rest[1:]
		value += uint64(octet&0x7f) << shift
		if octet&0x80 == 0 {
			return value, true
		}
	}
	return 0, false
}

// string decodes a string whose length has so many bits of its first octet, before which
// stands whether it is in Huffman's code.
func (q *qpackReader) string(bits uint) (string, bool) {
	if len(q.rest) == 0 {
		return "", false
	}
	coded := q.rest[0]>>bits&1 == 1
	length, ok := q.number(bits)
	if !ok || length > uint64(len(q.rest)) {
		return "", false
	}
	text := q.rest[:length]
	q.rest = q.rest[length:]
	if coded {
		before := q.text.used
		if _, err := hpack.HuffmanDecode(&q.text, text); err != nil {
			return "", false
		}
		text = q.text.room[before:q.text.used]
	}
	return unsafe.String(unsafe.SliceData(text), len(text)), true
}
