package load

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/quic-go/quic-go"
)

// endpoint is a socket that connections of QUIC go out of. Nil is one that is not ours.
type endpoint struct {
	socket    *net.UDPConn
	transport *quic.Transport
}

func openEndpoint(source netip.Addr) (*endpoint, error) {
	local := &net.UDPAddr{}
	if source.IsValid() {
		local = &net.UDPAddr{IP: source.AsSlice(), Zone: source.Zone()}
	}
	socket, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, err
	}
	return &endpoint{socket: socket, transport: &quic.Transport{Conn: socket}}, nil
}

func (e *endpoint) Close() error {
	if e == nil {
		return nil
	}
	return errors.Join(e.transport.Close(), e.socket.Close())
}

// endpoints are shared by connections, one for each source: ten thousand sockets with their
// buffers and goroutines are a load on who holds them, and say nothing about the server.
type endpoints struct {
	mu   sync.Mutex
	from map[netip.Addr]*endpoint
}

func (e *endpoints) get(source netip.Addr) (*endpoint, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if one := e.from[source]; one != nil {
		return one, nil
	}
	one, err := openEndpoint(source)
	if err != nil {
		return nil, err
	}
	if e.from == nil {
		e.from = make(map[netip.Addr]*endpoint)
	}
	e.from[source] = one
	return one, nil
}

func (e *endpoints) Close() error {
	var errs []error
	for _, one := range e.from {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}
