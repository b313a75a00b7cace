package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerName is who the kernel says is at the other end of a Unix socket.
func peerName(conn net.Conn) string {
	socket, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		return unknownPeer
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return unknownPeer
	}
	name := unknownPeer
	err = raw.Control(func(descriptor uintptr) {
		if peer, err := unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			name = fmt.Sprintf("user %d on this machine", peer.Uid)
		}
	})
	if err != nil {
		return unknownPeer
	}
	return name
}
