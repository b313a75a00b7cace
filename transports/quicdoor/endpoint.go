package quicdoor

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime"

	"github.com/quic-go/quic-go"
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
	socket    socket
	transport *quic.Transport
	listener  *quic.EarlyListener
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

func network(address netip.AddrPort) string {
	if address.Addr().Is6() {
		return "udp6"
	}
	return "udp4"
}
