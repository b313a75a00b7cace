package stream

import (
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// readSize is how much of one connection is read at once.
	readSize = 16 << 10
	// flushAt is how many octets of replies are gathered before they are written.
	flushAt = 16 << 10
	// keepSize is the largest room for something incomplete that a connection keeps when
	// it is complete.
	keepSize = 512
)

// room is where one goroutine works on connections, one after the other, so that those
// that are idle need none.
type room struct {
	raw   [maxMessage + prefix + readSize]byte // as the network gave it, behind what was kept
	kept  int
	early bool   // read before the end of the handshake
	plain []byte // decrypted
	out   []byte // replies
	wire  []byte // replies, encrypted
	round *transports.Round
	query resolver.Query
	name  [wire.MaxName]byte
}

func newRoom(server *Server) *room {
	return &room{round: server.service.Round(server.config.Door)}
}

// conn is one connection. What it waits for is in due; all else is used with it locked.
type conn struct {
	server *Server
	client resolver.Client
	part   uint8
	due    due // when its time is over

	mu      sync.Mutex
	socket  socket
	layer   layer  // nil: plain
	shaking *shake // nil but for the time of the handshake
	rest    []byte // what has come of the next record
	partial []byte // what has come of the next message, or more messages when it is held
	unsent  []byte // replies that the client has not taken
	taking  time.Time
	late    time.Time     // when what is incomplete began
	waiting int           // queries without an answer yet
	drained chan struct{} // closed when unsent is empty, where a transfer waits for that
	placed  bool          // the gate let it in
	proxied bool          // a load balancer is to say first who the client is
	begun   bool          // the handshake is over, if there is one
	held    bool          // input is not read until replies are taken, or queries answered
	over    bool          // nothing more is read
	closed  bool
}

// due is a time in nanoseconds. An even one is that of an idle connection, whose time may
// become shorter.
type due struct{ at atomic.Int64 }

func (d *due) set(at time.Time)  { d.at.Store(at.UnixNano() | 1) }
func (d *due) idle(at time.Time) { d.at.Store(at.UnixNano() &^ 1) }
func (d *due) never()            { d.at.Store(math.MaxInt64) }

func (d *due) before(now time.Time, sooner time.Duration) bool {
	at := d.at.Load()
	if at&1 == 0 {
		at -= int64(sooner)
	}
	return at <= now.UnixNano()
}

// resume goes on where the connection was stopped, and says whether input can be read.
func (c *conn) resume(room *room) bool {
	if c.closed || !c.flush() {
		return false
	}
	if c.held {
		c.held = false
		if c.begun {
			c.space(room)
			c.consume(room, 0)
			c.endIfDone()
		}
	}
	return !c.closed && !c.held && !c.over && len(c.unsent) == 0
}

// space gives the room to read into, behind what is incomplete.
func (c *conn) space(room *room) []byte {
	room.early = !c.begun
	switch {
	case !c.begun:
		room.kept = 0
	case c.layer != nil:
		room.kept = copy(room.raw[:], c.rest)
	default:
		room.kept = copy(room.raw[:], c.partial)
	}
	return room.raw[room.kept:min(room.kept+readSize, len(room.raw))]
}

// arrived takes what was read into the space.
func (c *conn) arrived(room *room, size int) {
	switch {
	case c.closed || size == 0:
	case c.begun && room.early: // it ended meanwhile, where reading is not locked
		c.rest = append(c.rest, room.raw[:size]...)
		c.space(room)
		c.consume(room, 0)
	case c.begun:
		c.consume(room, size)
	case c.proxied:
		c.header(room, room.raw[:size])
	default:
		c.handshake(room.raw[:size])
	}
}

// consume answers what is complete.
func (c *conn) consume(room *room, size int) {
	now := room.round.Begin()
	defer room.round.Finish()
	plain := room.raw[:room.kept+size]
	ended := error(nil)
	if c.layer != nil {
		var rest []byte
		plain, rest, ended = c.layer.open(append(room.plain[:0], c.partial...), plain)
		room.plain = plain
		c.rest = keep(c.rest, rest)
		if ended != nil && !errors.Is(ended, io.EOF) {
			c.fail(ended)
			return
		}
	}
	rest, answered, err := c.answer(room, plain)
	c.partial = keep(c.partial, rest)
	c.emit(room)
	switch {
	case c.closed:
	case ended != nil || err != nil: // after what is no message nothing can be told apart
		c.ended()
	default:
		c.progress(now, answered > 0, size > 0)
	}
}

