package doh

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// idle is how long a connection may stay without a request.
	idle = time.Minute
	// stalled is how long one frame, one header, one body, or the taking of what is due to
	// the client may last.
	stalled = 5 * time.Second
	// lingering is how long after the last word the client's own are awaited.
	lingering = time.Second
	// lingerOctets bounds what is heard meanwhile.
	lingerOctets = 256 << 10
)

// connection is one client's connection of HTTP/2. One goroutine reads it and answers what
// can be answered at once; workers bring the rest.
type connection struct {
	server *Server
	conn   net.Conn // of TLS
	line   *line    // below it
	client resolver.Client
	frames *http2.Framer

	// The reader's alone.
	fields     *fields
	round      *transports.Round
	rested     bool // what is read next was not there before
	query      resolver.Query
	single     stream // one that is answered as soon as it is read
	reply      []byte
	serverName string // of TLS
	named      bool   // the last request had this host, which stands for this name:
	host, name string
	weak       bool // the cipher is not for HTTP/2
	boundary   bool // no octet of the next frame has come
	begun      time.Time
	selfish    bool // the header that is read depends on itself

	mu sync.Mutex // guards what follows; the reader has it but for reading and writing
	output
	streams    map[uint32]*stream
	spare      *stream // one that can be used again
	highest    uint32  // of the streams that the client opened
	cut        [cutKept]uint32
	cuts       int
	queue      []*stream // of those whose answers are held back
	receiving  int       // streams whose body is awaited
	swept      time.Time
	block      []byte // of a header that goes on in the next frame
	blockOf    uint32 // its stream; 0 for none
	blockOpens bool   // it opens its stream
	blockEnds  bool   // it ends its stream
	window     int64  // what may be sent, all streams together
	initial    int64  // what may be sent of a new stream
	credit     int64  // what may be received
	consumed   int64  // what was received and not given back
	now        time.Time
	active     time.Time // when the last request came
	controls   budget
	resets     budget
	opened     bool // our settings are said
	greeted    bool // the client's settings have come
	draining   bool // the client was told to ask no more
	closing    bool // and which streams are the last
	last       uint32
}

// The initial values of the protocol (RFC 9113, sections 6.5.2 and 6.9.2), and ours.
const (
	initialWindow = 65535
	maxWindow     = 1<<31 - 1
	minFrame      = 16384 // the largest frame that is read and written
	// receiveWindow bounds the bodies that lie here unread of all streams together. A single
	// stream has the protocol's window, which is the size of the largest message.
	receiveWindow = 128 << 10
	// maxStreams bounds the streams open at once, those that were given up and are still
	// worked for included.
	maxStreams = 128
)

func newConnection(server *Server, conn net.Conn, below *line, client resolver.Client) *connection {
	now := time.Now()
	c := &connection{
		server: server, conn: conn, line: below, client: client,
		rested: true, fields: newFields(), round: server.service.Round(client.Door), streams: make(map[uint32]*stream),
		window: initialWindow, initial: initialWindow, credit: receiveWindow,
		now: now, active: now, begun: now, swept: now,
		controls: newBudget(controlBurst, controlPerSecond, now), resets: newBudget(resetBurst, resetPerSecond, now),
	}
	c.written.L = &c.mu
	c.frames = http2.NewFramer(nil, c)
	c.frames.SetMaxReadFrameSize(minFrame)
	c.frames.SetReuseFrames()
	return c
}

// serve reads frames until the client ends, stalls or misbehaves.
func (c *connection) serve() {
	c.line.rest = c.rest
	err := c.greet()
	if c.weak && err == nil {
		err = http2.ConnectionError(http2.ErrCodeInadequateSecurity)
	}
	for err == nil {
		err = c.next()
	}
	c.end(err)
}

var (
	errPreface = errors.New("no HTTP/2")
	errDrained = errors.New("all that was asked is answered")
)

// greet says our settings and hears the client's preface (RFC 9113, section 3.4).
func (c *connection) greet() error {
	c.mu.Lock()
	c.appendGreeting()
	c.opened = true
	if c.draining {
		c.appendDrain()
	}
	c.mu.Unlock()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c, preface); err != nil {
		return err
	}
	if string(preface) != http2.ClientPreface {
		return errPreface
	}
	return nil
}

// Read is the framer's.
func (c *connection) Read(into []byte) (int, error) {
	size, err := c.conn.Read(into)
	if size > 0 {
		c.boundary = false
	}
	return size, err
}

