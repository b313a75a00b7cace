package do53

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

// kernel is the two calls that a batch makes, so that tests can let them fail.
type kernel struct {
	receive, send func(descriptor uintptr, messages []message) (int, syscall.Errno)
}

// systemCalls are the real ones. Neither waits, so the scheduler is not told: a call of 64
// packets takes less time than it would take to hand the processor over and back.
var systemCalls = kernel{
	receive: func(descriptor uintptr, messages []message) (int, syscall.Errno) {
		count, _, fault := unix.RawSyscall6(unix.SYS_RECVMMSG, descriptor, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
		return result(count, fault)
	},
	send: func(descriptor uintptr, messages []message) (int, syscall.Errno) {
		count, _, fault := unix.RawSyscall6(unix.SYS_SENDMMSG, descriptor, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		return result(count, fault)
	},
}

func result(count uintptr, fault syscall.Errno) (int, syscall.Errno) {
	if fault != 0 {
		return 0, fault
	}
	return int(count), 0
}

// control is a control message about where a packet came to.
type control struct {
	_      [0]uint64 // the kernel's structures want to be aligned
	octets [controlSize]byte
}

// Where the interface stands in in_pktinfo and in6_pktinfo, and where the latter has the address.
const (
	pktinfoData  = unix.SizeofCmsghdr
	index4       = pktinfoData
	address6     = pktinfoData
	index6       = pktinfoData + 16
	pktinfo4Size = pktinfoData + unix.SizeofInet4Pktinfo
	pktinfo6Size = pktinfoData + unix.SizeofInet6Pktinfo
)

// source makes of what the kernel said of a packet what it wants to hear for the reply: the
// address, but not the interface, since the way back may be another. Only an address that
// means nothing without its link keeps that. Nil: the kernel said nothing.
func (c *control) source(length int) []byte {
	if length < pktinfo4Size || length > len(c.octets) {
		return nil
	}
	header := (*unix.Cmsghdr)(unsafe.Pointer(&c.octets[0]))
	switch {
	case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO:
		clear(c.octets[index4 : index4+4])
		return c.octets[:length]
	case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && length >= pktinfo6Size:
		if c.octets[address6] != 0xfe || c.octets[address6+1]&0xc0 != 0x80 {
			clear(c.octets[index6 : index6+4])
		}
		return c.octets[:length]
	}
	return nil
}
