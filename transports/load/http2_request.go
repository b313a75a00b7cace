package load

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// requestBlocks writes the header fields that all requests share, twice: with the second the
// server has them in its table.
func requestBlocks(authority, path string, get bool) (first, later []byte) {
	const media = "application/dns-message"
	fields := []hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: authority},
		{Name: ":path", Value: path}, {Name: "accept", Value: media}, {Name: "content-type", Value: media},
	}
	if get {
		fields = []hpack.HeaderField{
			{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: authority}, {Name: "accept", Value: media},
		}
	}
	var blocks appender
	encoder := hpack.NewEncoder(&blocks)
	for range 2 {
		first = later
		blocks = nil
		for _, field := range fields {
			_ = encoder.WriteField(field) // memory never fails
		}
		later = blocks
	}
	return first, later
}

type appender []byte

func (a *appender) Write(octets []byte) (int, error) {
	*a = append(*a, octets...)
	return len(octets), nil
}

// frame appends a frame's header.
func (e *exchanges) frame(h header) {
	e.writing = append(e.writing, byte(h.length>>16), byte(h.length>>8), byte(h.length), byte(h.kind), byte(h.flags))
	e.writing = binary.BigEndian.AppendUint32(e.writing, h.stream)
}

func (e *exchanges) add(sequence uint32, packet []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == 0 {
		e.base = sequence
	}
	stream := (sequence-e.base)*2 + 1
	e.last = stream
	e.begin(stream)
	e.draining = e.draining || stream > lastOfAll
	e.request(stream, packet)
	switch {
	case e.get:
	case len(e.waiting) > 0 || e.window < int64(len(packet)):
		e.waiting = append(e.waiting, body{stream, packet})
	default:
		e.body(stream, packet)
	}
}

// begin notes a stream. One whose place it takes was given up long ago.
func (e *exchanges) begin(stream uint32) {
	place := e.place(stream)
	if *place != 0 {
		const length = 4
		e.frame(header{length, http2.FrameRSTStream, 0, *place})
		e.writing = binary.BigEndian.AppendUint32(e.writing, uint32(http2.ErrCodeCancel))
		e.streams--
	}
	*place = stream
	e.streams++
}

func (e *exchanges) place(stream uint32) *uint32 { return &e.open[stream>>1&uint32(len(e.open)-1)] }

// request appends the header block. Header fields that differ are written out: for GET the
// path, never to be kept (RFC 7541, section 7.1.3), else the length.
func (e *exchanges) request(stream uint32, packet []byte) {
	const neverPath, plainLength = "\x14", "\x0f\x0d" // :path is 4 of the static table, content-length 28
	block, flags := e.later, http2.FlagHeadersEndHeaders
	if stream == 1 {
		block = e.first
	}
	if e.get {
		flags |= http2.FlagHeadersEndStream
	}
	at := len(e.writing)
	e.frame(header{0, http2.FrameHeaders, flags, stream})
	if e.get { // before the block, since that ends with a field that is none of HTTP's own
		e.writing = append(e.writing, neverPath...)
		e.writing = appendLength(e.writing, len(e.path)+base64.RawURLEncoding.EncodedLen(len(packet)))
		e.writing = append(e.writing, e.path...)
		e.writing = base64.RawURLEncoding.AppendEncode(e.writing, packet)
	}
	e.writing = append(e.writing, block...)
	if !e.get {
		e.writing = append(e.writing, plainLength...)
		digits := len(e.writing)
		e.writing = strconv.AppendInt(append(e.writing, 0), int64(len(packet)), 10)
		e.writing[digits] = byte(len(e.writing) - digits - 1)
	}
	length := len(e.writing) - at - frameHeader
	e.writing[at], e.writing[at+1], e.writing[at+2] = byte(length>>16), byte(length>>8), byte(length)
}

// appendLength writes the length of a string without Huffman's code: an integer with a prefix
// of seven bits (RFC 7541, section 5.1).
func appendLength(to []byte, length int) []byte {
	const prefix, more = 127, 128
	if length < prefix {
		return append(to, byte(length))
	}
	to = append(to, prefix)
	for length -= prefix; length >= more; length /= more {
		to = append(to, byte(length%more|more))
	}
	return append(to, byte(length))
}

func (e *exchanges) body(stream uint32, packet []byte) {
	e.frame(header{len(packet), http2.FrameData, http2.FlagDataEndStream, stream})
	e.writing = append(e.writing, packet...)
	e.window -= int64(len(packet))
}
