package overquic

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// canShareAddress says that several sockets may have one address, and that the kernel
// spreads clients over them.
const canShareAddress = true

func prepare(descriptor int) error {
	return unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// maxBatch is how many datagrams the library takes at once.
const maxBatch = 8

// socket reads and writes with the system calls themselves. By package net and x/net each
// datagram costs two more allocations, for its address both ways.
type socket struct {
	*net.UDPConn
	raw    syscall.RawConn
	logger *slog.Logger

	// Of the one goroutine that reads.
	batch    [maxBatch]received
	wanted   int
	got      int
	failed   error
	receive  func(descriptor uintptr) bool
	known    [256]*net.UDPAddr // addresses that were seen, by their hash
	troubled bool

	senders sync.Pool
}

// received is the kernel's struct mmsghdr, which x/sys does not have.
type received struct {
	header unix.Msghdr
	length uint32
}

// places are what a header of the batch points to.
type places struct {
	name unix.RawSockaddrInet6 // or that of IPv4, which is shorter
	iov  unix.Iovec
}

func newSocket(conn *net.UDPConn, logger *slog.Logger) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{UDPConn: conn, raw: raw, logger: logger}
	for i := range s.batch {
		place := new(places)
		header := &s.batch[i].header
		header.Name, header.Iov = (*byte)(unsafe.Pointer(&place.name)), &place.iov
		header.SetIovlen(1)
	}
	s.receive = s.tryReceive
	s.senders.New = func() any { return newSender() }
	return s, nil
}

// pause is how long reading rests when the kernel says that it cannot.
const pause = 100 * time.Millisecond

// ReadBatch takes what has come, at least one datagram. An error of the network's, as an
// interface that has gone, is told once and waited for to pass: the library would close
// every connection.
func (s *socket) ReadBatch(messages []ipv4.Message, _ int) (int, error) {
	s.wanted = min(len(messages), maxBatch)
	for i := range s.wanted {
		header, message := &s.batch[i].header, &messages[i]
		header.Iov.Base = unsafe.SliceData(message.Buffers[0])
		header.Iov.SetLen(len(message.Buffers[0]))
		header.Namelen = unix.SizeofSockaddrInet6
		header.Control = unsafe.SliceData(message.OOB)
		header.SetControllen(len(message.OOB))
	}
	for {
		if err := s.raw.Read(s.receive); err != nil {
			return 0, err // closed, or told to end
		}
		if s.failed == nil {
			break
		}
		s.tell(s.failed)
		time.Sleep(pause)
	}
	s.troubled = false
	for i := range s.got {
		header, message := &s.batch[i].header, &messages[i]
		message.N, message.NN, message.Flags = int(s.batch[i].length), int(header.Controllen), int(header.Flags)
		message.Addr = s.address((*places)(unsafe.Pointer(header.Name)))
	}
	return s.got, nil
}

func (s *socket) tryReceive(descriptor uintptr) bool {
	for {
		got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, descriptor, uintptr(unsafe.Pointer(&s.batch[0])), uintptr(s.wanted), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			s.got, s.failed = int(got), nil
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			s.failed = os.NewSyscallError("recvmmsg", errno)
			return true
		}
	}
}

func (s *socket) tell(err error) {
	if !s.troubled {
		s.troubled = true
		s.logger.Error("a QUIC socket cannot be read; it is tried on", "address", s.LocalAddr(), "error", err)
	}
}

// address is where a datagram came from. Those of clients that go on asking are made once.
func (s *socket) address(place *places) *net.UDPAddr {
	var from netip.AddrPort
	var zone uint32
	port := (*[2]byte)(unsafe.Pointer(&place.name.Port))
	number := uint16(port[0])<<8 | uint16(port[1])
	if place.name.Family == unix.AF_INET {
		from = netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&place.name)).Addr), number)
	} else {
		from, zone = netip.AddrPortFrom(netip.AddrFrom16(place.name.Addr), number), place.name.Scope_id
	}
	known := &s.known[hash(from)]
	if *known == nil || zone != 0 || (*known).AddrPort() != from {
		*known = net.UDPAddrFromAddrPort(from)
		if zone != 0 {
			(*known).Zone = zoneName(zone)
		}
	}
	return *known
}

func zoneName(index uint32) string {
	if link, err := net.InterfaceByIndex(int(index)); err == nil {
		return link.Name
	}
	return ""
}

func hash(from netip.AddrPort) uint8 {
	octets := from.Addr().As16()
	mixed := uint32(from.Port())
	for _, octet := range octets[12:] {
		mixed = mixed*31 + uint32(octet)
	}
	return uint8(mixed ^ mixed>>8)
}

// sender is one system call under way.
type sender struct {
	header unix.Msghdr
	iov    unix.Iovec
	name   unix.RawSockaddrInet6
	sent   int
	errno  syscall.Errno
	try    func(descriptor uintptr) bool
}

func newSender() *sender {
	s := new(sender)
	s.header.Iov = &s.iov
	s.header.SetIovlen(1)
	s.header.Name = (*byte)(unsafe.Pointer(&s.name))
	s.try = s.send
	return s
}

func (s *sender) send(descriptor uintptr) bool {
	for {
		sent, _, errno := unix.Syscall(unix.SYS_SENDMSG, descriptor, uintptr(unsafe.Pointer(&s.header)), unix.MSG_DONTWAIT)
		switch errno {
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			s.sent, s.errno = int(sent), errno
			return true
		}
	}
}

var errZone = errors.New("the zone of an address is no interface")

// WriteMsgUDP sends one datagram, or a train of them of one size, as the control message says.
func (s *socket) WriteMsgUDP(data, control []byte, to *net.UDPAddr) (n, oobn int, err error) {
	one := s.senders.Get().(*sender)
	defer s.senders.Put(one)
	if !one.address(to) {
		return 0, 0, errZone
	}
	one.iov.Base = unsafe.SliceData(data)
	one.iov.SetLen(len(data))
	one.header.Control = unsafe.SliceData(control)
	one.header.SetControllen(len(control))
	err = s.raw.Write(one.try)
	one.iov.Base, one.header.Control = nil, nil
	switch {
	case err != nil:
		return 0, 0, err
	case one.errno != 0:
		return 0, 0, os.NewSyscallError("sendmsg", one.errno)
	}
	return one.sent, len(control), nil
}

// address sets where to; false when it cannot be reached from here.
func (s *sender) address(to *net.UDPAddr) bool {
	port := (*[2]byte)(unsafe.Pointer(&s.name.Port)) // at the same place for both
	port[0], port[1] = byte(to.Port>>8), byte(to.Port)
	if ip := to.IP.To4(); ip != nil {
		s.name.Family, s.header.Namelen = unix.AF_INET, unix.SizeofSockaddrInet4
		copy((*unix.RawSockaddrInet4)(unsafe.Pointer(&s.name)).Addr[:], ip)
		return true
	}
	s.name.Family, s.header.Namelen = unix.AF_INET6, unix.SizeofSockaddrInet6
	copy(s.name.Addr[:], to.IP.To16())
	s.name.Flowinfo, s.name.Scope_id = 0, 0
	if to.Zone != "" {
		link, err := net.InterfaceByName(to.Zone)
		if err != nil {
			return false
		}
		s.name.Scope_id = uint32(link.Index)
	}
	return true
}
