package sockets

import "golang.org/x/sys/unix"

// freebind lets a socket have an address that no interface has.
func freebind(descriptor int, six bool) error {
	if six {
		return unix.SetsockoptInt(descriptor, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
	}
	return unix.SetsockoptInt(descriptor, unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
}
