package doh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/sockets"
)

const (
	// handshake is how long TLS may take to begin.
	handshake = 5 * time.Second
	// draining is how long clients have, when the server closes, to take what they asked. Who
	// has just connected shakes hands meanwhile, which on a busy machine takes its time.
	draining = 800 * time.Millisecond
	// pause after a failed accept, so that none spins a core.
	pause = 10 * time.Millisecond
)

// Config is one DoH door.
type Config struct {
	Address netip.AddrPort
	TLS     *tls.Config // with certificates
	AltSvc  string      // the value of Alt-Svc: where HTTP/3 is served; "" for nowhere
	// Proxies are load balancers, before whose connections stands who the client is.
	Proxies proxy.Trusted
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
}

// Server is one DoH door: HTTP/2 of its own, HTTP/1.1 by net/http.
type Server struct {
	service  *transports.Service
	logger   *slog.Logger
	proxies  proxy.Trusted
	tls      *tls.Config
	blocks   *blocks
	listener *net.TCPListener
	older    *older
	hands    chan struct{}
	workers  workers
	context  context.Context
	cancel   context.CancelFunc
	group    sync.WaitGroup // the accepting goroutine and those of connections

	mu     sync.Mutex // guards what follows
	lines  map[*line]*connection
	closed bool // clients are told to ask no more
	ended  bool // no line is open any more
}

// Listen opens the door.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	if config.TLS == nil {
		return nil, errors.New("DNS over HTTPS needs a certificate")
	}
	listener, err := config.Sockets.ListenTCP(config.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, err)
	}
	s := &Server{
		service: service, logger: logger, proxies: config.Proxies, tls: secured(config.TLS), blocks: newBlocks(config.AltSvc), listener: listener,
		older: newOlder(newHandler(service, resolver.HTTPS, config.AltSvc), listener.Addr()),
		hands: make(chan struct{}, runtime.GOMAXPROCS(0)), lines: make(map[*line]*connection),
	}
	s.context, s.cancel = context.WithCancel(context.Background())
	s.workers = workers{service: service, context: s.context, tasks: make(chan task)}
	s.group.Go(s.accept)
	s.workers.group.Go(s.sweep)
	return s, nil
}

// secured adds what the door needs of TLS. Many answers fill a record; the small ones that
// the library begins each connection with would make two of each.
func secured(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	config.DynamicRecordSizingDisabled = true
	return config
}

// Addr is the address in use, with the port that was taken for port 0.
func (s *Server) Addr() netip.AddrPort {
	addr := s.listener.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// accept takes connections. What fails for want of descriptors is said once, until it works again.
func (s *Server) accept() {
	failing := false
	for {
		conn, err := s.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !failing {
				s.logger.Warn("connections for DNS over HTTPS cannot be taken", "error", err)
			}
			failing = true
			if !s.rest() {
				return
			}
			continue
		}
		failing = false
		s.admit(conn)
	}
}

// rest waits a moment; false when the server closes meanwhile.
func (s *Server) rest() bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.context.Done():
		return false
	}
}

// admit lets a connection in, before anything is done for it.
func (s *Server) admit(conn *net.TCPConn) {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	client := resolver.Client{Addr: from.Addr().Unmap(), Port: from.Port(), Door: resolver.HTTPS}
	l := &line{Conn: conn}
	l.raw, _ = conn.SyscallConn() // fails for what is closed, as reading then will
	l.gone = func() {
		s.mu.Lock()
		delete(s.lines, l)
		s.mu.Unlock()
	}
	switch {
	case !s.note(l): // taken, and then not served in all the time that the server had
		conn.Close()
	case s.proxies.Trusts(client.Addr): // it is not the client, and says who is
		s.group.Go(func() { s.introduce(l, client) })
	case s.enter(l, client):
		s.group.Go(func() { s.serve(l, client) })
	}
}

// note keeps a line to be closed with the server; false where that was done.
func (s *Server) note(l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.lines[l] = nil
	return true
}

