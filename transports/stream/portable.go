package stream

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// portable drives each connection by a goroutine of its own, by what package net has
// everywhere.
type portable struct {
	server *Server
	work   sync.WaitGroup
}

func newPortable(server *Server) *portable { return &portable{server: server} }

func (d *portable) accept() (socket, netip.AddrPort, error) {
	taken, err := d.server.config.Listener.AcceptTCP()
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	from := taken.RemoteAddr().(*net.TCPAddr).AddrPort()
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	return &netSocket{conn: taken, taking: d.server.limits.Taking, woken: make(chan struct{}, 1)}, from, nil
}

func (d *portable) attend(c *conn) error {
	d.work.Go(func() { serveAlone(c, c.socket.(*netSocket)) })
	return nil
}

func (d *portable) stop() error { return d.server.config.Listener.Close() }

func (d *portable) close() { d.work.Wait() }

// serveAlone reads one connection until it is closed.
func serveAlone(c *conn, from *netSocket) {
	room := newRoom(c.server)
	for {
		_ = from.conn.SetReadDeadline(time.Time{}) // before looking: who wakes sets another after
		c.mu.Lock()
		can := c.resume(room)
		closed := c.closed
		space := c.space(room)
		c.mu.Unlock()
		if closed {
			return
		}
		if !can {
			<-from.woken
			continue
		}
		size, err := from.conn.Read(space)
		c.mu.Lock()
		c.arrived(room, size)
		switch {
		case err == nil || c.closed || errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF):
			c.ended()
		default:
			c.close()
		}
		c.mu.Unlock()
	}
}

// netSocket is a connection of package net.
type netSocket struct {
	conn   *net.TCPConn
	taking time.Duration
	woken  chan struct{} // says that something has changed
}

// write waits until all is taken, within its time.
func (s *netSocket) write(data []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.taking)); err != nil {
		return 0, err
	}
	return s.conn.Write(data)
}

func (s *netSocket) wake() {
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // where it fails the reader ends by itself
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *netSocket) finish() { _ = s.conn.CloseWrite() } // who is gone needs no notice

func (s *netSocket) local() net.Addr { return s.conn.LocalAddr() }

func (s *netSocket) interrupt() { _ = s.conn.SetWriteDeadline(time.Unix(1, 0)) } // it is closed next

func (s *netSocket) close() {
	s.conn.Close()
	s.wake()
}
