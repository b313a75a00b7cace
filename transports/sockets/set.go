package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
)

// Kind is what a socket carries.
type Kind string

// The kinds.
const (
	TCP Kind = "tcp"
	UDP Kind = "udp"
)

// handed is a socket that was open already.
type handed struct {
	kind    Kind
	address netip.AddrPort
	file    *os.File
}

// opened is a socket in use, and the address that was asked for it.
type opened struct {
	kind    Kind
	address netip.AddrPort
	conn    filer
}

// filer is a socket that can be held open beside its use.
type filer interface {
	File() (*os.File, error)
}

// Config is how sockets are opened.
type Config struct {
	// Freebind opens addresses that no interface has yet, or has no more: they are served as
	// soon as one has them. It is for Linux.
	Freebind bool
}

// Set is the listening sockets of one process. Its methods may be called from several
// goroutines. A nil Set opens sockets anew and hands none over.
type Set struct {
	config Config

	mu     sync.Mutex
	handed []handed
	opened []opened
}

// ListenTCP takes the listener that was handed over for the address, or opens one.
func (s *Set) ListenTCP(address netip.AddrPort) (*net.TCPListener, error) {
	listener, err := s.openTCP(s.take(TCP, address, 1), address)
	if err != nil {
		return nil, hint(err)
	}
	s.note(TCP, address, listener)
	return listener, nil
}

func (s *Set) openTCP(handed []*os.File, address netip.AddrPort) (*net.TCPListener, error) {
	if len(handed) == 0 {
		return s.bindTCP(address)
	}
	listener, err := net.FileListener(handed[0])
	if err = errors.Join(err, handed[0].Close()); err != nil {
		return nil, fmt.Errorf("the socket that was handed over: %w", err)
	}
	stream, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(errors.New("the socket that was handed over is not one of TCP"), listener.Close())
	}
	return stream, nil
}

func (s *Set) bindTCP(address netip.AddrPort) (*net.TCPListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return control(raw, s.prepare(address)) }}
	config.SetMultipathTCP(false) // which clients of DNS have no use for
	listener, err := config.Listen(context.Background(), "tcp"+family(address.Addr()), address.String())
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// prepare sets a socket up for an address that may not be there.
func (s *Set) prepare(address netip.AddrPort) func(descriptor int) error {
	return func(descriptor int) error {
		if s == nil || !s.config.Freebind {
			return nil
		}
		return freebind(descriptor, address.Addr().Is6())
	}
}

// hint says what is to be done about an address that is not there.
func hint(err error) error {
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%w: no interface has this address; freebind opens it all the same", err)
	}
	return err
}

// ListenUDP takes the sockets that were handed over for the address, all of them, since
// each has its share of the clients; or opens as many as are wanted. More than one must
// be allowed to share the address by prepare, which is called with each descriptor,
// before a new one is bound.
func (s *Set) ListenUDP(address netip.AddrPort, wanted int, prepare func(descriptor int) error) ([]*net.UDPConn, error) {
	conns, err := adoptAll(s.take(UDP, address, -1), prepare)
	if err == nil && len(conns) == 0 {
		free := s.prepare(address)
		conns, err = openUDP(address, wanted, func(descriptor int) error { return errors.Join(prepare(descriptor), free(descriptor)) })
	}
	if err != nil {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
		return nil, hint(err)
	}
	for _, conn := range conns {
		s.note(UDP, address, conn)
	}
	return conns, nil
}

func openUDP(address netip.AddrPort, wanted int, prepare func(descriptor int) error) (conns []*net.UDPConn, err error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return control(raw, prepare) }}
	for range wanted {
		conn, err := config.ListenPacket(context.Background(), "udp"+family(address.Addr()), address.String())
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn.(*net.UDPConn))
		if address.Port() == 0 { // the others share the port that the first was given
			address = conn.LocalAddr().(*net.UDPAddr).AddrPort()
		}
	}
	return conns, nil
}

func adoptAll(files []*os.File, prepare func(descriptor int) error) (conns []*net.UDPConn, err error) {
	var errs []error
	for _, file := range files {
		conn, err := adopt(file, prepare)
		if err = errors.Join(err, file.Close()); err != nil {
			errs = append(errs, fmt.Errorf("the socket that was handed over: %w", err))
		}
		if conn != nil {
			conns = append(conns, conn)
		}
	}
	return conns, errors.Join(errs...)
}

// adopt makes a connection of a descriptor, which stays the caller's.
func adopt(file *os.File, prepare func(descriptor int) error) (*net.UDPConn, error) {
	packets, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	conn, ok := packets.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(errors.New("it is not one of UDP"), packets.Close())
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return conn, err
	}
	return conn, control(raw, prepare)
}

func control(raw syscall.RawConn, prepare func(descriptor int) error) error {
	var failed error
	if err := raw.Control(func(descriptor uintptr) { failed = prepare(int(descriptor)) }); err != nil {
		return err
	}
	return failed
}

// family keeps an address of IPv6 from taking IPv4's port as well.
func family(addr netip.Addr) string {
	if addr.Is6() {
		return "6"
	}
	return "4"
}

// take gives the sockets of a kind that were handed over for an address, a number of
// them or, below nought, all. They are the caller's then.
func (s *Set) take(kind Kind, address netip.AddrPort, most int) (files []*os.File) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handed = slices.DeleteFunc(s.handed, func(one handed) bool {
		if one.kind != kind || one.address != address || len(files) == most {
			return false
		}
		files = append(files, one.file)
		return true
	})
	return files
}

func (s *Set) note(kind Kind, address netip.AddrPort, conn filer) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, opened{kind, address, conn})
}

// Rest closes what was handed over and nobody asked for, and names it.
func (s *Set) Rest() (names []string, err error) {
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, one := range s.handed {
		names = append(names, fmt.Sprintf("%s %s", one.kind, one.address))
		errs = append(errs, one.file.Close())
	}
	s.handed = nil
	return names, errors.Join(errs...)
}
