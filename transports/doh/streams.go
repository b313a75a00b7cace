package doh

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// state is where a stream is between its opening and its end (RFC 9113, section 5.1).
type state uint8

const (
	receiving state = iota // open: the body is awaited
	asked                  // half-closed: the request is whole
	working                // half-closed: a worker has the query
	sending                // half-closed: the client's windows keep the answer's rest back
	forsaken               // closed by one side, while a worker still has the query
)

// stream is one request and its answer.
type stream struct {
	id    uint32
	state state
	since time.Time // when it began to be received, worked for or sent
	name  string    // that the client connected to
	path  string    // likewise

	verdict  status // of its head: statusOK for one whose message is read
	isGet    bool   // and stands in its head; the body is passed over, as one that is refused
	message  []byte // or what has come of it
	length   int64  // of the body, where it was said; else -1
	got      int64  // of the body
	received int64  // the same with padding, for the windows
	window   int64  // what may be sent
	rest     []byte // of the answer, that is held back
}

// cutKept is how many streams that we ended before the client did are known by their
// number: what still comes for them was under way.
const cutKept = 128

var errSlow = errors.New("answers are not taken")

// open begins a stream with the request that was read from its header.
func (c *connection) open(id uint32, ends bool) error {
	head := &c.fields.request
	s := &c.single
	*s = stream{id: id, state: receiving, since: c.now, message: s.message[:0], length: head.length, isGet: head.method == "GET", window: c.initial}
	if ends {
		s.state = asked
	}
	switch {
	case c.fields.tooMany():
		return c.refuse(s, statusHeaders)
	case c.fields.malformed, ends && head.length > 0:
		return c.reset(id, http2.ErrCodeProtocol)
	case len(c.streams) >= maxStreams:
		return c.reset(id, http2.ErrCodeRefusedStream)
	}
	c.active = c.now
	c.controls.earn(controlPerRequest)
	s.name = c.nameOf(head.host)
	if s.verdict = head.judge(); s.verdict == statusOK {
		s.path = head.clientPath()
		if s.isGet {
			s.message, s.verdict = head.appendMessage(s.message)
		}
	}
	if ends || s.verdict == statusTooLarge {
		return c.answer(s, s.message)
	}
	c.keep(s)
	c.receiving++
	return nil
}

// nameOf is what the host of a request stands for. It is mostly that of the last one.
func (c *connection) nameOf(host string) string {
	if !c.named || host != c.host {
		c.named, c.host, c.name = true, host, clientName(host, c.serverName)
	}
	return c.name
}

// receive takes a part of a body, which with its padding has so many octets.
func (c *connection) receive(s *stream, part []byte, size int, ends bool) error {
	s.got += int64(len(part))
	s.received += int64(size)
	switch {
	case s.received > initialWindow:
		return c.reset(s.id, http2.ErrCodeFlowControl)
	case s.length >= 0 && (s.got > s.length || ends && s.got < s.length):
		return c.reset(s.id, http2.ErrCodeProtocol) // section 8.1.1
	case s.got > maxMessage:
		return c.refuse(s, statusTooLarge)
	}
	message := s.message
	switch {
	case s.isGet || s.verdict != statusOK:
	case ends && len(s.message) == 0:
		message = part // which is the rule, and saves a copy
	default:
		s.message = append(s.message, part...)
		message = s.message
	}
	if !ends {
		c.restore(s, size-len(part))
		return nil
	}
	c.receiving--
	c.consume(s.received)
	s.state = asked
	return c.answer(s, message)
}

// answer runs the chain on a whole message, and has a worker run it where it must wait.
func (c *connection) answer(s *stream, message []byte) error {
	if s.verdict != statusOK {
		return c.refuse(s, s.verdict)
	}
	if !isQuery(message) {
		return c.refuse(s, statusMalformed)
	}
	c.query.Client, c.query.Inline = c.client, true
	c.query.Client.Name, c.query.Client.Path = s.name, s.path
	var err error
	c.reply, err = c.round.Reply(c.server.context, &c.query, message, c.reply[:0], maxMessage)
	switch {
	case err != nil:
		return c.wait(s, message)
	case len(c.reply) < wire.HeaderSize:
		return c.refuse(s, statusDropped)
	}
	err = c.respond(s, statusOK, c.reply)
	if cap(c.reply) > replyKept {
		c.reply = nil
	}
	return err
}

// replyKept is how much room for a reply a connection keeps for the next.
const replyKept = 4096

// wait hands the query to a worker, if there is a place for it.
func (c *connection) wait(s *stream, message []byte) error {
	client := c.query.Client
	if !c.server.service.Admit(client) {
		return c.refuse(s, statusUnavailable)
	}
	s = c.keep(s)
	s.state, s.since = working, c.now
	c.server.workers.hand(task{connection: c, stream: s.id, client: client, message: slices.Clone(message)})
	return nil
}

