package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Servers are name servers on real sockets.
type Servers struct {
	port    uint16
	closers []io.Closer
	running sync.WaitGroup

	mutex  sync.Mutex
	open   map[net.Conn]bool // nil once closed
	tokens chan struct{}     // one for each connection that may be open
}

const (
	maxConnections = 512
	idle           = 10 * time.Second
	portAttempts   = 20
)

var errNoPort = errors.New("no port is free on all name servers' addresses")

// Serve listens on UDP and TCP at the address of every name server in 127.0.0.0/8,
// with the given port; 0 is one that is free on all of them.
func (i *Internet) Serve(port uint16) (*Servers, error) {
	if port != 0 {
		return i.serve(port)
	}
	addresses := i.loopback()
	if len(addresses) == 0 {
		return nil, fmt.Errorf("lab: %w", errNoPort)
	}
	for range portAttempts {
		port, err := freePort(addresses[0])
		if err != nil {
			return nil, err
		}
		if servers, err := i.serve(port); err == nil {
			return servers, nil
		}
	}
	return nil, fmt.Errorf("lab: %w", errNoPort)
}

// freePort asks the system for a port. Between closing and opening it anew
// somebody else may take it; then another is tried.
func freePort(addr netip.Addr) (uint16, error) {
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		return 0, fmt.Errorf("lab: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

func (i *Internet) serve(port uint16) (*Servers, error) {
	servers := &Servers{port: port, open: make(map[net.Conn]bool), tokens: make(chan struct{}, maxConnections)}
	for _, addr := range i.loopback() {
		if err := servers.listen(netip.AddrPortFrom(addr, port), i.servers[addr]); err != nil {
			return nil, errors.Join(fmt.Errorf("lab: %w", err), servers.Close())
		}
	}
	servers.running.Go(i.makeKeys)
	return servers, nil
}

// loopback lists the addresses that can be listened on.
func (i *Internet) loopback() []netip.Addr {
	return slices.DeleteFunc(i.Addresses(), func(addr netip.Addr) bool { return !addr.Is4() || !addr.IsLoopback() })
}

// makeKeys makes all keys ahead: an RSA key can take longer than a client waits.
func (i *Internet) makeKeys() {
	for _, z := range i.zones {
		if z.source.Signing.signs() {
			_, _ = z.keys() // an error stays and shows when the zone is asked
		}
	}
}

// listen opens both sockets of one name server.
func (s *Servers) listen(at netip.AddrPort, server *nameServer) error {
	packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, packets)
	streams, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, streams)
	s.running.Go(func() { answerPackets(packets, server) })
	s.running.Go(func() { s.answerStreams(streams, server) })
	return nil
}

// Port is the one that all name servers listen on.
func (s *Servers) Port() uint16 { return s.port }

// Close stops listening, ends all connections and waits for what is in work.
func (s *Servers) Close() error {
	var errs []error
	for _, closer := range s.closers {
		errs = append(errs, closer.Close())
	}
	s.mutex.Lock()
	for conn := range s.open {
		conn.Close()
	}
	s.open = nil
	s.mutex.Unlock()
	s.running.Wait()
	return errors.Join(errs...)
}

// answerPackets works one packet after the other: an answer is a matter of microseconds.
func answerPackets(socket *net.UDPConn, server *nameServer) {
	buffer := make([]byte, 1<<16)
	for {
		length, from, err := socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as an ICMP error about an earlier reply
		}
		if reply := server.respond(buffer[:length], true); reply != nil {
			_, _ = socket.WriteToUDPAddrPort(reply, from) // a lost reply is the client's to notice
		}
	}
}

func (s *Servers) answerStreams(listener *net.TCPListener, server *nameServer) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || !s.admit(conn) {
			continue
		}
		s.running.Go(func() {
			defer s.dismiss(conn)
			answerStream(conn, server)
		})
	}
}

// admit takes a connection in unless there are too many or all is closing.
func (s *Servers) admit(conn net.Conn) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case s.tokens <- struct{}{}:
		if s.open != nil {
			s.open[conn] = true
			return true
		}
		<-s.tokens
	default:
	}
	conn.Close()
	return false
}

func (s *Servers) dismiss(conn net.Conn) {
	conn.Close()
	s.mutex.Lock()
	delete(s.open, conn)
	s.mutex.Unlock()
	<-s.tokens
}

// answerStream answers one message after the other, in order (RFC 7766).
func answerStream(conn net.Conn, server *nameServer) {
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
		reply := server.respond(query, false)
		if reply == nil {
			continue
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
