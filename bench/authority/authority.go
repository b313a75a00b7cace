package authority

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Respond gives the packets to send in reply to one that an address was asked; none is
// silence. It is called from many goroutines, and may keep the packet.
type Respond func(at netip.Addr, packet []byte, stream bool) [][]byte

// Server answers at one address.
type Server struct {
	packets *net.UDPConn
	streams *net.TCPListener
	respond Respond
}

// Listen serves at an IPv4 address until Close; port 0 takes a free one, the same for both.
func Listen(at netip.AddrPort, respond Respond) (*Server, error) {
	packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	taken := packets.LocalAddr().(*net.UDPAddr).AddrPort()
	streams, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(taken))
	if err != nil {
		packets.Close()
		return nil, fmt.Errorf("name server: %w", err)
	}
	_ = packets.SetReadBuffer(1 << 22) // a smaller one is a lost packet, which is asked again
	s := &Server{packets: packets, streams: streams, respond: respond}
	go s.servePackets()
	go s.serveStreams()
	return s, nil
}

// Addr is where it answers.
func (s *Server) Addr() netip.AddrPort { return s.packets.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close stops answering.
func (s *Server) Close() {
	s.packets.Close()
	s.streams.Close()
}

func (s *Server) servePackets() {
	const largest = 4096
	buffer, at := make([]byte, largest), s.Addr().Addr()
	for {
		length, from, err := s.packets.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an earlier reply
		}
		query := slices.Clone(buffer[:length])
		go func() {
			for _, reply := range s.respond(at, query, false) {
				_, _ = s.packets.WriteToUDPAddrPort(reply, from) // it may have stopped listening
			}
		}()
	}
}

func (s *Server) serveStreams() {
	for {
		conn, err := s.streams.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go s.serveStream(conn)
		}
	}
}

// serveStream answers one question after the other. Where there is no answer the client waits.
func (s *Server) serveStream(conn net.Conn) {
	defer conn.Close()
	const idle = 10 * time.Second
	at := s.Addr().Addr()
	for {
		_ = conn.SetDeadline(time.Now().Add(idle))
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		replies := s.respond(at, query, true)
		for _, reply := range replies {
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
				return
			}
		}
	}
}