// finish brings a worker's answer.
func (c *connection) finish(id uint32, verdict status, reply []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[id]
	if s == nil || c.gone {
		return
	}
	c.now = time.Now()
	var err error
	switch {
	case s.state == forsaken:
		c.forget(s)
	case len(c.pending) > maxPending:
		c.failed = errSlow
	case verdict != statusOK:
		err = c.refuse(s, verdict)
	default:
		err = c.respond(s, verdict, reply)
	}
	if c.flush() != nil || err != nil || c.closing && len(c.streams) == 0 {
		_ = c.line.SetReadDeadline(longAgo) // the reader ends
	}
}

// longAgo is a deadline that wakes who waits.
var longAgo = time.Unix(1, 0)

// refuse answers in HTTP alone. What the client still sends is not awaited (section 8.1).
func (c *connection) refuse(s *stream, verdict status) error {
	id, ended := s.id, s.state != receiving
	if err := c.respond(s, verdict, []byte(verdict.text())); err != nil || ended {
		return err
	}
	return c.reset(id, http2.ErrCodeNo)
}

// respond sends an answer, as far as the client's windows allow.
func (c *connection) respond(s *stream, verdict status, body []byte) error {
	c.room(responseRoom + len(body))
	c.appendHeader(s.id, verdict, body)
	size := int(max(0, min(int64(len(body)), s.window, c.window)))
	c.window -= int64(size)
	s.window -= int64(size)
	if size == len(body) {
		c.appendData(s.id, body, true)
		c.forget(s)
		return nil
	}
	if size > 0 {
		c.appendData(s.id, body[:size], false)
	}
	return c.hold(s, body[size:])
}

// hold keeps the rest of an answer until the client opens its windows.
func (c *connection) hold(s *stream, rest []byte) error {
	if c.held+len(rest) > maxHeld {
		return c.reset(s.id, http2.ErrCodeEnhanceYourCalm)
	}
	if s.state == receiving { // it is refused; the reset that follows ends it
		return nil
	}
	s = c.keep(s)
	s.state, s.since, s.rest = sending, c.now, slices.Clone(rest)
	c.held += len(rest)
	c.queue = append(c.queue, s)
	return nil
}

// pump sends what was held back, the oldest first, as far as the windows allow now.
func (c *connection) pump() {
	for i := 0; i < len(c.queue) && c.window > 0; {
		s := c.queue[i]
		size := int(max(0, min(int64(len(s.rest)), s.window, c.window)))
		if size == 0 {
			i++
			continue
		}
		c.room(responseRoom + size)
		c.window -= int64(size)
		s.window -= int64(size)
		part := s.rest[:size]
		s.rest, s.since = s.rest[size:], c.now
		c.held -= size
		c.appendData(s.id, part, len(s.rest) == 0)
		if len(s.rest) > 0 {
			i++
			continue
		}
		c.forget(s) // which takes it off the queue
	}
}

// keep gives the stream a place of its own, where it has none yet.
func (c *connection) keep(s *stream) *stream {
	if kept := c.streams[s.id]; kept != nil {
		return kept
	}
	kept := c.spare
	if c.spare = nil; kept == nil {
		kept = new(stream)
	}
	message := append(kept.message[:0], s.message...)
	*kept = *s
	kept.message = message
	c.streams[s.id] = kept
	return kept
}

// forget ends a stream.
func (c *connection) forget(s *stream) {
	if c.streams[s.id] != s {
		return // answered at once: it had no place
	}
	delete(c.streams, s.id)
	switch s.state {
	case receiving:
		c.receiving--
		c.consume(s.received)
	case sending:
		c.held -= len(s.rest)
		s.rest = nil
		c.queue = slices.DeleteFunc(c.queue, func(one *stream) bool { return one == s })
	}
	if cap(s.message) <= spareSize {
		c.spare = s
	}
}

// spareSize is how much room for a message a stream keeps for the next.
const spareSize = 1024

// abandon ends a stream before its answer. Its place stays taken as long as a worker is
// busy with it: who gives up what he asked cannot ask for more by it.
func (c *connection) abandon(id uint32) {
	s := c.streams[id]
	switch {
	case s == nil:
	case s.state == working:
		s.state = forsaken
	case s.state != forsaken:
		c.forget(s)
	}
}

// reset ends a stream by our act. Whom we have to do that to too often is one who attacks.
func (c *connection) reset(id uint32, code http2.ErrCode) error {
	c.abandon(id)
	c.cut[c.cuts%cutKept] = id
	c.cuts++
	c.appendNumbers(http2.FrameRSTStream, id, uint32(code))
	if !c.resets.spend(c.now) {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	return nil
}
