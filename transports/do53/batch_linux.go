package do53

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// batchSize is how many packets are read and written with one call.
	batchSize = 64
	// packetStride is not a power of two: else all packets would want the same few lines of
	// the processor's cache.
	packetStride = maxQuery + 192
	// sendTime is how long replies wait for room in the socket's buffer.
	sendTime = 20 * time.Millisecond
)

// batch is what one socket reads and writes with one call. All that the kernel is pointed to
// is part of it, and stays where it is.
type batch struct {
	*reader
	kernel kernel
	raw    syscall.RawConn
	failed syscall.Errno // by which a read ended

	in       [batchSize]message
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet6 // or RawSockaddrInet4, which is shorter
	controls [batchSize]control
	packets  []byte
	tells    bool // the kernel tells where a packet came to

	out     [batchSize]message
	replies [batchSize]unix.Iovec
	room    []byte // for the replies of one batch
	ready   int    // of out
	sent    int    // of those
	lost    int    // of those, for failed
	fault   syscall.Errno
}

// serveUDP reads one socket until it is closed.
func (s *Server) serveUDP(socket *net.UDPConn) {
	made := newReader(s, socket)
	raw, err := socket.SyscallConn()
	if err != nil {
		made.plain() // as without batches; it ends at once if the socket has
		return
	}
	newBatch(made, raw, systemCalls).serve()
}

func newBatch(r *reader, raw syscall.RawConn, calls kernel) *batch {
	b := &batch{reader: r, raw: raw, kernel: calls, packets: make([]byte, batchSize*packetStride), room: make([]byte, 0, batchSize*transports.UDPSize)}
	b.tells = r.socket.LocalAddr().(*net.UDPAddr).IP.IsUnspecified()
	for i := range b.in {
		b.vectors[i].Base = &b.packets[i*packetStride]
		b.vectors[i].SetLen(maxQuery)
		in, out := &b.in[i].header, &b.out[i].header
		in.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		in.Iov, out.Iov = &b.vectors[i], &b.replies[i]
		in.SetIovlen(1)
		out.SetIovlen(1)
		b.renew(i)
	}
	return b
}

// renew makes room again for what the kernel says beside a packet.
func (b *batch) renew(i int) {
	header := &b.in[i].header
	header.Namelen = unix.SizeofSockaddrInet6
	if b.tells {
		header.Control = &b.controls[i].octets[0]
		header.SetControllen(controlSize)
	}
}

// serve reads until the socket is closed. What else a read may fail by goes by.
func (b *batch) serve() {
	run, push := b.run, b.push
	for {
		err := b.raw.Read(func(descriptor uintptr) bool { return run(descriptor, push) })
		if err != nil || b.server.isStopping() {
			return
		}
		if b.failed == unix.ENOSYS || b.failed == unix.EPERM { // a sandbox without these calls
			b.plain()
			return
		}
		b.server.reads.say("UDP packets could not be read", b.failed, 1)
		if !b.server.rest() {
			return
		}
	}
}

// run answers what there is to read; false when there is nothing more, true when a read
// failed or the server closes.
//
// A read that did not fill the batch has emptied the socket, so the poller is waited for at
// once: it tells of whatever came since this function was called last. So an answer to a
// single packet takes two calls and not three.
func (b *batch) run(descriptor uintptr, push func(uintptr) bool) bool {
	for {
		count, fault := b.kernel.receive(descriptor, b.in[:])
		switch {
		case fault == unix.EAGAIN:
			return false
		case fault == unix.EINTR, fault == unix.ECONNREFUSED: // told of what was sent before
			continue
		case fault != 0:
			b.failed = fault
			return true
		}
		b.load.see(count == batchSize, b.round.Begin())
		b.ready, b.room = 0, b.room[:0]
		for i := range count {
			b.take(i)
			b.renew(i)
		}
		b.round.Finish() // before: who has an answer finds it counted
		b.flush(descriptor, push)
		if count < batchSize {
			return false
		}
		if b.server.isStopping() {
			return true
		}
	}
}