// keep copies what is left into the room that there was, or a new one.
func keep(old, rest []byte) []byte {
	if len(rest) == 0 && cap(old) > keepSize {
		return nil
	}
	return append(old[:0], rest...)
}

// progress notes since when something is incomplete: one message may take its time, and
// an octet now and then does not give it more.
func (c *conn) progress(now time.Time, answered, arrived bool) {
	switch {
	case len(c.partial)+len(c.rest) == 0 && (answered || !arrived):
		c.late = time.Time{}
	case answered || c.late.IsZero():
		c.late = now
	}
	c.extend(now)
}

// extend sets when the connection's time is over.
func (c *conn) extend(now time.Time) {
	limits := &c.server.limits
	switch {
	case !c.begun: // by the server, once
	case len(c.unsent) > 0:
		c.due.set(c.taking.Add(limits.Taking))
	case !c.late.IsZero() && !c.held:
		c.due.set(c.late.Add(limits.Message))
	case c.waiting > 0:
		c.due.never() // the resolver bounds that
	default:
		c.due.idle(now.Add(limits.Idle))
	}
}

// expire ends the connection if its time is really over.
func (c *conn) expire(now time.Time, sooner time.Duration) {
	if !c.mu.TryLock() {
		return // it is busy; the next time comes
	}
	defer c.mu.Unlock()
	if c.closed || !c.due.before(now, sooner) {
		return
	}
	if !c.begun || len(c.unsent) > 0 || !c.late.IsZero() {
		c.server.counts.Cut.Add(1)
		c.close()
		return
	}
	c.end(nil)
}

// answer runs the chain on each message that is complete. Replies gather in the room.
func (c *conn) answer(room *room, data []byte) (rest []byte, answered int, err error) {
	room.out = room.out[:0]
	for {
		message, rest, err := next(data)
		if errors.Is(err, errIncomplete) {
			return data, answered, nil
		}
		if err != nil {
			return nil, answered, err
		}
		if !c.one(room, message) {
			c.held = true // until there is a place for one more that waits
			return data, answered, nil
		}
		answered++
		data = rest
		if len(room.out) >= flushAt {
			if c.emit(room); c.closed || len(c.unsent) > 0 {
				c.held = true
				return data, answered, nil
			}
			room.out = room.out[:0]
		}
	}
}

// ended is the end of the client's input. What waits is answered yet.
func (c *conn) ended() {
	if !c.begun && c.shaking == nil {
		c.close() // it has said nothing
		return
	}
	c.over = true
	c.late = time.Time{}
	if c.shaking != nil {
		c.shaking.tell()
	}
	c.extend(time.Now())
	c.endIfDone()
}

// finish ends the connection as soon as what has come is answered.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
	case !c.begun:
		c.close()
	default:
		c.ended()
	}
}

// endIfDone ends the connection when all that has come is answered. What is held has come.
func (c *conn) endIfDone() {
	if c.over && c.begun && !c.held && c.waiting == 0 && len(c.unsent) == 0 && !c.closed {
		c.end(nil)
	}
}

// fail ends the connection for what the client did.
func (c *conn) fail(err error) { c.end(err) }

// end says that nothing follows, and closes.
func (c *conn) end(err error) {
	if c.closed {
		return
	}
	if c.layer != nil && len(c.unsent) == 0 {
		_, _ = c.socket.write(c.layer.end(nil, err)) // who does not take it sees the end below
	}
	c.socket.finish()
	c.close()
}

// cut closes the connection from outside.
func (c *conn) cut() {
	c.socket.interrupt()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
}

func (c *conn) close() {
	if c.closed {
		return
	}
	c.closed = true
	c.socket.close()
	c.rest, c.partial, c.unsent = nil, nil, nil
	c.release()
	if c.shaking != nil {
		c.shaking.tell()
	}
	c.server.open.remove(c)
	if c.placed {
		c.server.service.Disconnect(c.client)
	}
}
