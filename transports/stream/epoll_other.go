//go:build !linux

package stream

import "net"

func prepare(*net.TCPListener) error { return nil }

func newDriver(server *Server) (driver, error) { return newPortable(server), nil }
