package overquic

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/sockets"
)

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
	// TLS holds the certificates. Its protocols and versions are overruled.
	TLS      *tls.Config
	Protocol string // by which clients choose the application (ALPN, RFC 7301)
	Door     resolver.Door
	Codes    Codes
	// Unidirectional is how many streams of this kind a client may have open; 0 forbids them.
	Unidirectional int64
	// Patience is how long a request may take to arrive, and a reply to be taken; 0: 5 s.
	Patience time.Duration
	// Request bounds what a client may send on one stream, in octets.
	Request int
	// Unfinished is what a client is told whose request does not end in time, TooLong whose is
	// longer than that.
	Unfinished, TooLong *Fault
}

// Codes are the application's error codes.
type Codes struct {
	None, Cancelled, Load, Unspecified uint64
}

// Application is what is spoken over the connections.
type Application interface {
	// Open begins the session of a new connection. What it gives to beside runs on a goroutine
	// of its own and must end when the connection does.
	Open(conn *quic.Conn, beside func(run func())) (Session, error)
}

// Session answers the requests of one connection: each is all that the client sent on one
// stream. It may be called from several goroutines at once.
type Session interface {
	// Answer appends the reply to dst without waiting for anything, and keeps nothing of the
	// request. The error is resolver.ErrWouldBlock, a Fault, or nil. With the first the request
	// is as Work is to have it.
	Answer(request *Request, dst []byte) ([]byte, error)
	// Work answers what would block. It may write several times, and the request is its own.
	Work(ctx context.Context, request *Request, write func(part []byte) error) error
	// Busy appends what is said to a client for whose request there is no place to wait, or
	// gives a Fault.
	Busy(dst []byte) ([]byte, error)
	// End is called when no more requests are taken; next is the first stream that was not.
	End(next quic.StreamID)
}

// Request is what came in on one stream, and from whom.
type Request struct {
	Client resolver.Client
	Data   []byte
	// Early says that it came before the handshake ended, so that somebody else may have sent
	// again what the client once did (RFC 9001, section 9.2).
	Early bool
	// Query is room for what the request asks.
	Query *resolver.Query
}

// clone is a request that may be kept.
func (r *Request) clone() *Request {
	kept := &Request{Client: r.Client, Data: bytes.Clone(r.Data), Early: r.Early, Query: new(resolver.Query)}
	kept.Client.Name, kept.Client.Path = strings.Clone(r.Client.Name), strings.Clone(r.Client.Path)
	return kept
}

// Fault is an error that the client is told.
type Fault struct {
	Code   uint64
	Reason string
	Fatal  bool // it ends the connection, and not only the stream
}

func (f *Fault) Error() string { return f.Reason }

// Server serves one address until it is closed.
type Server struct {
	config      Config
	service     *transports.Service
	application Application
	logger      *slog.Logger
	admission   *admission
	endpoints   []*endpoint

	desks      sync.Pool
	workers    []chan job
	turn       atomic.Uint32 // of the worker that the next connection gets
	unfinished atomic.Int64  // streams whose requests are waited for

	closing context.Context // ends when no more requests are taken
	end     context.CancelFunc
	ended   context.Context // ends when those that were taken are given up
	giveUp  context.CancelFunc
	work    sync.WaitGroup // connections, and who accepts them
	serving sync.WaitGroup // workers
}

// Listen opens the sockets and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, application Application, logger *slog.Logger) (*Server, error) {
	if config.Patience <= 0 {
		config.Patience = defaultPatience
	}
	server := &Server{
		config: config, service: service, application: application, logger: logger,
		admission: &admission{service: service, door: config.Door},
		desks:     sync.Pool{New: func() any { return newDesk(service.Worker()) }},
	}
	server.closing, server.end = context.WithCancel(context.Background())
	server.ended, server.giveUp = context.WithCancel(context.Background())
	if err := server.open(); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, errors.Join(err, server.Close()))
	}
	for range runtime.GOMAXPROCS(0) {
		jobs := make(chan job, waitingJobs)
		server.workers = append(server.workers, jobs)
		server.serving.Go(func() { serve(jobs, &server.desks) })
	}
	for _, one := range server.endpoints {
		server.work.Go(func() { server.accept(one) })
	}
	return server, nil
}

func (s *Server) nextWorker() chan<- job {
	return s.workers[s.turn.Add(1)%uint32(len(s.workers))]
}

// Addr is the address in use, with the port that was taken for port 0.
func (s *Server) Addr() netip.AddrPort { return s.endpoints[0].addr() }

// Close takes no more connections and requests, lets those that it has be answered for a
// moment, closes the connections without an error, and returns when all is done.
func (s *Server) Close() error {
	defer s.giveUp()
	s.end()
	defer time.AfterFunc(answering, s.giveUp).Stop()
	for _, one := range s.endpoints {
		one.stop()
	}
	s.work.Wait()
	for _, jobs := range s.workers {
		close(jobs)
	}
	s.serving.Wait()
	var errs []error
	for _, one := range s.endpoints {
		errs = append(errs, one.close())
	}
	s.admission.group.Wait()
	return errors.Join(errs...)
}

// open opens all sockets of the address before any of them is read.
func (s *Server) open() error {
	var err error
	if s.endpoints, err = openEndpoints(s.config.Sockets, s.config.Address, s.logger); err != nil {
		return err
	}
	tlsConfig := s.config.TLS.Clone()
	tlsConfig.MinVersion, tlsConfig.NextProtos = tls.VersionTLS13, []string{s.config.Protocol}
	keys := newKeys()
	for _, one := range s.endpoints {
		if err := one.listen(tlsConfig, s.settings(), keys, s.admission); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) accept(from *endpoint) {
	for {
		conn, err := from.listener.Accept(s.closing)
		if err != nil {
			if s.closing.Err() == nil {
				s.logger.Error("QUIC connections are no longer taken: restart to have them again", "address", s.Addr(), "error", err)
			}
			return
		}
		s.work.Go(func() { newConnection(s, conn).serve() })
	}
}
