package doh

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// prompt has the kernel acknowledge at once what it has received, this time.
func prompt(raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(descriptor uintptr) {
		failed = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