// take answers one packet that was read.
func (b *batch) take(i int) {
	header := &b.in[i].header
	from, port := b.sender(i)
	if port == 0 {
		b.round.Ended(transports.Malformed) // nothing can be sent there
		return
	}
	packet := b.packets[i*packetStride:][:min(int(b.in[i].length), maxQuery)]
	client, packet, heard := b.unwrap(netip.AddrPortFrom(from, port), packet)
	if !heard {
		return
	}
	start := len(b.room)
	reply, left := b.answer(client, packet, header.Flags&unix.MSG_TRUNC != 0, b.room)
	if left != done {
		b.later(left, packet, b.peer(i, from, port))
		return
	}
	if b.room = reply; len(reply)-start < wire.HeaderSize {
		return
	}
	out := &b.out[b.ready]
	out.header.Name, out.header.Namelen = header.Name, header.Namelen
	out.header.Control = nil
	out.header.SetControllen(0)
	if control := b.source(i); control != nil {
		out.header.Control = &control[0]
		out.header.SetControllen(len(control))
	}
	b.replies[b.ready].Base = &reply[start]
	b.replies[b.ready].SetLen(len(reply) - start)
	b.ready++
}

// sender is who sent a packet. A port of 0 is nobody.
func (b *batch) sender(i int) (netip.Addr, uint16) {
	name := &b.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	switch name.Family {
	case unix.AF_INET:
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), uint16(port[0])<<8 | uint16(port[1])
	case unix.AF_INET6:
		return netip.AddrFrom16(name.Addr).Unmap(), uint16(port[0])<<8 | uint16(port[1])
	}
	return netip.Addr{}, 0
}

// peer is the sender for a reply that has to wait.
func (b *batch) peer(i int, from netip.Addr, port uint16) sender {
	if scope := b.names[i].Scope_id; from.Is6() && scope != 0 {
		from = from.WithZone(strconv.FormatUint(uint64(scope), 10))
	}
	return sender{socket: b.socket, to: netip.AddrPortFrom(from, port), control: b.source(i)}
}

// source is what has a reply leave from where the packet came to; nil where that is the
// socket's own address.
func (b *batch) source(i int) []byte {
	if !b.tells {
		return nil
	}
	return b.controls[i].source(int(b.in[i].header.Controllen))
}

// flush sends the replies of a batch. What is not sent is lost, as UDP may lose it.
func (b *batch) flush(descriptor uintptr, push func(uintptr) bool) {
	b.sent, b.lost = 0, 0
	if !push(descriptor) { // the buffer is full: a queue below is busy
		_ = b.socket.SetWriteDeadline(time.Now().Add(sendTime)) // it fails where the socket is closed
		if err := b.raw.Write(push); err != nil {
			b.lost, b.fault = b.lost+b.ready-b.sent, unix.EAGAIN
		}
		_ = b.socket.SetWriteDeadline(time.Time{}) // as above
	}
	if b.lost > 0 {
		b.server.sends.say("UDP replies could not be sent", b.fault, b.lost)
	}
}

// push sends what is left; false where the socket's buffer has no room. A reply that the
// system refuses, for a filter, a route or memory, is passed over: the next may have another
// way.
func (b *batch) push(descriptor uintptr) bool {
	for told := false; b.sent < b.ready; {
		count, fault := b.kernel.send(descriptor, b.out[b.sent:b.ready])
		b.sent += count
		switch {
		case fault == 0:
			told = false
		case fault == unix.EAGAIN:
			return false
		case fault == unix.EINTR:
		case errors.Is(fault, unix.ECONNREFUSED) && !told:
			told = true // of a packet before: this one was not tried
		default:
			b.fault, told = fault, false
			b.sent++
			b.lost++
		}
	}
	return true
}
