//go:build !linux

package do53

import "net"

// serveUDP reads one socket until it is closed.
func (s *Server) serveUDP(socket *net.UDPConn) { newReader(s, socket).plain() }
