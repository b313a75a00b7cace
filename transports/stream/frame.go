package stream

import (
	"encoding/binary"
	"errors"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// prefix is the length that stands before each message (RFC 1035, section 4.2.2).
	prefix = 2
	// maxMessage is the largest message that the length allows.
	maxMessage = 1<<16 - 1
)

// errIncomplete says that more octets must come before there is a message.
var errIncomplete = errors.New("the message is not complete")

// next takes the first message off the data. A message that is shorter than a header is
// wire.ErrShort: nothing after it can be trusted to be a length.
func next(data []byte) (message, rest []byte, err error) {
	if len(data) < prefix {
		return nil, data, errIncomplete
	}
	end := prefix + int(binary.BigEndian.Uint16(data))
	if end < prefix+wire.HeaderSize {
		return nil, data, wire.ErrShort
	}
	if len(data) < end {
		return nil, data, errIncomplete
	}
	return data[prefix:end], data[end:], nil
}

// framed puts its length before the message that was appended after start and two octets
// of room. Where there is none the room goes too.
func framed(data []byte, start int) []byte {
	size := len(data) - start - prefix
	if size < wire.HeaderSize {
		return data[:start]
	}
	binary.BigEndian.PutUint16(data[start:], uint16(size))
	return data
}
