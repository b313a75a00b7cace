package overquic

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/transports/sockets"
)

// connectionID is the length of the IDs that we give connections, in octets.
const connectionID = 8

// keys are the same for all sockets of a server. They are made anew at its start.
type keys struct {
	reset quic.StatelessResetKey
	token quic.TokenGeneratorKey
}

func newKeys() *keys {
	made := new(keys)
	_, _ = rand.Read(made.reset[:]) // never fails
	_, _ = rand.Read(made.token[:])
	return made
}

// endpoint is one socket and the connections that come in by it.
type endpoint struct {
	socket    *socket
	transport *quic.Transport
	listener  *quic.EarlyListener
}

// openEndpoints opens as many sockets as the address has, or takes those that are open.
func openEndpoints(set *sockets.Set, address netip.AddrPort, logger *slog.Logger) ([]*endpoint, error) {
	conns, err := set.ListenUDP(address, socketsPerAddress(), prepare)
	if err != nil {
		return nil, err
	}
	endpoints := make([]*endpoint, len(conns))
	for i, conn := range conns {
		socket, err := newSocket(conn, logger)
		if err != nil {
			for _, each := range conns {
				err = errors.Join(err, each.Close())
			}
			return nil, err
		}
		endpoints[i] = &endpoint{socket: socket}
	}
	return endpoints, nil
}

func (e *endpoint) listen(tlsConfig *tls.Config, settings *quic.Config, keys *keys, admission *admission) error {
	e.transport = &quic.Transport{
		Conn:                e.socket,
		ConnectionIDLength:  connectionID,
		StatelessResetKey:   &keys.reset,
		TokenGeneratorKey:   &keys.token,
		ConnContext:         admission.admit,
		VerifySourceAddress: admission.mustProve,
	}
	var err error
	e.listener, err = e.transport.ListenEarly(tlsConfig, settings)
	return err
}

func (e *endpoint) addr() netip.AddrPort {
	addr := e.socket.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// stop takes no more connections.
func (e *endpoint) stop() {
	if e.listener != nil {
		_ = e.listener.Close() // always nil
	}
}

func (e *endpoint) close() error {
	if e.transport == nil {
		return e.socket.Close()
	}
	return errors.Join(e.transport.Close(), e.socket.Close())
}

// socketsPerAddress is one for every four cores: one core reads and demultiplexes for as
// many as serve the connections, and a client whose address changes stays with its socket
// the more often the fewer there are.
func socketsPerAddress() int {
	if !canShareAddress {
		return 1
	}
	return (runtime.GOMAXPROCS(0) + 3) / 4
}
