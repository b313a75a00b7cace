package overquic

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
)

// connection is one client. A goroutine takes its streams one after the other and answers
// at once what is there whole; what has to be waited for is waited for beside it.
type connection struct {
	server  *Server
	quic    *quic.Conn
	session Session
	worker  chan<- job
	client  resolver.Client
	remote  net.Addr       // of which client.Addr was made
	answers sync.WaitGroup // that are waited for
	rest    sync.WaitGroup // what ends with the connection

	answered, cancelled atomic.Int64

	size atomic.Int64 // of the request on the stream in hand; unknown while not all of it was sent
	note func(int64)
}

const unknown = -1

func newConnection(server *Server, conn *quic.Conn) *connection {
	c := &connection{server: server, quic: conn, worker: server.nextWorker(), client: resolver.Client{Door: server.config.Door}}
	c.note = func(size int64) { c.size.Store(size) }
	return c
}

func (c *connection) serve() {
	defer c.close()
	c.rest.Go(c.establish)
	c.client.Name = nameOf(c.quic)
	session, err := c.server.application.Open(c.quic, c.rest.Go)
	if err != nil {
		c.fail(nil, err)
		return
	}
	c.session = session
	next := quic.StreamID(0)
	for {
		stream, err := c.quic.AcceptStream(c.server.closing)
		if err != nil {
			break
		}
		next = stream.StreamID() + 4 // of the next one of its kind (RFC 9000, section 2.1)
		c.take(stream)
	}
	session.End(next)
}

// establish waits for the end of the handshake: requests are taken before (RFC 9001, section 4.6).
func (c *connection) establish() {
	select {
	case <-c.quic.HandshakeComplete():
		c.server.admission.establish(c.quic)
	case <-c.quic.Context().Done():
	}
}

func nameOf(conn *quic.Conn) string {
	return strings.TrimSuffix(strings.ToLower(conn.ConnectionState().TLS.ServerName), ".")
}

// close lets the last answers be made and leave. There is no telling when they have left: they
// are given a moment.
func (c *connection) close() {
	c.awaitAnswers()
	// One that has ended already stays as it is.
	_ = c.quic.CloseWithError(quic.ApplicationErrorCode(c.server.config.Codes.None), "")
	c.answers.Wait()
	c.rest.Wait()
}

func (c *connection) awaitAnswers() {
	if c.quic.Context().Err() != nil {
		return
	}
	answered := make(chan struct{})
	go func() { defer close(answered); c.answers.Wait() }()
	select {
	case <-answered:
	case <-c.server.ended.Done():
	case <-c.quic.Context().Done():
	}
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.quic.Context().Done():
	}
}

// take answers the request on the stream if the client has sent all of it; else it is waited for.
func (c *connection) take(stream *quic.Stream) {
	c.size.Store(unknown)
	stream.SetReceiveFinalSizeCallback(c.note)
	task := task{connection: c, stream: stream, client: c.who()}
	if size := c.size.Load(); size == unknown || size > quick {
		stream.SetReceiveFinalSizeCallback(nil)
		task.await(nil)
		return
	}
	task.now()
}

// who is the client as it is now: connections go on from other addresses (RFC 9000, section 9).
func (c *connection) who() resolver.Client {
	if remote := c.quic.RemoteAddr(); remote != c.remote {
		from := addressOf(remote)
		c.remote, c.client.Addr, c.client.Port = remote, from.Addr(), from.Port()
	}
	return c.client
}

// early says whether the handshake is still under way.
func (c *connection) early() bool {
	select {
	case <-c.quic.HandshakeComplete():
		return false
	default:
		return true
	}
}

// fail ends the stream, or the connection if the fault is fatal or there is no stream.
func (c *connection) fail(stream *quic.Stream, err error) {
	fault := c.faultOf(err)
	if fault.Fatal || stream == nil {
		_ = c.quic.CloseWithError(quic.ApplicationErrorCode(fault.Code), fault.Reason)
		return
	}
	stream.CancelRead(quic.StreamErrorCode(fault.Code))
	stream.CancelWrite(quic.StreamErrorCode(fault.Code))
}

func (c *connection) faultOf(err error) *Fault {
	var fault *Fault
	var cancelled *quic.StreamError
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &cancelled) && cancelled.Remote, errors.Is(err, context.Canceled):
		if c.cancelled.Add(1)-c.answered.Load() > maxCancelled {
			return &Fault{Code: c.server.config.Codes.Load, Reason: "too many requests are cancelled", Fatal: true}
		}
		return &Fault{Code: c.server.config.Codes.Cancelled}
	}
	return &Fault{Code: c.server.config.Codes.Unspecified}
}
