package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// Server serves one address until it is closed.
type Server struct {
	service  *transports.Service
	config   Config
	limits   Limits
	logger   *slog.Logger
	driver   driver
	secrets  *handshakes // nil: connections are plain
	crew     crew
	worker   uint32 // that queries which wait are counted under
	open     connections
	counts   Counts
	short    atomic.Bool  // of descriptors
	patience atomic.Int64 // how long a connection may be idle at this moment
	context  context.Context
	cancel   context.CancelFunc
	accepter sync.WaitGroup
	sweeper  sync.WaitGroup
}

// driver moves octets between connections and the network.
type driver interface {
	// accept takes one connection; errNone where it was gone already.
	accept() (socket, netip.AddrPort, error)
	// stop ends accepting.
	stop() error
	// attend begins to tell the connection what comes.
	attend(*conn) error
	// close ends all that goes on, when there are no connections left.
	close()
}

// socket is the network's side of one connection. It is used with the connection locked.
type socket interface {
	// write gives octets to the network: how many it took.
	write(data []byte) (int, error)
	// wake has the driver look at the connection again.
	wake()
	// finish says that nothing follows.
	finish()
	local() net.Addr
	// interrupt ends a write that waits. It alone needs no lock.
	interrupt()
	close()
}

// Counts is what a server has seen.
type Counts struct {
	Handshakes atomic.Int64 // that were completed
	Resumed    atomic.Int64 // of them with a ticket
	Failed     atomic.Int64 // that were not completed
	Cut        atomic.Int64 // connections that were too slow
	Turned     atomic.Int64 // connections that were turned away, as too many were open
}

// Serve serves the listener's connections.
func Serve(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	server := &Server{service: service, config: config, limits: config.Limits.complete(), logger: logger}
	server.worker = service.Worker()
	server.crew.jobs = make(chan job)
	server.open.init()
	server.patience.Store(int64(server.limits.Idle))
	server.context, server.cancel = context.WithCancel(context.Background())
	if config.TLS != nil {
		server.secrets = newHandshakes(config.TLS)
	}
	var err error
	if config.Portable {
		server.driver = newPortable(server)
	} else if server.driver, err = newDriver(server); err != nil {
		server.cancel()
		return nil, errors.Join(err, config.Listener.Close())
	}
	server.accepter.Go(server.accept)
	server.sweeper.Go(server.sweep)
	return server, nil
}

