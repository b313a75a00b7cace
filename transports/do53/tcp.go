package do53

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// idle is how long a connection may stay without a query (RFC 7766, section 6.2.3).
	idle = 10 * time.Second
	// stalled is how long one message may take to arrive or to be taken.
	stalled = 5 * time.Second
	// pipelined is how many queries of one connection may wait at once.
	pipelined = 64
	// maxMessage is the largest message that the length field allows.
	maxMessage = 65535
)

func (s *Server) serveTCP() {
	for {
		conn, err := s.stream.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, for one; those in use come free
			s.logger.Warn("a TCP connection could not be taken", "error", err)
			if !s.rest() {
				return
			}
			continue
		}
		if !s.conns.add(conn) {
			conn.Close()
			continue
		}
		s.work.Go(func() {
			defer s.conns.remove(conn)
			newStream(s, conn).serve()
		})
	}
}

// stream is one connection. Replies are written whole, one at a time.
type stream struct {
	server *Server
	conn   *net.TCPConn
	client resolver.Client
	slots  chan struct{}
	work   sync.WaitGroup

	mu sync.Mutex // writes
}

func newStream(server *Server, conn *net.TCPConn) *stream {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	return &stream{server: server, conn: conn, client: resolver.Client{Addr: remote, Door: resolver.TCP}, slots: make(chan struct{}, pipelined)}
}

// serve reads queries until the client ends, stalls or misbehaves.
func (c *stream) serve() {
	defer c.work.Wait()
	var (
		query  resolver.Query
		packet = make([]byte, 0, 512)
		reply  = make([]byte, 0, 1024)
		reader = bufio.NewReaderSize(c.conn, 2048)
		room   [wire.MaxName]byte
		err    error
	)
	for {
		if packet, err = c.read(reader, packet); err != nil {
			return
		}
		if errand := c.server.zones.Errand(packet, &room); errand != transports.Question {
			if !c.divert(errand, packet) {
				return
			}
			packet = make([]byte, 0, 512) // the worker has the other
			continue
		}
		query.Client, query.Inline = c.client, true
		reply, err = c.server.service.Answer(c.server.context, &query, packet, append(reply[:0], 0, 0), maxMessage)
		switch {
		case err != nil:
			if !c.wait(packet) {
				return
			}
			packet = make([]byte, 0, 512) // the worker has the other
		case !c.write(reply):
			return
		}
	}
}

// read takes one message with its two octets of length (RFC 1035, section 4.2.2).
func (c *stream) read(reader *bufio.Reader, packet []byte) ([]byte, error) {
	if reader.Buffered() == 0 {
		if err := c.conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return nil, err
		}
		if c.server.isStopping() { // whoever stops it may have set its deadline before this one
			if err := c.conn.SetReadDeadline(c.server.stopped); err != nil {
				return nil, err
			}
		}
	}
	var length [2]byte
	if _, err := io.ReadFull(reader, length[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(length[:]))
	if size < wire.HeaderSize {
		return nil, wire.ErrShort
	}
	if reader.Buffered() < size {
		if err := c.conn.SetReadDeadline(time.Now().Add(stalled)); err != nil {
			return nil, err
		}
	}
	if cap(packet) < size {
		packet = make([]byte, size)
	}
	packet = packet[:size]
	_, err := io.ReadFull(reader, packet)
	return packet, err
}

// wait answers from a goroutine; false when the connection must end.
func (c *stream) wait(packet []byte) bool {
	select {
	case c.slots <- struct{}{}:
	case <-c.server.context.Done():
		return false
	}
	if !c.server.service.Admit(c.client) {
		<-c.slots
		return false // the client sees the end and may ask again, elsewhere
	}
	c.work.Go(func() {
		defer func() { <-c.slots; c.server.service.Leave(c.client) }()
		query := &resolver.Query{Client: c.client}
		if reply, err := c.server.service.Answer(c.server.context, query, packet, []byte{0, 0}, maxMessage); err == nil {
			c.write(reply)
		}
	})
	return true
}

// divert has what concerns zones done by a worker; false when the connection must end. A
// transfer is as long as its client takes its messages.
func (c *stream) divert(errand transports.Errand, packet []byte) bool {
	select {
	case c.slots <- struct{}{}:
	case <-c.server.context.Done():
		return false
	}
	if !c.server.service.Admit(c.client) {
		<-c.slots
		return false
	}
	c.work.Go(func() {
		defer func() { <-c.slots; c.server.service.Leave(c.client) }()
		buffer := []byte{}
		err := c.server.zones.Run(c.server.context, errand, c.client, packet, func(message []byte) error {
			buffer = append(append(buffer[:0], 0, 0), message...)
			if !c.write(buffer) {
				return errGone
			}
			return nil
		})
		if err != nil && !errors.Is(err, errGone) {
			c.server.logger.Warn("a transfer of a zone ended before its end", "error", withoutAddress(err))
			c.conn.Close() // so that the other side knows
		}
	})
	return true
}

var errGone = errors.New("the client is gone")

// write sends one reply, whose first two octets are room for its length. No reply
// is the two octets alone; a connection that does not take its replies is closed.
func (c *stream) write(reply []byte) bool {
	if len(reply) < 2+wire.HeaderSize {
		return true
	}
	binary.BigEndian.PutUint16(reply, uint16(len(reply)-2))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
		return false
	}
	if _, err := c.conn.Write(reply); err != nil {
		c.conn.Close()
		return false
	}
	return true
}

// connections are the open ones of one server, bounded.
type connections struct {
	limit int

	mu     sync.Mutex
	open   map[*net.TCPConn]struct{}
	closed bool
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, open: make(map[*net.TCPConn]struct{})}
}

func (c *connections) add(conn *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.open) >= c.limit {
		return false
	}
	c.open[conn] = struct{}{}
	return true
}

func (c *connections) remove(conn *net.TCPConn) {
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	conn.Close()
}

// readUntil has the connections end then, once what they have read is answered.
func (c *connections) readUntil(then time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.SetReadDeadline(then) // fails for one that has ended by itself
	}
}

func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.Close()
	}
}
