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

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/stream"
)

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one, the same for UDP and TCP
	// Limits bounds what one TCP connection may take.
	Limits stream.Limits
	// Zones are served and heard of beside the chain.
	Zones transports.Zones
}

// Server serves one address over UDP and TCP until it is closed.
type Server struct {
	service *transports.Service
	logger  *slog.Logger
	sockets []*net.UDPConn
	stream  *net.TCPListener
	tcp     *stream.Server
	zones   transports.Zones

	context context.Context // ends when the server closes; bounds what still waits
	cancel  context.CancelFunc
	work    sync.WaitGroup

	idle    chan waiting // to the goroutines that rest
	resting atomic.Int32
}

// Listen opens the sockets and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	server := &Server{service: service, logger: logger, idle: make(chan waiting), zones: config.Zones}
	server.context, server.cancel = context.WithCancel(context.Background())
	if err := server.open(config.Address); err != nil {
		server.cancel()
		return nil, fmt.Errorf("listen on %s: %w", config.Address, errors.Join(err, server.closeSockets()))
	}
	for _, socket := range server.sockets {
		server.work.Go(func() { server.serveUDP(socket) })
	}
	var err error
	server.tcp, err = stream.Serve(stream.Config{Listener: server.stream, Door: resolver.TCP, Zones: config.Zones, Limits: config.Limits}, service, logger)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, errors.Join(err, server.Close()))
	}
	return server, nil
}

// TCP is the side that serves connections.
func (s *Server) TCP() *stream.Server { return s.tcp }

// Addr is the address in use, with the port that was taken for port 0.
func (s *Server) Addr() netip.AddrPort {
	addr := s.stream.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Close stops listening, ends what still waits, and returns when all is done. Connections
// are given a moment for the answers that are on their way.
func (s *Server) Close() error {
	s.cancel()
	err := s.closeSockets()
	if s.tcp != nil {
		err = errors.Join(err, s.tcp.Close())
	}
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
		if err := s.openTCP(address); err != nil {
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
	return s.openTCP(address)
}

func (s *Server) openTCP(address netip.AddrPort) error {
	listener, err := stream.Listen(address)
	if err != nil {
		return err
	}
	s.stream = listener
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
	if s.stream != nil && s.tcp == nil { // else it is closed with its connections
		errs = append(errs, s.stream.Close())
	}
	for _, socket := range s.sockets {
		errs = append(errs, socket.Close())
	}
	return errors.Join(errs...)
}