// enter takes the client's place among those connected; where there is none the line is closed.
func (s *Server) enter(l *line, client resolver.Client) bool {
	if !s.service.Connect(client) {
		l.Close()
		return false
	}
	forget := l.gone
	l.gone = func() {
		forget()
		s.service.Disconnect(client)
	}
	return true
}

// introduce reads who the client is whom a load balancer speaks for.
func (s *Server) introduce(l *line, client resolver.Client) {
	if err := l.SetDeadline(time.Now().Add(handshake)); err != nil {
		l.Close()
		return
	}
	source, err := proxy.Read(l)
	if err != nil {
		l.Close()
		return
	}
	if source.IsValid() {
		client.Addr, client.Port = source.Addr().Unmap(), source.Port()
		l.client = net.TCPAddrFromAddrPort(source)
	}
	if s.enter(l, client) {
		s.serve(l, client)
	}
}

// serve shakes hands and serves what the client then speaks.
func (s *Server) serve(l *line, client resolver.Client) {
	conn := tls.Server(l, s.tls)
	if !s.shake(conn, l) {
		l.Close()
		return
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		s.serveFrames(conn, l, client, state)
	} else if !s.older.conns.hand(conn) {
		_ = conn.Close() // nothing was asked yet
	}
}

func (s *Server) shake(conn *tls.Conn, l *line) bool {
	if err := l.SetDeadline(time.Now().Add(handshake)); err != nil {
		return false
	}
	one := &hand{hands: s.hands, ended: s.context.Done()}
	l.rest, l.woke = one.release, one.take
	err := conn.Handshake()
	_ = one.release() // never an error
	l.rest, l.woke = nil, nil
	return err == nil && l.SetDeadline(time.Time{}) == nil
}

// hand is the right to compute for a handshake. There are as many as processors, so that a
// flood of handshakes delays nobody's answer by more than one takes. Who waits for the
// client has none.
type hand struct {
	hands chan struct{}
	ended <-chan struct{} // closed when nobody is waited for any more
	held  bool
}

func (h *hand) take() {
	select {
	case h.hands <- struct{}{}:
		h.held = true
	case <-h.ended:
	}
}

func (h *hand) release() error {
	if h.held {
		h.held = false
		<-h.hands
	}
	return nil
}

func (s *Server) serveFrames(conn *tls.Conn, l *line, client resolver.Client, state tls.ConnectionState) {
	c := newConnection(s, conn, l, client)
	c.serverName, c.weak = state.ServerName, isWeak(state)
	s.mu.Lock()
	_, open := s.lines[l]
	if open {
		s.lines[l] = c
	}
	closed := s.closed
	s.mu.Unlock()
	switch {
	case !open:
		return
	case closed:
		c.drain()
	}
	c.serve()
}

// isWeak says whether HTTP/2 rules the cipher out (RFC 9113, section 9.2.2): what of TLS 1.2
// does not encrypt with authentication, or has no keys of the moment.
func isWeak(state tls.ConnectionState) bool {
	switch state.CipherSuite {
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return false
	}
	return state.Version < tls.VersionTLS13
}

// Close stops listening, lets clients take what they have asked for a moment, and returns
// when all is done.
func (s *Server) Close() error {
	err := s.listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.drain()
	}()
	timer := time.NewTimer(draining)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	s.cancel()
	s.closeLines()
	<-done
	s.workers.group.Wait()
	return err
}

// drain tells all clients that the server ends and waits for theirs.
func (s *Server) drain() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, c := range s.connections() {
		s.group.Go(c.drain)
	}
	ctx, cancel := context.WithTimeout(context.Background(), draining)
	defer cancel()
	_ = s.older.server.Shutdown(ctx) // who does not end is closed with all others
	s.group.Wait()
	s.older.group.Wait()
}

func (s *Server) closeLines() {
	s.mu.Lock()
	s.ended = true
	open := make([]*line, 0, len(s.lines))
	for l := range s.lines {
		open = append(open, l)
	}
	s.mu.Unlock()
	for _, l := range open {
		l.Close()
	}
}
