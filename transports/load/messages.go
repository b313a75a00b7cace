package load

import (
	"encoding/binary"
	"net"
	"time"
)

// messages is DNS over a stream (RFC 7766, RFC 7858): pipelined, many queries a write.
type messages struct {
	conn    net.Conn
	writing []byte
	reading []byte
	start   int // of what was not handed out yet
	end     int
}

// usualRead takes several full records of TLS, and the longest message.
const usualRead = 1 << 17

func newMessages(conn net.Conn, size int) *messages {
	return &messages{conn: conn, reading: make([]byte, size)}
}

func (m *messages) add(sequence uint32, packet []byte) {
	const prefix = 2
	m.writing = binary.BigEndian.AppendUint16(m.writing, uint16(len(packet)))
	m.writing = binary.BigEndian.AppendUint16(m.writing, uint16(sequence))
	m.writing = append(m.writing, packet[prefix:]...)
}

func (m *messages) flush() error {
	if len(m.writing) == 0 {
		return nil
	}
	_, err := m.conn.Write(m.writing)
	m.writing = m.writing[:0]
	return err
}

func (m *messages) receive(into []reply) ([]reply, error) {
	m.end = copy(m.reading, m.reading[m.start:m.end])
	m.start = 0
	if m.end == len(m.reading) {
		return into, errLong
	}
	size, err := m.conn.Read(m.reading[m.end:])
	m.end += size
	const prefix = 2
	for m.end-m.start >= prefix {
		length := int(binary.BigEndian.Uint16(m.reading[m.start:]))
		if m.end-m.start < prefix+length {
			break
		}
		packet := m.reading[m.start+prefix : m.start+prefix+length]
		m.start += prefix + length
		if length >= headerLen { // what is shorter belongs to nobody
			into = append(into, reply{sequence: uint32(binary.BigEndian.Uint16(packet)), packet: packet})
		}
	}
	return into, err
}

func (m *messages) setReadDeadline(at time.Time) error { return m.conn.SetReadDeadline(at) }

func (m *messages) most() int { return maxInFlight }

func (m *messages) Close() error { return m.conn.Close() }
