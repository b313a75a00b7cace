//go:build !linux

package overquic

import (
	"log/slog"
	"net"
)

// canShareAddress says that several sockets may have one address.
const canShareAddress = false

func prepare(int) error { return nil }

// socket is that of package net.
type socket struct{ *net.UDPConn }

func newSocket(conn *net.UDPConn, _ *slog.Logger) (*socket, error) { return &socket{conn}, nil }
