//go:build !linux

package load

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
)

// maxDatagram is more than queries allow in a reply.
const maxDatagram = 1500

// datagrams is a connected UDP socket.
type datagrams struct {
	conn    *net.UDPConn
	packet  []byte
	reading [maxDatagram]byte
}

func newDatagrams(conn *net.UDPConn) (*datagrams, error) { return &datagrams{conn: conn}, nil }

func (d *datagrams) add(sequence uint32, packet []byte) {
	d.packet = append(d.packet[:0], packet...)
	binary.BigEndian.PutUint16(d.packet, uint16(sequence))
	_, _ = d.conn.Write(d.packet) // what is not sent is lost, and is counted so
}

func (d *datagrams) flush() error { return nil }

func (d *datagrams) receive(into []reply) ([]reply, error) {
	size, err := d.conn.Read(d.reading[:])
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return into, err
		}
		return into, nil // a refusal, which may pass
	}
	if size >= headerLen { // what is shorter belongs to nobody
		into = append(into, reply{sequence: uint32(binary.BigEndian.Uint16(d.reading[:])), packet: d.reading[:size]})
	}
	return into, nil
}

func (d *datagrams) setReadDeadline(at time.Time) error { return d.conn.SetReadDeadline(at) }

func (d *datagrams) most() int { return maxInFlight }

func (d *datagrams) Close() error { return d.conn.Close() }
