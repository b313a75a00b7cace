package load

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go/quicvarint"
)

// Frames and streams of HTTP/3 (RFC 9114, sections 6.2 and 7.2) that this client uses.
const (
	dataFrame     = 0x00
	headersFrame  = 0x01
	settingsFrame = 0x04
	controlStream = 0x00
)

// requests is DNS over HTTP/3: as over HTTP/2, with header fields from the static table and as
// literals, since neither side needs a table for so few.
type requests struct {
	get    bool
	path   []byte // for GET, with the query to come
	fields []byte // all that requests share, without the prefix of the block
}

// prefix of a header block that refers to no table but the static one (RFC 9204, section 4.5.1).
const prefix = "\x00\x00"

func newRequests(authority, path string, get bool) requests {
	const media = "application/dns-message"
	fields := []qpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: authority},
		{Name: ":path", Value: path}, {Name: "accept", Value: media}, {Name: "content-type", Value: media},
	}
	if get {
		fields = []qpack.HeaderField{
			{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: authority}, {Name: "accept", Value: media},
		}
	}
	var block appender
	encoder := qpack.NewEncoder(&block)
	for _, field := range fields {
		_ = encoder.WriteField(field) // memory never fails
	}
	return requests{get: get, path: []byte(path + "?dns="), fields: block[len(prefix):]}
}

func (r requests) request(to, packet []byte) []byte {
	const plainPath, plainLength = "\x51", "\x54" // literals whose names are :path and content-length of the static table
	var digits [8]byte
	length := strconv.AppendInt(digits[:0], int64(len(packet)), 10)
	encoded := base64.RawURLEncoding.EncodedLen(len(packet))
	own := len(plainLength) + 1 + len(length)
	if r.get {
		own = len(plainPath) + lengthOf(len(r.path)+encoded) + len(r.path) + encoded
	}
	to = quicvarint.Append(to, headersFrame)
	to = quicvarint.Append(to, uint64(len(prefix)+len(r.fields)+own))
	to = append(to, prefix...)
	if r.get {
		to = append(to, plainPath...)
		to = append(appendLength(to, len(r.path)+encoded), r.path...)
		to = base64.RawURLEncoding.AppendEncode(to, packet)
		return append(to, r.fields...)
	}
	to = append(to, r.fields...)
	to = append(to, plainLength...)
	to = append(append(to, byte(len(length))), length...)
	to = quicvarint.Append(to, dataFrame)
	return append(quicvarint.Append(to, uint64(len(packet))), packet...)
}

// lengthOf is how many octets appendLength takes.
func lengthOf(length int) int {
	var room [8]byte
	return len(appendLength(room[:0], length))
}

// message gives the body of a response with status 200. Bodies of several frames are joined in
// place.
func (r requests) message(octets []byte) []byte {
	var body []byte
	good := false
	for len(octets) > 0 {
		kind, size, err := quicvarint.Parse(octets)
		if err != nil {
			return nil
		}
		octets = octets[size:]
		length, size, err := quicvarint.Parse(octets)
		if err != nil || length > uint64(len(octets)-size) {
			return nil
		}
		payload := octets[size : size+int(length)]
		octets = octets[size+int(length):]
		switch kind {
		case headersFrame:
			good = good || isGood(payload)
		case dataFrame:
			if body == nil {
				body = payload
			} else {
				body = append(body, payload...) // over what was read already
			}
		}
	}
	if !good {
		return nil
	}
	return body
}

// isGood reads the status of a header block; it comes before all other fields.
func isGood(block []byte) bool {
	next := qpack.NewDecoder().Decode(block)
	for {
		field, err := next()
		if err != nil {
			return false
		}
		if field.Name == ":status" {
			return field.Value == "200"
		}
	}
}

// dialHTTP3 also opens the control stream. What the server sends on its own is of no concern:
// without a table of ours it has nothing to say there that a client must obey.
func (r *run) dialHTTP3(ctx context.Context, i int) (carrier, error) {
	s, err := r.dialQUIC(ctx, i, "h3", newRequests(r.authority(), r.path(), r.config.GET))
	if err != nil {
		return nil, err
	}
	control, err := s.conn.OpenUniStreamSync(ctx)
	if err == nil {
		_, err = control.Write([]byte{controlStream, settingsFrame, 0})
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
