package stream

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// waiter is one query that waits on a connection.
type waiter struct {
	id       uint16
	messages chan []byte // with its ID
}

// connection is one connection to a server with the queries that are on their way.
type connection struct {
	net.Conn
	idle  time.Duration
	room  int // for queries on their way
	kept  bool
	ended chan struct{} // closed by the reader

	mu      sync.Mutex
	over    bool
	waiting map[uint16]*waiter

	sending sync.Mutex
	out     []byte // queries that whoever writes at the moment takes along
	writing bool
}

// add makes room for a query. One whose ID is on its way already needs another
// connection.
func (c *connection) add(waiting *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || len(c.waiting) >= c.room || c.waiting[waiting.id] != nil {
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
		_ = c.SetReadDeadline(time.Now().Add(c.idle))
	default:
		_ = c.Close() // its reader ends with that
	}
}

func (c *connection) exchange(ctx context.Context, waiting *waiter, query []byte, accept func([]byte) bool) ([]byte, error) {
	defer c.leave(waiting)
	if err := c.send(query); err != nil {
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

// send frames the query with its length (RFC 1035, section 4.2.2); both leave in one
// segment (RFC 7766, section 8). While one writes, the queries of others gather behind it.
func (c *connection) send(query []byte) error {
	c.sending.Lock()
	c.out = append(binary.BigEndian.AppendUint16(c.out, uint16(len(query))), query...)
	if c.writing {
		c.sending.Unlock()
		return nil // who writes takes it along; if that fails the connection ends
	}
	c.writing = true
	var spare []byte
	for len(c.out) > 0 {
		data := c.out
		c.out = spare[:0]
		c.sending.Unlock()
		err := c.write(data)
		spare = data
		c.sending.Lock()
		if err != nil {
			c.writing = false
			c.sending.Unlock()
			return err
		}
	}
	c.out, c.writing = nil, false
	c.sending.Unlock()
	return nil
}

// write gives the server a time of its own, and not that of the query which happens to
// write: the others' would end with it.
func (c *connection) write(data []byte) error {
	err := c.SetWriteDeadline(time.Now().Add(sending))
	if err == nil {
		_, err = c.Write(data)
	}
	if err != nil {
		_ = c.Close() // its reader ends with that, and all who wait with the reader
	}
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
	from := bufio.NewReader(c.Conn)
	for strays := 0; strays < maxStrays; {
		message, err := readMessage(from)
		if err != nil {
			return
		}
		if !c.deliver(message) {
			strays++
		}
	}
}

func readMessage(from io.Reader) ([]byte, error) {
	var length [prefix]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(from, message)
	return message, err
}

// deliver gives a message to the query with its ID, unless there is none or it has got
// more than enough.
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
