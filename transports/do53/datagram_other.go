//go:build !linux

package do53

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/resolver/chance"
)

// datagrams opens sockets that wait in the runtime's own way.
type datagrams struct {
	from    netip.Addr // where queries come from; the zero value: the kernel chooses
	random  chance.Source
	buffers sync.Pool
}

// socket is a connected UDP socket for one query.
type socket struct {
	of *datagrams
	*net.UDPConn
	buffer *[maxDatagram]byte
}

func (d *datagrams) open(server netip.AddrPort) (*socket, error) {
	connection, err := d.dial(server)
	if err != nil {
		return nil, err
	}
	buffer, _ := d.buffers.Get().(*[maxDatagram]byte)
	if buffer == nil {
		buffer = new([maxDatagram]byte)
	}
	return &socket{d, connection, buffer}, nil
}

func (d *datagrams) dial(server netip.AddrPort) (*net.UDPConn, error) {
	remote := net.UDPAddrFromAddrPort(server)
	for range portTries {
		connection, err := net.DialUDP("udp", &net.UDPAddr{IP: d.from.AsSlice(), Port: randomPort(&d.random)}, remote)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return connection, err
		}
	}
	return net.DialUDP("udp", &net.UDPAddr{IP: d.from.AsSlice()}, remote)
}

func (s *socket) send(query []byte) error {
	_, err := s.Write(query)
	return err
}

// receive waits for the next datagram, which is good until the call after. A
// deadline in the past wakes a waiting read as soon as the context ends.
func (s *socket) receive(ctx context.Context) ([]byte, error) {
	defer context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })()
	size, err := s.Read(s.buffer[:])
	return s.buffer[:size], err
}

func (s *socket) close() {
	s.Close()
	s.of.buffers.Put(s.buffer)
}

func (d *datagrams) close() error { return nil }
