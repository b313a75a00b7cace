package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Limits of HTTP/2 (RFC 9113) as this client sets or meets them.
const (
	frameHeader    = 9
	maxFrame       = 1 << 14 // what a peer may send as long as we do not allow more
	usualWindow    = 1<<16 - 1
	usualTable     = 4096
	streamWindow   = 1 << 20 // takes any DNS message whole
	connWindow     = 1 << 30
	lastOfAll      = 1 << 29 // streams; then the connection is renewed
	maxHeaderBlock = 1 << 16
)

// exchanges is DNS over HTTP/2 (RFC 8484), many streams on one connection. It speaks as much
// HTTP as that takes: frames are read where they lie, and requests are octets made beforehand,
// with header fields that the server has in its table since the first.
type exchanges struct {
	conn    net.Conn
	get     bool
	decoder *hpack.Decoder
	reading []byte
	start   int
	end     int
	block   []byte // header block that goes on in CONTINUATION
	blockOf header

	status   string // of the header block that was decoded last
	failed   map[uint32]struct{}
	parts    map[uint32][]byte // bodies that come in several frames
	received int               // octets that no WINDOW_UPDATE gave back yet

	mu       sync.Mutex // guards below: the goroutine that receives answers control frames
	writing  []byte
	first    []byte // header block of the first request, which fills the server's table
	later    []byte // of all others
	path     []byte // for GET, with the query to come
	base     uint32 // the first sequence number, which is stream 1
	last     uint32 // the newest stream
	window   int64  // octets of bodies that the server takes now
	waiting  []body
	open     []uint32 // streams, by the lowest bits of their count
	streams  int      // how many of them
	allowed  int      // by the server
	greeted  bool     // the server has sent its settings
	draining bool
}

// body is a request whose body waits for the server's window.
type body struct {
	stream uint32
	packet []byte
}

// header is that of a frame.
type header struct {
	length int
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

func newExchanges(conn net.Conn, authority, path string, get bool, inFlight, size int) (*exchanges, error) {
	e := &exchanges{
		conn: conn, get: get, reading: make([]byte, max(size, maxFrame+frameHeader)), window: usualWindow, allowed: maxInFlight,
		open:   make([]uint32, tableSize(inFlight)),
		failed: make(map[uint32]struct{}), parts: make(map[uint32][]byte),
	}
	e.decoder = hpack.NewDecoder(usualTable, func(field hpack.HeaderField) {
		if field.Name == ":status" {
			e.status = field.Value
		}
	})
	e.path = []byte(path + "?dns=")
	e.first, e.later = requestBlocks(authority, path, get)
	e.writing = append(e.writing, http2.ClientPreface...)
	settings := []http2.Setting{{ID: http2.SettingEnablePush, Val: 0}, {ID: http2.SettingInitialWindowSize, Val: streamWindow}}
	const settingLen = 6
	e.frame(header{len(settings) * settingLen, http2.FrameSettings, 0, 0})
	for _, one := range settings {
		e.writing = binary.BigEndian.AppendUint16(e.writing, uint16(one.ID))
		e.writing = binary.BigEndian.AppendUint32(e.writing, one.Val)
	}
	e.giveBack(connWindow - usualWindow)
	return e, e.greet()
}

// greet sends what comes first, and waits for the server's settings.
func (e *exchanges) greet() error {
	if err := e.conn.SetReadDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	if err := e.flush(); err != nil {
		return err
	}
	for !e.greeted {
		if _, err := e.receive(nil); err != nil {
			return err
		}
	}
	return nil
}

func (e *exchanges) flush() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.writing) == 0 {
		return nil
	}
	_, err := e.conn.Write(e.writing)
	e.writing = e.writing[:0]
	return err
}