// next reads one frame and does what it asks.
func (c *connection) next() error {
	if c.greeted && c.blockOf == 0 {
		c.boundary, c.begun = true, time.Time{}
	}
	header, err := c.frames.ReadFrameHeader()
	if err != nil {
		return err
	}
	frame, err := c.frames.ReadFrameForHeader(header)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rested {
		c.rested, c.now = false, c.round.Begin()
	}
	if err == nil {
		err = c.dispatch(frame)
	}
	if err != nil {
		return c.forgive(header, err)
	}
	return nil
}

// forgive makes an error that is of one stream alone the end of that stream.
func (c *connection) forgive(header http2.FrameHeader, err error) error {
	var stream http2.StreamError
	switch {
	case !errors.As(err, &stream):
		return err
	case header.Type == http2.FrameHeaders, stream.StreamID > c.highest: // the table would be lost; never opened
		return http2.ConnectionError(stream.Code)
	}
	return c.reset(stream.StreamID, stream.Code)
}

// rest is called when all that has come was dealt with, before the next read: what is to
// be written is written then, whole, and the client has its time from there.
func (c *connection) rest() error {
	if err := c.settle(); err != nil {
		return err
	}
	if c.line.isFull() {
		runtime.Gosched() // a client with always more to ask lets the others have their turns
	}
	return nil
}

func (c *connection) settle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(); err != nil {
		return err
	}
	if !c.rested {
		c.rested = true
		c.round.Finish()
	}
	for c.writing && len(c.pending) > maxPending { // a worker writes, and is behind
		c.written.Wait()
	}
	if c.closing && len(c.streams) == 0 {
		return errDrained
	}
	c.now = time.Now()
	if c.overdue() {
		return os.ErrDeadlineExceeded
	}
	if c.receiving > 0 {
		if err := c.line.prompt(); err != nil {
			return err
		}
	}
	return c.line.SetReadDeadline(c.deadline())
}

// deadline is until when something has to come.
func (c *connection) deadline() time.Time {
	switch {
	case !c.boundary: // within a frame, a header, or before the client's settings
		if c.begun.IsZero() {
			c.begun = c.now
		}
		return c.begun.Add(stalled)
	case c.receiving > 0 || c.held > 0:
		return c.now.Add(stalled)
	}
	return c.active.Add(idle)
}

// overdue says that a body or the taking of an answer lasts too long, however much else
// comes meanwhile. It looks once a second.
func (c *connection) overdue() bool {
	if c.receiving == 0 && c.held == 0 || c.now.Sub(c.swept) < time.Second {
		return false
	}
	c.swept = c.now
	for _, s := range c.streams {
		if (s.state == receiving || s.state == sending) && c.now.Sub(s.since) > stalled {
			return true
		}
	}
	return false
}

// end says why, if there is somebody to tell, and closes.
func (c *connection) end(err error) {
	c.mu.Lock()
	code, tell := reason(err)
	if tell && c.failed == nil {
		if !c.closing || code != http2.ErrCodeNo {
			c.appendGoAway(c.highest, code)
		}
		_ = c.flush() // the connection ends either way
		for c.writing {
			c.written.Wait() // a worker writes the last answers, and what was just said
		}
	}
	c.gone = true
	c.mu.Unlock()
	if tell && code != http2.ErrCodeNo {
		c.linger()
	}
	_ = c.conn.Close() // nothing more is to be said
}

// reason is what the client is told, if anything: nobody hears after a failed read.
func reason(err error) (http2.ErrCode, bool) {
	var protocol http2.ConnectionError
	switch {
	case errors.As(err, &protocol):
		return http2.ErrCode(protocol), true
	case errors.Is(err, http2.ErrFrameTooLarge), errors.Is(err, io.ErrUnexpectedEOF):
		return http2.ErrCodeFrameSize, true
	case errors.Is(err, errPreface):
		return http2.ErrCodeProtocol, true
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errDrained):
		return http2.ErrCodeNo, true
	}
	return 0, false
}

// linger hears the client out for a moment: a connection that is closed with octets unread
// is reset by the kernel, and with it may go what the client was told last.
func (c *connection) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return
		}
	}
	if err := c.line.closeWrite(); err != nil {
		return
	}
	if err := c.line.SetReadDeadline(time.Now().Add(lingering)); err != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.line.Conn, lingerOctets) // whatever comes
}
