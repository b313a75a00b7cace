//go:build unix

package sockets

import "golang.org/x/sys/unix"

func closeOnExec(descriptor int) error {
	_, err := unix.FcntlInt(uintptr(descriptor), unix.F_SETFD, unix.FD_CLOEXEC)
	return err
}

func keepOnExec(descriptor int) error {
	_, err := unix.FcntlInt(uintptr(descriptor), unix.F_SETFD, 0)
	return err
}
