package do53

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// idleTime is how long a connection stays open with nothing to wait for (RFC
	// 7766, section 6.2.3).
	idleTime = 5 * time.Second
	// maxKept bounds the connections that are kept for more queries, in all and to
	// one server; others serve one query.
	maxKept          = 128
	maxKeptPerServer = 2
	// maxPipelined is how many queries may be on their way on one connection.
	maxPipelined = 64
	// maxStrays is how many messages that nobody waits for end a connection.
	maxStrays = 100
)

var (
	errEnded  = errors.New("connection ended before the reply")
	errClosed = errors.New("client is closed")
)

// pool keeps TCP connections to servers open for a while, for queries one after
// the other and side by side (RFC 7766, sections 6.2.1 and 6.2.1.1).
type pool struct {
	mu     sync.Mutex
	kept   map[netip.AddrPort][]*connection
	count  int
	closed bool
	group  sync.WaitGroup // readers
}

// exchange asks over a connection that is open already, or a new one. One that
// was kept may have ended in the meantime, which is no fault (section 6.2.4).
func (p *pool) exchange(ctx context.Context, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, error) {
	if len(query) > 1<<16-1 {
		return nil, fmt.Errorf("query of %d octets does not fit a message", len(query))
	}
	waiting := &waiter{messages: make(chan []byte, maxMessages)}
	if len(query) >= 2 {
		waiting.id = binary.BigEndian.Uint16(query)
	}
	if one := p.join(server, waiting); one != nil {
		reply, err := one.exchange(ctx, waiting, query, accept)
		if !errors.Is(err, errEnded) {
			return reply, err
		}
		waiting.messages = make(chan []byte, maxMessages)
	}
	one, err := p.dial(ctx, server, waiting)
	if err != nil {
		return nil, err
	}
	return one.exchange(ctx, waiting, query, accept)
}

// join finds a connection with room for the query; nil for none.
func (p *pool) join(server netip.AddrPort, waiting *waiter) *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.kept[server] {
		if one.add(waiting) {
			return one
		}
	}
	return nil
}

func (p *pool) dial(ctx context.Context, server netip.AddrPort, waiting *waiter) (*connection, error) {
	var dialer net.Dialer
	dialled, err := dialer.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, err
	}
	one := &connection{Conn: dialled, waiting: map[uint16]*waiter{waiting.id: waiting}, ended: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.Join(errClosed, dialled.Close())
	}
	if one.kept = p.count < maxKept && len(p.kept[server]) < maxKeptPerServer; one.kept {
		p.kept[server] = append(p.kept[server], one)
		p.count++
	}
	p.group.Go(func() {
		one.read()
		p.forget(server, one)
	})
	return one, nil
}

func (p *pool) forget(server netip.AddrPort, one *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !one.kept {
		return
	}
	p.count--
	p.kept[server] = slices.DeleteFunc(p.kept[server], func(other *connection) bool { return other == one })
	if len(p.kept[server]) == 0 {
		delete(p.kept, server)
	}
}

// close ends all connections that are kept and waits for their readers.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, connections := range p.kept {
		for _, one := range connections {
			_ = one.Close() // its reader ends with that
		}
	}
	p.mu.Unlock()
	p.group.Wait()
}

// waiter is one query that waits on a connection.
type waiter struct {
	id       uint16
	messages chan []byte // with its ID
}

// connection is one TCP connection with the queries that are on their way.
type connection struct {
	net.Conn
	kept  bool
	ended chan struct{} // closed by the reader

	writing sync.Mutex
	mu      sync.Mutex
	over    bool
	waiting map[uint16]*waiter
}

// add makes room for a query. One whose ID is on its way already needs another
// connection.
func (c *connection) add(waiting *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || len(c.waiting) >= maxPipelined || c.waiting[waiting.id] != nil {
		return false
	}
	c.waiting[waiting.id] = waiting
	_ = c.SetReadDeadline(time.Time{}) // where it fails the reader has ended
	return true
}

// leave takes a query off. With the last the connection becomes idle.
func (c *connection) leave(waiting *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, waiting.id)
	switch {
	case len(c.waiting) > 0:
	case c.kept:
		_ = c.SetReadDeadline(time.Now().Add(idleTime))
	default:
		_ = c.Close() // its reader ends with that
	}
}

func (c *connection) exchange(ctx context.Context, waiting *waiter, query []byte, accept func([]byte) bool) ([]byte, error) {
	defer c.leave(waiting)
	if err := c.send(ctx, query); err != nil {
		return nil, fmt.Errorf("%w: %w", errEnded, err)
	}
	for range maxMessages {
		select {
		case reply := <-waiting.messages:
			if accept(reply) {
				return reply, nil
			}
		case <-c.ended:
			return c.last(waiting, accept)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, errFlooded
}

// last looks at what came before the end.
func (c *connection) last(waiting *waiter, accept func([]byte) bool) ([]byte, error) {
	for {
		select {
		case reply := <-waiting.messages:
			if accept(reply) {
				return reply, nil
			}
		default:
			return nil, errEnded
		}
	}
}

// send frames the query with its length (RFC 1035, section 4.2.2); both leave in
// one segment (RFC 7766, section 8).
func (c *connection) send(ctx context.Context, query []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	c.writing.Lock()
	defer c.writing.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetWriteDeadline(deadline); err != nil {
			return err
		}
	}
	_, err := c.Write(append(framed, query...))
	return err
}

// read hands messages to those who wait for them until the connection ends.
func (c *connection) read() {
	defer func() {
		c.mu.Lock()
		c.over = true
		c.mu.Unlock()
		_ = c.Close() // it has ended anyway
		close(c.ended)
	}()
	for strays := 0; strays < maxStrays; {
		message, err := readFramed(c)
		if err != nil {
			return
		}
		if !c.deliver(message) {
			strays++
		}
	}
}

func readFramed(from io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(from, message)
	return message, err
}

// deliver gives a message to the query with its ID, unless there is none or it
// has got more than enough.
func (c *connection) deliver(message []byte) bool {
	if len(message) < 2 {
		return false
	}
	c.mu.Lock()
	waiting := c.waiting[binary.BigEndian.Uint16(message)]
	c.mu.Unlock()
	if waiting == nil {
		return false
	}
	select {
	case waiting.messages <- message:
		return true
	default:
		return false
	}
}
