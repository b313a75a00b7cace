package do53

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/recourse-dns/recourse/transports"
)

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one, the same for UDP and TCP
	// Connections bounds open TCP connections; 0 is DefaultConnections.
	Connections int
	// Zones are served and heard of beside the chain.
	Zones transports.Zones
}

// DefaultConnections is how many TCP connections one address holds at most.
const DefaultConnections = 1000

// Server serves one address over UDP and TCP until it is closed.
type Server struct {
	service *transports.Service
	logger  *slog.Logger
	sockets []*net.UDPConn
	stream  *net.TCPListener
	conns   *connections
	zones   transports.Zones

	context context.Context // ends when the server closes; bounds what still waits
	cancel  context.CancelFunc
	work    sync.WaitGroup

	idle    chan waiting // to the goroutines that rest
	resting atomic.Int32

	reads, sends complaint
}

// Listen opens the sockets and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	if config.Connections <= 0 {
		config.Connections = DefaultConnections
	}
	server := &Server{service: service, logger: logger, conns: newConnections(config.Connections), idle: make(chan waiting), zones: config.Zones}
	server.reads.logger, server.sends.logger = logger, logger
	server.context, server.cancel = context.WithCancel(context.Background())
	if err := server.open(config.Address); err != nil {
		server.cancel()
		return nil, fmt.Errorf("listen on %s: %w", config.Address, errors.Join(err, server.closeSockets()))
	}
	for _, socket := range server.sockets {
		server.work.Go(func() { server.serveUDP(socket) })
	}
	server.work.Go(server.serveTCP)
	return server, nil
}

// Addr is the address in use, with the port that was taken for port 0.
func (s *Server) Addr() netip.AddrPort {
	addr := s.stream.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Close stops listening, ends what still waits, and returns when all is done.
func (s *Server) Close() error {
	s.cancel()
	err := s.closeSockets()
	s.conns.closeAll()
	s.work.Wait()
	return err
}

// open opens TCP last: whoever waits for the server tries to connect, and may ask over
// UDP as soon as he can. Only a port that nobody knows yet is taken from TCP, as UDP must
// have the same one.
func (s *Server) open(address netip.AddrPort) error {
	family := "4"
	if address.Addr().Is6() {
		family = "6"
	}
	if address.Port() == 0 {
		if err := s.openTCP(family, address); err != nil {
			return err
		}
		address = s.Addr()
	}
	for range socketsPerAddress() {
		socket, err := listenUDP("udp"+family, address)
		if err != nil {
			return err
		}
		s.sockets = append(s.sockets, socket)
	}
	if s.stream != nil {
		return nil
	}
	return s.openTCP(family, address)
}

func (s *Server) openTCP(family string, address netip.AddrPort) error {
	stream, err := net.ListenTCP("tcp"+family, net.TCPAddrFromAddrPort(address))
	if err != nil {
		return err
	}
	s.stream = stream
	return nil
}

func socketsPerAddress() int {
	if !canShareAddress {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

func (s *Server) closeSockets() error {
	var errs []error
	if s.stream != nil {
		errs = append(errs, s.stream.Close())
	}
	for _, socket := range s.sockets {
		errs = append(errs, socket.Close())
	}
	return errors.Join(errs...)
}
