package doq

import (
	"encoding/binary"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// What clients do wrong in all that they send on a stream.
var (
	errShort     = violation("a stream ended before its query")
	errMore      = violation("more than one query on a stream")
	errID        = violation("the ID of a message is not 0")
	errKeepAlive = violation("a query has edns-tcp-keepalive")
)

// messageOf takes the one message out of all that came on a stream (RFC 9250, section 4.2).
func messageOf(data []byte) ([]byte, error) {
	if len(data) < lengthSize+wire.HeaderSize {
		return nil, errShort
	}
	length, message := int(binary.BigEndian.Uint16(data)), data[lengthSize:]
	switch {
	case len(message) < length:
		return nil, errShort
	case len(message) > length:
		return nil, errMore
	case message[0]|message[1] != 0: // section 4.2.1
		return nil, errID
	default:
		return message, nil
	}
}

// finish writes the length before a reply, whose first two octets are room for it.
func finish(reply []byte) { binary.BigEndian.PutUint16(reply, uint16(len(reply)-lengthSize)) }
