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
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/sockets"
	"github.com/recourse-dns/recourse/transports/stream"
)

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one, the same for UDP and TCP
	// Limits bounds what one TCP connection may take.
	Limits stream.Limits
	// Zones are served and heard of beside the chain.
	Zones transports.Zones
	// Proxies are load balancers, which say for whom they connect or send.
	Proxies proxy.Trusted
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
}

// Server serves one address over UDP and TCP until it is closed.
type Server struct {
	service *transports.Service
	logger  *slog.Logger
	sockets []*net.UDPConn
	stream  *net.TCPListener
	tcp     *stream.Server
	proxies proxy.Trusted
	zones   transports.Zones

	context  context.Context // bounds what still waits, when the server closes
	cancel   context.CancelFunc
	stopping chan struct{} // closed when nothing new is taken any more
	work     sync.WaitGroup

	idle    chan waiting // to the goroutines that rest
	resting atomic.Int32

	reads, sends complaint
}

// Listen opens the sockets and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	server := &Server{service: service, logger: logger, stopping: make(chan struct{}), idle: make(chan waiting), zones: config.Zones, proxies: config.Proxies}
	server.reads.logger, server.sends.logger = logger, logger
	server.context, server.cancel = context.WithCancel(context.Background())
	if err := server.open(config.Sockets, config.Address); err != nil {
		server.cancel()
		return nil, fmt.Errorf("listen on %s: %w", config.Address, errors.Join(err, server.closeSockets()))
	}
	for _, socket := range server.sockets {
		server.work.Go(func() { server.serveUDP(socket) })
	}
	var err error
	server.tcp, err = stream.Serve(stream.Config{Listener: server.stream, Door: resolver.TCP, Zones: config.Zones, Proxies: config.Proxies, Limits: config.Limits}, service, logger)
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

// Overflows is how many UDP packets the kernel has dropped because they were not read in
// time; 0 where the system does not tell.
func (s *Server) Overflows() int64 {
	total := int64(0)
	for _, socket := range s.sockets {
		total += overflows(socket)
	}
	return total
}

// drainTime is how long queries that were read may still take when the server closes.
const drainTime = 700 * time.Millisecond

// Close stops reading and lets what was read be answered, for a moment; then it ends what
// still waits, and returns when all is done.
func (s *Server) Close() error {
	close(s.stopping)
	err := s.stopReading()
	answered := make(chan struct{})
	go func() { defer close(answered); s.work.Wait() }()
	if s.tcp != nil {
		err = errors.Join(err, s.tcp.Close())
	}
	select {
	case <-answered:
	case <-time.After(drainTime):
	}
	s.cancel()
	<-answered
	for _, socket := range s.sockets {
		err = errors.Join(err, socket.Close())
	}
	return err
}

// stopReading leaves datagrams that were not read in their sockets for who may have them
// open as well.
func (s *Server) stopReading() error {
	var errs []error
	for _, socket := range s.sockets {
		errs = append(errs, socket.SetReadDeadline(time.Unix(1, 0)))
	}
	return errors.Join(errs...)
}

// isStopping says whether nothing new is to be read.
func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// pairTries is how often a port that is free for TCP may be taken for UDP already.
const pairTries = 8

// open opens TCP last: whoever waits for the server tries to connect, and may ask over
// UDP as soon as he can. Only a port that nobody knows yet is taken from TCP, as UDP must
// have the same one.
func (s *Server) open(set *sockets.Set, address netip.AddrPort) (err error) {
	if address.Port() != 0 {
		if err := s.openUDP(set, address); err != nil {
			return err
		}
		s.stream, err = stream.Listen(set, address)
		return err
	}
	for range pairTries {
		if s.stream, err = stream.Listen(set, address); err != nil {
			return err
		}
		if err = s.openUDP(set, s.Addr()); !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		err = errors.Join(err, s.stream.Close())
		s.stream = nil
	}
	return err
}

func (s *Server) openUDP(set *sockets.Set, address netip.AddrPort) (err error) {
	s.sockets, err = set.ListenUDP(address, socketsPerAddress(), func(descriptor int) error { return prepare(descriptor, address.Addr()) })
	return err
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
