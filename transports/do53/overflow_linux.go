package do53

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's enum SK_MEMINFO: how many numbers it has, and which are the drops.
const (
	memoryNumbers = 9
	memoryDrops   = 8
)

// overflows is how many packets the kernel has dropped since the socket was opened, because
// nobody read them in time: no other trace is left of them.
func overflows(socket *net.UDPConn) int64 {
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0 // closed
	}
	var memory [memoryNumbers]uint32
	length := uint32(unsafe.Sizeof(memory))
	var fault error
	err = raw.Control(func(descriptor uintptr) {
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, descriptor, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&memory)), uintptr(unsafe.Pointer(&length)), 0)
		if errno != 0 {
			fault = errno
		}
	})
	if err != nil || fault != nil {
		return 0 // closed, or a kernel that does not tell
	}
	return int64(memory[memoryDrops])
}