// Addr is the address in use.
func (s *Server) Addr() netip.AddrPort {
	addr := s.config.Listener.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Counts is what the server has seen.
func (s *Server) Counts() *Counts { return &s.counts }

// Open is how many connections are open.
func (s *Server) Open() int { return s.open.count() }

// lingering is how long connections are still read when the server closes: a client that
// has just connected has its first query on the way, and a close would reset it.
const lingering = 100 * time.Millisecond

// Close stops accepting; connections that were not taken stay in their queue for who may
// have the listener open as well. What was read is answered, within a time; then all
// connections end, and it returns.
func (s *Server) Close() error {
	err := s.driver.stop()
	s.accepter.Wait()
	if !s.open.empty(lingering) {
		s.open.each(func(c *conn) { c.finish() })
		if !s.open.empty(s.limits.Grace) {
			s.cancel() // what still waits fails, and is told so
			s.open.empty(s.limits.Grace / 4)
		}
	}
	s.cancel()
	s.open.each(func(c *conn) { c.cut() })
	s.driver.close()
	if s.secrets != nil {
		s.secrets.group.Wait()
	}
	s.crew.close()
	s.sweeper.Wait()
	return err
}

// pause after a failure to accept.
const pause = 20 * time.Millisecond

// errNone is a connection that came and went.
var errNone = errors.New("no connection")

// accept takes connections until the listener is closed. When the process is out of
// descriptors it says so once, and closes idle connections sooner until it is not.
func (s *Server) accept() {
	for {
		taken, from, err := s.driver.accept()
		switch {
		case err == nil:
			if s.short.Swap(false) {
				s.logger.Info("connections are taken again", "door", s.config.Door.String())
			}
			s.take(taken, from)
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, errNone):
		default:
			if !s.short.Swap(true) {
				s.logger.Warn("a connection could not be taken; idle ones are closed sooner until one can", "door", s.config.Door.String(), "error", Cause(err))
			}
			if !s.rest() {
				return
			}
		}
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

// take begins a connection: with its place, or, if a load balancer has opened it, with what
// that says of the client.
func (s *Server) take(taken socket, from netip.AddrPort) {
	c := &conn{server: s, socket: taken, client: resolver.Client{Addr: from.Addr(), Port: from.Port(), Door: s.config.Door}, proxied: s.config.Proxies.Trusts(from.Addr())}
	c.begun = s.secrets == nil && !c.proxied
	if !c.proxied && !c.connect() {
		taken.close()
		return
	}
	if c.begun {
		c.extend(time.Now())
	} else {
		c.due.set(time.Now().Add(s.limits.Handshake))
	}
	s.open.add(c)
	if err := s.driver.attend(c); err != nil {
		c.cut()
	}
}

// sweeps is how many parts of the open connections are looked at one after the other.
const sweeps = 16

// sweep cuts connections whose time is over. Each is looked at once in a second, or
// sooner where limits are short.
func (s *Server) sweep() {
	ticker := time.NewTicker(max(min(time.Second, s.limits.shortest())/sweeps, time.Millisecond))
	defer ticker.Stop()
	for part := 0; ; part = (part + 1) % sweeps {
		select {
		case now := <-ticker.C:
			idle := s.idle()
			s.patience.Store(int64(idle))
			sooner := s.limits.Idle - idle
			for _, c := range s.open.overdue(part, now, sooner) {
				c.expire(now, sooner)
			}
		case <-s.context.Done():
			return
		}
	}
}

// Idle is how long a connection may stay without a query at this moment.
func (s *Server) Idle() time.Duration { return time.Duration(s.patience.Load()) }

// idle is less, and in the end little, as the connections that are open near their bound,
// and while descriptors are short.
func (s *Server) idle() time.Duration {
	if s.short.Load() {
		return s.limits.Pressed
	}
	free := 1 - s.service.Full()
	if free >= 0.5 {
		return s.limits.Idle
	}
	return max(time.Duration(float64(s.limits.Idle)*2*free), s.limits.Pressed)
}

// Cause is what a socket's error is about: its text else names the client.
func Cause(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}

// connections are the open ones of one server, in parts.
type connections struct {
	parts [sweeps]part
	next  atomic.Uint32
}

type part struct {
	mu   sync.Mutex
	open map[*conn]struct{}
	none chan struct{} // closed when the last has gone, where somebody waits for that
}

func (c *connections) init() {
	for i := range c.parts {
		c.parts[i].open = make(map[*conn]struct{})
	}
}

func (c *connections) add(one *conn) {
	one.part = uint8(c.next.Add(1) % sweeps)
	at := &c.parts[one.part]
	at.mu.Lock()
	at.open[one] = struct{}{}
	at.mu.Unlock()
}

func (c *connections) remove(one *conn) {
	at := &c.parts[one.part]
	at.mu.Lock()
	defer at.mu.Unlock()
	delete(at.open, one)
	if len(at.open) == 0 && at.none != nil {
		close(at.none)
		at.none = nil
	}
}

func (c *connections) count() int {
	total := 0
	for i := range c.parts {
		c.parts[i].mu.Lock()
		total += len(c.parts[i].open)
		c.parts[i].mu.Unlock()
	}
	return total
}

func (c *connections) overdue(at int, now time.Time, sooner time.Duration) []*conn {
	c.parts[at].mu.Lock()
	defer c.parts[at].mu.Unlock()
	var found []*conn
	for one := range c.parts[at].open {
		if one.due.before(now, sooner) {
			found = append(found, one)
		}
	}
	return found
}

func (c *connections) each(do func(*conn)) {
	for i := range c.parts {
		c.parts[i].mu.Lock()
		all := make([]*conn, 0, len(c.parts[i].open))
		for one := range c.parts[i].open {
			all = append(all, one)
		}
		c.parts[i].mu.Unlock()
		for _, one := range all {
			do(one)
		}
	}
}

// empty waits until there are no connections; false when that takes longer.
func (c *connections) empty(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for i := range c.parts {
		if none := c.parts[i].whenNone(); none != nil {
			select {
			case <-none:
			case <-timer.C:
				return false
			}
		}
	}
	return true
}

func (p *part) whenNone() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) == 0 {
		return nil
	}
	if p.none == nil {
		p.none = make(chan struct{})
	}
	return p.none
}
