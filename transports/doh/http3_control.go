package doh

import (
	"context"
	"io"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// Types of unidirectional streams (RFC 9114, section 6.2; RFC 9204, section 4.2).
const (
	streamControl = 0x0
	streamPush    = 0x1
	streamEncoder = 0x2
	streamDecoder = 0x3
)

const (
	// maxControl bounds one frame of a control stream.
	maxControl = 4096
	// controlFrames is how many of them a client may send beside those for its requests.
	controlFrames = 512
	// beginning is how long the type of a stream, and the first frame of the control stream, may take.
	beginning = 5 * time.Second
)

// hear takes the client's unidirectional streams until the connection ends. The few that
// there may be are read side by side, since none has to begin.
func (s *session3) hear() {
	done := make(chan struct{}, unidirectional)
	running := 0
	for {
		stream, err := s.conn.AcceptUniStream(context.Background())
		if err != nil {
			break
		}
		running++
		go func() {
			defer func() { done <- struct{}{} }()
			s.hearStream(stream)
		}()
		for len(done) > 0 {
			<-done
			running--
		}
	}
	for range running {
		<-done
	}
}

// hearStream reads the control stream. Those of QPACK have nothing to say, since there is no
// table to speak of; what they say all the same stays unread, and ends when their window does.
func (s *session3) hearStream(stream *quic.ReceiveStream) {
	_ = stream.SetReadDeadline(time.Now().Add(beginning)) // always nil
	reader := quicvarint.NewReader(stream)
	kind, err := quicvarint.Read(reader)
	if err != nil {
		stream.CancelRead(h3Creation)
		return
	}
	switch kind {
	case streamControl, streamEncoder, streamDecoder:
		if s.streams[kind].Swap(true) {
			s.fail(h3Creation, "a stream of which there may be one only")
		} else if kind == streamControl {
			s.hearControl(stream, reader)
		}
	case streamPush: // only servers push
		s.fail(h3Creation, "a push stream")
	default:
		stream.CancelRead(h3Creation) // section 9: what nobody knows is not read
	}
}

func (s *session3) fail(code quic.ApplicationErrorCode, reason string) {
	_ = s.conn.CloseWithError(code, reason) // one that is closed stays as it is
}

func (s *session3) hearControl(stream *quic.ReceiveStream, reader quicvarint.Reader) {
	for count := int64(0); ; count++ {
		kind, length, err := frameHead3(reader)
		switch {
		case err != nil:
			s.fail(h3ClosedCritical, "the control stream has ended")
			return
		case count == 0 && kind != frameSettings:
			s.fail(h3NoSettings, "the first frame is not of settings")
			return
		case count > 0 && !belongs(kind):
			s.fail(h3Unexpected, "a frame that does not belong on the control stream")
			return
		case length > maxControl, count > controlFrames+4*s.requests.Load():
			s.fail(h3Load, "too much on the control stream")
			return
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(reader, payload); err != nil {
			s.fail(h3ClosedCritical, "the control stream has ended")
			return
		}
		if count == 0 {
			if !areSettings(payload) {
				s.fail(h3Settings, "settings that are none")
				return
			}
			_ = stream.SetReadDeadline(time.Time{}) // always nil
		}
	}
}

func frameHead3(reader quicvarint.Reader) (kind, length uint64, err error) {
	if kind, err = quicvarint.Read(reader); err != nil {
		return 0, 0, err
	}
	length, err = quicvarint.Read(reader)
	return kind, length, err
}

// belongs says whether a client may send a frame on its control stream, after the first.
func belongs(kind uint64) bool {
	switch kind {
	case frameCancelPush, frameGoAway, frameMaxPush, framePriority, framePriorityOfPush:
		return true
	}
	return kind != frameData && kind != frameHeaders && !isReserved(kind)
}

// areSettings checks the form of settings. None of them matters to us: our headers use no
// table, and are short.
func areSettings(payload []byte) bool {
	seen := make(map[uint64]bool)
	for len(payload) > 0 {
		setting, size, err := quicvarint.Parse(payload)
		if err != nil {
			return false
		}
		payload = payload[size:]
		if _, size, err = quicvarint.Parse(payload); err != nil {
			return false
		}
		payload = payload[size:]
		if seen[setting] || setting >= 0x2 && setting <= 0x5 { // those of HTTP/2
			return false
		}
		seen[setting] = true
	}
	return true
}