func (e *exchanges) receive(into []reply) ([]reply, error) {
	e.end = copy(e.reading, e.reading[e.start:e.end])
	e.start = 0
	size, err := e.conn.Read(e.reading[e.end:])
	e.end += size
	for err == nil && e.end-e.start >= frameHeader {
		at := e.reading[e.start:]
		h := header{
			int(at[0])<<16 | int(at[1])<<8 | int(at[2]), http2.FrameType(at[3]), http2.Flags(at[4]), binary.BigEndian.Uint32(at[5:]) &^ (1 << 31),
		}
		if h.length > maxFrame {
			return into, fmt.Errorf("a frame of %d octets", h.length)
		}
		if e.end-e.start < frameHeader+h.length {
			break
		}
		e.start += frameHeader + h.length
		into, err = e.take(into, h, at[frameHeader:][:h.length])
	}
	if err != nil {
		return into, err
	}
	if err := e.flush(); err != nil { // what was answered to control frames
		return into, err
	}
	if e.isDrained() {
		return into, io.EOF
	}
	return into, nil
}

func (e *exchanges) isDrained() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draining && e.streams == 0
}

var errFrame = errors.New("a malformed frame")

// take handles one frame.
func (e *exchanges) take(into []reply, h header, payload []byte) ([]reply, error) {
	switch h.kind {
	case http2.FrameData:
		return e.data(into, h, payload)
	case http2.FrameHeaders, http2.FrameContinuation:
		return e.headers(into, h, payload)
	case http2.FrameRSTStream:
		return e.finish(into, h.stream, nil), nil
	case http2.FrameGoAway:
		return e.leave(into, payload)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch h.kind {
	case http2.FrameSettings:
		return into, e.settings(h, payload)
	case http2.FramePing:
		if !h.flags.Has(http2.FlagPingAck) {
			e.frame(header{h.length, http2.FramePing, http2.FlagPingAck, 0})
			e.writing = append(e.writing, payload...)
		}
	case http2.FrameWindowUpdate:
		return into, e.widen(h, payload)
	}
	return into, nil
}

func (e *exchanges) data(into []reply, h header, payload []byte) ([]reply, error) {
	e.received += len(payload)
	if e.received > connWindow/2 {
		e.mu.Lock()
		e.giveBack(e.received)
		e.mu.Unlock()
		e.received = 0
	}
	payload, err := unpad(h, payload)
	if err != nil {
		return into, err
	}
	if !e.isOpen(h.stream) {
		return into, nil
	}
	part, more := e.parts[h.stream]
	if !h.flags.Has(http2.FlagDataEndStream) {
		if len(part)+len(payload) > streamWindow {
			return into, errFrame
		}
		e.parts[h.stream] = append(part, payload...)
		return into, nil
	}
	if more {
		payload = append(part, payload...)
	}
	return e.finish(into, h.stream, payload), nil
}

// unpad takes padding away (RFC 9113, section 6.1).
func unpad(h header, payload []byte) ([]byte, error) {
	if !h.flags.Has(http2.FlagDataPadded) {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, errFrame
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

// headers gathers a header block and decodes it, each to the last, since the table is the
// connection's.
func (e *exchanges) headers(into []reply, h header, payload []byte) ([]reply, error) {
	if h.kind == http2.FrameHeaders {
		var err error
		if payload, err = unpad(h, payload); err != nil {
			return into, err
		}
		const priority = 5
		if h.flags.Has(http2.FlagHeadersPriority) {
			if len(payload) < priority {
				return into, errFrame
			}
			payload = payload[priority:]
		}
		e.blockOf, e.block = h, e.block[:0]
	}
	if h.stream != e.blockOf.stream || len(e.block)+len(payload) > maxHeaderBlock {
		return into, errFrame
	}
	if !h.flags.Has(http2.FlagHeadersEndHeaders) {
		e.block = append(e.block, payload...)
		return into, nil
	}
	if len(e.block) > 0 {
		payload = append(e.block, payload...)
	}
	e.status = ""
	if _, err := e.decoder.Write(payload); err != nil {
		return into, err
	}
	if err := e.decoder.Close(); err != nil {
		return into, err
	}
	switch {
	case e.blockOf.flags.Has(http2.FlagHeadersEndStream):
		return e.finish(into, h.stream, e.parts[h.stream]), nil // these were trailers, or there is no body
	case e.status != "200" && e.status != "" && e.isOpen(h.stream):
		e.failed[h.stream] = struct{}{}
	}
	return into, nil
}

// isOpen says whether a stream is one of ours, and has not ended.
func (e *exchanges) isOpen(stream uint32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return stream != 0 && *e.place(stream) == stream
}

// finish ends a stream: with a message, or without. What comes for one that has ended is
// passed over: a server may reset what it has answered already.
func (e *exchanges) finish(into []reply, stream uint32, packet []byte) []reply {
	_, failed := e.failed[stream]
	delete(e.failed, stream)
	delete(e.parts, stream)
	e.mu.Lock()
	defer e.mu.Unlock()
	place := e.place(stream)
	if *place != stream || stream == 0 {
		return into
	}
	*place = 0
	e.streams--
	return append(into, reply{sequence: stream>>1 + e.base, packet: packet, failed: failed || len(packet) == 0})
}

// leave ends the streams that the server will not serve; the others it still answers.
func (e *exchanges) leave(into []reply, payload []byte) ([]reply, error) {
	const length = 8
	if len(payload) < length {
		return into, errFrame
	}
	if code := http2.ErrCode(binary.BigEndian.Uint32(payload[4:])); code != http2.ErrCodeNo {
		return into, fmt.Errorf("the server ended the connection: %s %q", code, payload[length:])
	}
	served := binary.BigEndian.Uint32(payload) &^ (1 << 31)
	e.mu.Lock()
	e.draining = true
	left := slices.DeleteFunc(slices.Clone(e.open), func(stream uint32) bool { return stream <= served })
	e.mu.Unlock()
	for _, stream := range left {
		into = e.finish(into, stream, nil)
	}
	return into, nil
}

func (e *exchanges) settings(h header, payload []byte) error {
	if h.flags.Has(http2.FlagSettingsAck) {
		return nil
	}
	const length = 6
	for ; len(payload) >= length; payload = payload[length:] {
		value := binary.BigEndian.Uint32(payload[2:])
		switch http2.SettingID(binary.BigEndian.Uint16(payload)) {
		case http2.SettingMaxConcurrentStreams:
			e.allowed = int(min(value, maxInFlight))
		case http2.SettingInitialWindowSize:
			if value < 1<<12 {
				return fmt.Errorf("the server takes bodies of %d octets at most", value)
			}
		case http2.SettingHeaderTableSize:
			if value < usualTable/4 {
				return fmt.Errorf("the server keeps a table of %d octets at most for header fields", value)
			}
		}
	}
	e.greeted = true
	e.frame(header{0, http2.FrameSettings, http2.FlagSettingsAck, 0})
	return nil
}

// widen sends the bodies that the server's window has room for now.
func (e *exchanges) widen(h header, payload []byte) error {
	const length = 4
	if len(payload) != length {
		return errFrame
	}
	if h.stream != 0 {
		return nil // no body is as long as a stream's window
	}
	e.window += int64(binary.BigEndian.Uint32(payload))
	for len(e.waiting) > 0 && e.window >= int64(len(e.waiting[0].packet)) {
		e.body(e.waiting[0].stream, e.waiting[0].packet)
		e.waiting = e.waiting[1:]
	}
	return nil
}

// giveBack lets the server send so many octets more.
func (e *exchanges) giveBack(octets int) {
	const length = 4
	e.frame(header{length, http2.FrameWindowUpdate, 0, 0})
	e.writing = binary.BigEndian.AppendUint32(e.writing, uint32(octets))
}

func (e *exchanges) setReadDeadline(at time.Time) error { return e.conn.SetReadDeadline(at) }

// most leaves out a connection that the server, or the numbers, want to see renewed.
func (e *exchanges) most() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return 0
	}
	return e.allowed
}

func (e *exchanges) Close() error { return e.conn.Close() }
