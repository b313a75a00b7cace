package doh

import (
	"slices"

	"golang.org/x/net/http2"
)

// maxBlock bounds a header as it is sent, however many frames it comes in (CVE-2024-27316).
const maxBlock = maxHeaders

// dispatch does what a frame asks (RFC 9113, section 6).
func (c *connection) dispatch(frame http2.Frame) error {
	if !c.greeted {
		if settings, ok := frame.(*http2.SettingsFrame); !ok || settings.IsAck() {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		c.greeted = true
	}
	switch frame := frame.(type) {
	case *http2.DataFrame:
		return c.onData(frame)
	case *http2.HeadersFrame:
		return c.onHeaders(frame)
	case *http2.ContinuationFrame:
		return c.onContinuation(frame)
	case *http2.WindowUpdateFrame:
		return c.onWindowUpdate(frame)
	case *http2.RSTStreamFrame:
		return c.onReset(frame)
	case *http2.SettingsFrame:
		return c.onSettings(frame)
	case *http2.PingFrame:
		return c.onPing(frame)
	case *http2.PriorityFrame:
		return c.onPriority(frame)
	case *http2.PushPromiseFrame:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return c.spend() // GOAWAY, after which the client closes when it likes, and what is not known
}

// spend takes a frame that asks nothing off what the connection may send of such.
func (c *connection) spend() error {
	if !c.controls.spend(c.now) {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	return nil
}

func (c *connection) onHeaders(frame *http2.HeadersFrame) error {
	id := frame.StreamID
	if id%2 == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol) // section 5.1.1
	}
	c.blockOpens = id > c.highest
	if !c.blockOpens && c.streams[id] == nil && !c.isCut(id) {
		return http2.ConnectionError(http2.ErrCodeStreamClosed)
	}
	c.highest = max(c.highest, id)
	c.selfish = frame.HasPriority() && frame.Priority.StreamDep == id
	if frame.HeadersEnded() {
		return c.onBlock(id, frame.HeaderBlockFragment(), frame.StreamEnded())
	}
	c.blockOf, c.blockEnds = id, frame.StreamEnded()
	c.block = append(c.block[:0], frame.HeaderBlockFragment()...)
	return c.spend()
}

func (c *connection) onContinuation(frame *http2.ContinuationFrame) error {
	part := frame.HeaderBlockFragment()
	if len(c.block)+len(part) > maxBlock {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	c.block = append(c.block, part...)
	if frame.HeadersEnded() {
		id := c.blockOf
		c.blockOf = 0
		return c.onBlock(id, c.block, c.blockEnds)
	}
	return c.spend()
}

// onBlock reads a whole header, always: the client's table must be followed.
func (c *connection) onBlock(id uint32, block []byte, ends bool) error {
	if err := c.fields.read(block, !c.blockOpens); err != nil {
		return http2.ConnectionError(http2.ErrCodeCompression)
	}
	if c.closing && id > c.last {
		return nil // it knows that we do not answer that
	}
	if c.selfish {
		return c.reset(id, http2.ErrCodeProtocol)
	}
	if c.blockOpens {
		return c.open(id, ends)
	}
	known := c.streams[id]
	switch {
	case c.isCut(id):
		return nil // under way when we ended it
	case known == nil || known.state != receiving:
		return c.reset(id, http2.ErrCodeStreamClosed)
	case !ends || c.fields.malformed:
		return c.reset(id, http2.ErrCodeProtocol) // section 8.1
	}
	return c.receive(known, nil, 0, true)
}

func (c *connection) isCut(id uint32) bool { return slices.Contains(c.cut[:], id) }

func (c *connection) onData(frame *http2.DataFrame) error {
	size := int64(frame.Length)
	if c.credit -= size; c.credit < 0 {
		return http2.ConnectionError(http2.ErrCodeFlowControl)
	}
	if len(frame.Data()) == 0 && !frame.StreamEnded() {
		if err := c.spend(); err != nil {
			return err
		}
	}
	s := c.streams[frame.StreamID]
	if s != nil && s.state == receiving {
		return c.receive(s, frame.Data(), int(size), frame.StreamEnded())
	}
	c.consume(size)
	switch {
	case frame.StreamID > c.highest:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case c.isCut(frame.StreamID): // it was under way when we ended the stream
		return c.spend()
	}
	return c.reset(frame.StreamID, http2.ErrCodeStreamClosed)
}

// consume gives what was received back to the client's window of all streams.
func (c *connection) consume(size int64) {
	c.consumed += size
	if c.credit < receiveWindow/2 && c.consumed > 0 {
		c.appendNumbers(http2.FrameWindowUpdate, 0, uint32(c.consumed))
		c.credit, c.consumed = c.credit+c.consumed, 0
	}
}

// restore gives padding back, so that the largest message fits the window of its stream.
func (c *connection) restore(s *stream, padding int) {
	if padding > 0 {
		s.received -= int64(padding)
		c.consume(int64(padding))
		c.appendNumbers(http2.FrameWindowUpdate, s.id, uint32(padding))
	}
}

func (c *connection) onWindowUpdate(frame *http2.WindowUpdateFrame) error {
	id, more := frame.StreamID, int64(frame.Increment)
	if id > c.highest {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if err := c.spend(); err != nil {
		return err
	}
	if id == 0 {
		if c.window += more; c.window > maxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		c.pump()
		return nil
	}
	if s := c.streams[id]; s != nil {
		if s.window += more; s.window > maxWindow {
			return c.reset(id, http2.ErrCodeFlowControl)
		}
		c.pump()
	}
	return nil
}

func (c *connection) onReset(frame *http2.RSTStreamFrame) error {
	if frame.StreamID > c.highest {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	c.abandon(frame.StreamID)
	if !c.resets.spend(c.now) {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	return nil
}

func (c *connection) onSettings(frame *http2.SettingsFrame) error {
	if err := c.spend(); err != nil || frame.IsAck() {
		return err
	}
	if err := frame.ForeachSetting(c.onSetting); err != nil {
		return err
	}
	c.room(frameHeader)
	c.appendFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, 0)
	c.pump()
	return nil
}

func (c *connection) onSetting(setting http2.Setting) error {
	if err := setting.Valid(); err != nil {
		return err
	}
	switch setting.ID {
	case http2.SettingHeaderTableSize:
		c.tableSize = c.tableSize || setting.Val < maxTable
	case http2.SettingInitialWindowSize: // section 6.9.2
		more := int64(setting.Val) - c.initial
		c.initial = int64(setting.Val)
		for _, s := range c.streams {
			if s.window += more; s.window > maxWindow {
				return http2.ConnectionError(http2.ErrCodeFlowControl)
			}
		}
	}
	return nil
}

func (c *connection) onPing(frame *http2.PingFrame) error {
	if frame.IsAck() {
		if c.draining && frame.Data == lastPing {
			c.close()
		}
		return c.spend()
	}
	c.appendPing(true, frame.Data)
	return c.spend()
}

func (c *connection) onPriority(frame *http2.PriorityFrame) error {
	if frame.StreamDep == frame.StreamID {
		return c.reset(frame.StreamID, http2.ErrCodeProtocol)
	}
	return c.spend()
}

// lastPing is what the client answers when it has read that we end.
var lastPing = [8]byte{'l', 'a', 's', 't'}

// drain says that the connection ends (section 6.8): streams may still be opened until the
// client has read so, which it shows by answering a PING.
func (c *connection) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining || c.gone {
		return
	}
	c.draining = true
	if c.opened { // else it is said when our settings are
		c.appendDrain()
		_ = c.flush() // told to the reader
	}
}

func (c *connection) appendDrain() {
	c.appendGoAway(maxWindow, http2.ErrCodeNo)
	c.appendPing(false, lastPing)
}

// close says which streams are the last. The connection ends with them.
func (c *connection) close() {
	if !c.closing {
		c.closing, c.last = true, c.highest
		c.appendGoAway(c.last, http2.ErrCodeNo)
	}
}
