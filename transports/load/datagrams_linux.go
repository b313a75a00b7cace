package load

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch = 64
	// maxDatagram is more than queries allow in a reply.
	maxDatagram = 1500
)

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// datagrams is a connected UDP socket that sends and receives many packets with one system
// call each. It goes through the runtime's poller, and allocates nothing once it is open.
type datagrams struct {
	conn *net.UDPConn
	raw  syscall.RawConn

	outgoing, incoming vector
	send, take         func(descriptor uintptr) bool // made once, since a closure allocates
	sent, taken        int
	sendErr, takeErr   error
}

// vector is packets side by side in one buffer, as the kernel wants to have them.
type vector struct {
	messages [batch]message
	parts    [batch]unix.Iovec
	buffer   []byte
	filled   int
}

func newVector() vector { return vector{buffer: make([]byte, batch*maxDatagram)} }

// wire points the messages to their places; it must lie where it stays.
func (v *vector) wire() {
	for i := range v.messages {
		v.parts[i].Base = &v.buffer[i*maxDatagram]
		v.parts[i].SetLen(maxDatagram)
		v.messages[i].header.Iov = &v.parts[i]
		v.messages[i].header.SetIovlen(1)
	}
}

func newDatagrams(conn *net.UDPConn) (*datagrams, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &datagrams{conn: conn, raw: raw, outgoing: newVector(), incoming: newVector()}
	d.outgoing.wire()
	d.incoming.wire()
	d.send, d.take = d.sendSome, d.takeSome
	return d, nil
}

func (d *datagrams) add(sequence uint32, packet []byte) {
	if d.outgoing.filled == batch {
		_ = d.flush() // what is not sent is lost, and is counted so
	}
	out := &d.outgoing
	place := out.buffer[out.filled*maxDatagram:][:maxDatagram]
	out.parts[out.filled].SetLen(copy(place, packet))
	binary.BigEndian.PutUint16(place, uint16(sequence))
	out.filled++
}

// flush sends what is queued. An error of the network concerns a packet and not the socket:
// that packet is lost.
func (d *datagrams) flush() error {
	for d.sent = 0; d.sent < d.outgoing.filled; {
		if err := d.raw.Write(d.send); err != nil {
			return err
		}
		if d.sendErr != nil {
			d.sent++
		}
	}
	d.outgoing.filled = 0
	return nil
}

func (d *datagrams) sendSome(descriptor uintptr) bool {
	count, err := transfer(unix.SYS_SENDMMSG, descriptor, d.outgoing.messages[d.sent:d.outgoing.filled])
	if errors.Is(err, unix.EAGAIN) {
		return false
	}
	d.sendErr = err
	d.sent += count
	return true
}

func (d *datagrams) takeSome(descriptor uintptr) bool {
	d.taken, d.takeErr = transfer(unix.SYS_RECVMMSG, descriptor, d.incoming.messages[:])
	return !errors.Is(d.takeErr, unix.EAGAIN)
}

// transfer makes the call, and makes it again where a signal came between. The scheduler is
// not told, since the call never waits.
func transfer(call, descriptor uintptr, messages []message) (int, error) {
	for {
		count, _, number := unix.RawSyscall6(call, descriptor, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
		if number == 0 {
			return int(count), nil
		}
		if number != unix.EINTR {
			return 0, number
		}
	}
}

func (d *datagrams) receive(into []reply) ([]reply, error) {
	if err := d.raw.Read(d.take); err != nil {
		return into, err
	}
	if d.takeErr != nil {
		// ECONNREFUSED says that nobody listens there now, which may pass.
		if errors.Is(d.takeErr, unix.ECONNREFUSED) {
			return into, nil
		}
		return into, os.NewSyscallError("recvmmsg", d.takeErr)
	}
	for i := range d.taken {
		packet := d.incoming.buffer[i*maxDatagram:][:d.incoming.messages[i].length]
		if len(packet) >= headerLen { // what is shorter belongs to nobody
			into = append(into, reply{sequence: uint32(binary.BigEndian.Uint16(packet)), packet: packet})
		}
	}
	return into, nil
}

func (d *datagrams) setReadDeadline(at time.Time) error { return d.conn.SetReadDeadline(at) }

func (d *datagrams) most() int { return maxInFlight }

func (d *datagrams) Close() error { return d.conn.Close() }
