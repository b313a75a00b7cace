package doh

import (
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/recourse-dns/recourse/transports/overquic"
)

// Types of frames (RFC 9114, section 7.2; RFC 9218, section 7.2).
const (
	frameData           = 0x0
	frameHeaders        = 0x1
	frameCancelPush     = 0x3
	frameSettings       = 0x4
	framePushPromise    = 0x5
	frameGoAway         = 0x7
	frameMaxPush        = 0xd
	framePriority       = 0xf0700
	framePriorityOfPush = 0xf0701
)

// Settings (RFC 9114, section 7.2.4.1; RFC 9204, section 5).
const (
	settingTable   = 0x1
	settingHeaders = 0x6
	settingBlocked = 0x7
)

// settings3 begins our control stream: its type, then that we keep no table by which fields
// could be shortened, and how long a header may be.
var settings3 = append([]byte{streamControl}, appendFrame3(nil, frameSettings, appendNumbers3(nil, settingTable, 0, settingHeaders, maxHeaders, settingBlocked, 0))...)

func appendFrame3(dst []byte, kind uint64, payload []byte) []byte {
	return append(appendNumbers3(dst, kind, uint64(len(payload))), payload...)
}

func appendNumbers3(dst []byte, numbers ...uint64) []byte {
	for _, number := range numbers {
		dst = quicvarint.Append(dst, number)
	}
	return dst
}

// violation3 is an error of the client's after which the connection cannot go on.
func violation3(code uint64, reason string) *overquic.Fault {
	return &overquic.Fault{Code: code, Reason: reason, Fatal: true}
}

var (
	errCut        = violation3(h3Frame, "a frame is cut off")
	errUnexpected = violation3(h3Unexpected, "a frame that does not belong there")
	errTable      = violation3(h3Decompression, "a header cannot be decoded")
	errIncomplete = &overquic.Fault{Code: h3Incomplete, Reason: "a request without a header"}
	errMalformed3 = &overquic.Fault{Code: h3Message, Reason: "a malformed request"}
)

// frame3 takes the first frame off data.
func frame3(data []byte) (kind uint64, payload, rest []byte, err error) {
	kind, size, err := quicvarint.Parse(data)
	if err != nil {
		return 0, nil, nil, errCut
	}
	data = data[size:]
	length, size, err := quicvarint.Parse(data)
	if err != nil || length > uint64(len(data)-size) {
		return 0, nil, nil, errCut
	}
	data = data[size:]
	return kind, data[:length], data[length:], nil
}

// reader3 reads one request after the other.
type reader3 struct {
	fields *fields
	table  *qpackReader
	body   []byte
}

func newReader3() *reader3 {
	made := &reader3{fields: newFields()}
	made.table = &qpackReader{into: made.fields}
	return made
}

// read takes the message out of all that came on a request's stream (RFC 9114, section 4.1):
// a header, the body in any number of frames, and perhaps a header more behind it. What is
// read stays good until the next.
func (r *reader3) read(data []byte) (message []byte, verdict status, err error) {
	var headers, trailers int
	body, frames := []byte(nil), 0
	for len(data) > 0 {
		kind, payload, rest, err := frame3(data)
		if err != nil {
			return nil, 0, err
		}
		data = rest
		switch kind {
		case frameHeaders:
			if headers++; headers == 1 {
				if err := r.readHeader(payload); err != nil {
					return nil, 0, err
				}
			} else if trailers++; trailers > 1 {
				return nil, 0, errUnexpected
			}
		case frameData:
			if headers == 0 || trailers > 0 {
				return nil, 0, errUnexpected
			}
			body, frames = r.join(body, payload, frames), frames+1
		default:
			if isReserved(kind) {
				return nil, 0, errUnexpected
			}
		}
	}
	if headers == 0 {
		return nil, 0, errIncomplete
	}
	return r.judge(body)
}

// join puts the body together. Mostly it is one frame, and stays where it is.
func (r *reader3) join(body, payload []byte, frames int) []byte {
	switch frames {
	case 0:
		return payload
	case 1:
		r.body = append(r.body[:0], body...)
	}
	r.body = append(r.body, payload...)
	return r.body
}

func (r *reader3) readHeader(block []byte) error {
	if len(block) > maxHeaders {
		*r.fields = fields{decoder: r.fields.decoder, count: maxFields + 1}
		return nil
	}
	return r.table.read(block)
}

func (r *reader3) judge(body []byte) (message []byte, verdict status, err error) {
	head := &r.fields.request
	switch {
	case r.fields.tooMany():
		return nil, statusHeaders, nil
	case r.fields.malformed, head.length >= 0 && head.length != int64(len(body)):
		return nil, 0, errMalformed3
	case len(body) > maxMessage:
		return nil, statusTooLarge, nil
	}
	if verdict := head.judge(); verdict != statusOK {
		return nil, verdict, nil
	}
	if head.method != "GET" {
		return body, statusOK, nil
	}
	r.body, verdict = head.appendMessage(r.body[:0])
	return r.body, verdict, nil
}

// isReserved says that a frame has no place on a request's stream. Those that nobody knows
// are passed over (section 9), those of HTTP/2 are not (section 7.2.8).
func isReserved(kind uint64) bool {
	switch kind {
	case 0x2, 0x6, 0x8, 0x9, frameCancelPush, frameSettings, framePushPromise, frameGoAway, frameMaxPush, framePriority, framePriorityOfPush:
		return true
	}
	return false
}
