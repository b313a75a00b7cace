package doh

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// recordSize is the most that one TLS record holds: written at once, with one call.
	recordSize = 16 << 10
	// maxPending bounds what may wait to be written. The reader then waits; the answer of a
	// worker ends the connection, whose client has not taken anything for long.
	maxPending = 64 << 10
	// maxHeld bounds what the client's windows keep back, of all streams together.
	maxHeld = 64 << 10

	frameHeader = 9
	// responseRoom is enough for all of a response but its body.
	responseRoom = 1024
)

// bufferSize has room for what is written at once and the overhead of its records.
const bufferSize = recordSize + 8192

// buffers are what connections write from; one at rest has none.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

func putBuffer(buffer []byte) {
	if cap(buffer) == bufferSize { // else it has grown, or there was none
		buffers.Put((*[bufferSize]byte)(buffer[:bufferSize]))
	}
}

// output gathers frames, so that many answers leave with one call.
type output struct {
	pending []byte
	records []int // where in it answers end: each is a record of TLS of its own
	writing bool  // by one goroutine, which goes on until nothing is pending
	failed  error // of a write
	gone    bool  // nothing is written any more
	written sync.Cond
	// recordsOut is records of the batch before, to use again.
	recordsOut []int
	held       int // octets of answers that wait for the client's windows
	date       date
	// tableSize: the client wants to hear that our table of header fields is no larger than it allows.
	tableSize bool
}

// flush writes what is pending, unless somebody does already.
func (c *connection) flush() error {
	for len(c.pending) > 0 && !c.writing && c.failed == nil {
		batch, records := c.pending, c.records
		c.pending, c.records, c.writing = nil, c.recordsOut, true
		c.mu.Unlock()
		err := c.write(batch, records)
		c.mu.Lock()
		c.recordsOut, c.writing, c.failed = records[:0], false, err
		if err != nil {
			_ = c.line.SetReadDeadline(longAgo) // so that the reader ends
		}
		c.written.Broadcast()
	}
	return c.failed
}

// write encrypts a batch, answer by answer, and sends it.
func (c *connection) write(batch []byte, records []int) error {
	defer putBuffer(batch)
	if err := c.line.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
		return err
	}
	c.line.gather(getBuffer())
	err := c.encrypt(batch, records)
	sealed, failed := c.line.send()
	putBuffer(sealed)
	return errors.Join(err, failed)
}

func (c *connection) encrypt(batch []byte, records []int) error {
	start := 0
	for _, end := range records {
		if _, err := c.conn.Write(batch[start:end]); err != nil {
			return err
		}
		start = end
	}
	if start == len(batch) {
		return nil
	}
	_, err := c.conn.Write(batch[start:])
	return err
}

// room makes sure that so much can be appended: more than fits at once leaves first.
func (c *connection) room(size int) {
	if len(c.pending) > 0 && len(c.pending)+size > recordSize {
		_ = c.flush() // told to the reader when it rests
	}
	if c.pending == nil {
		c.pending = getBuffer()
	}
}

func (c *connection) appendFrame(kind http2.FrameType, flags http2.Flags, stream uint32, size int) {
	c.pending = append(c.pending, byte(size>>16), byte(size>>8), byte(size), byte(kind), byte(flags))
	c.pending = binary.BigEndian.AppendUint32(c.pending, stream)
}

func (c *connection) appendSettings(settings ...http2.Setting) {
	c.appendFrame(http2.FrameSettings, 0, 0, 6*len(settings))
	for _, one := range settings {
		c.pending = binary.BigEndian.AppendUint16(c.pending, uint16(one.ID))
		c.pending = binary.BigEndian.AppendUint32(c.pending, one.Val)
	}
}

func (c *connection) appendNumbers(kind http2.FrameType, stream uint32, numbers ...uint32) {
	c.room(frameHeader + 4*len(numbers))
	c.appendFrame(kind, 0, stream, 4*len(numbers))
	for _, number := range numbers {
		c.pending = binary.BigEndian.AppendUint32(c.pending, number)
	}
}

// appendGreeting is our preface: settings, and the window that is larger than the initial one.
func (c *connection) appendGreeting() {
	c.room(recordSize)
	c.appendSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: maxStreams},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: maxHeaders},
	)
	c.appendNumbers(http2.FrameWindowUpdate, 0, receiveWindow-initialWindow)
}

func (c *connection) appendGoAway(last uint32, code http2.ErrCode) {
	c.appendNumbers(http2.FrameGoAway, 0, last, uint32(code))
}

func (c *connection) appendPing(ack bool, data [8]byte) {
	flags := http2.Flags(0)
	if ack {
		flags = http2.FlagPingAck
	}
	c.room(frameHeader + len(data))
	c.appendFrame(http2.FramePing, flags, 0, len(data))
	c.pending = append(c.pending, data[:]...)
}

// appendHeader appends the header of a response.
func (c *connection) appendHeader(stream uint32, verdict status, reply []byte) {
	start := len(c.pending)
	c.appendFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, stream, 0)
	if c.tableSize { // RFC 7541, section 4.2: ours is empty, whatever the client allows
		c.pending, c.tableSize = append(c.pending, 0x20), false
	}
	c.pending = append(c.pending, c.server.blocks[verdict]...)
	c.pending = c.date.append(c.pending, c.now)
	if verdict == statusOK {
		c.pending = appendReplyFields(c.pending, reply)
	}
	size := len(c.pending) - start - frameHeader
	c.pending[start+1], c.pending[start+2] = byte(size>>8), byte(size)
}

// appendData appends a body in as many frames as it needs.
func (c *connection) appendData(stream uint32, body []byte, ends bool) {
	for {
		part := body[:min(len(body), minFrame)]
		body = body[len(part):]
		flags := http2.Flags(0)
		if ends && len(body) == 0 {
			flags = http2.FlagDataEndStream
		}
		c.appendFrame(http2.FrameData, flags, stream, len(part))
		c.pending = append(c.pending, part...)
		if len(body) == 0 {
			c.records = append(c.records, len(c.pending))
			return
		}
	}
}
