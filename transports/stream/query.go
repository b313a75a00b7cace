package stream

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// one answers a message, or has it answered where that may wait; false when there is no
// place to wait.
func (c *conn) one(room *room, message []byte) bool {
	s := c.server
	if errand := s.config.Zones.Errand(message, &room.name); errand != transports.Question {
		return c.later(room, errand, message)
	}
	query := &room.query
	query.Client, query.Inline, query.Idle = c.client, true, s.Idle()
	start := len(room.out)
	out, err := room.round.Reply(s.context, query, message, append(room.out, 0, 0), maxMessage)
	room.out = framed(out, start)
	if err == nil {
		return true
	}
	return c.later(room, transports.Question, message)
}

// maxResting is how many goroutines are kept for queries that have to wait.
const maxResting = 128

// later has the message answered by a goroutine that may wait. Where too many wait
// already in the whole process, it fails.
func (c *conn) later(room *room, errand transports.Errand, message []byte) bool {
	if c.waiting >= c.server.limits.Waiting {
		return false
	}
	if !c.server.service.Admit(c.client) {
		c.shed(room, message)
		return true
	}
	c.waiting++
	c.server.crew.do(job{c, errand, bytes.Clone(message)})
	return true
}

// shed tells the client that its query was given up: unlike over UDP the connection would
// make it wait in vain.
func (c *conn) shed(room *room, message []byte) {
	start := len(room.out)
	room.query.Client, room.query.Idle = c.client, c.server.Idle()
	room.out = framed(c.server.service.GiveUp(&room.query, message, append(room.out, 0, 0), maxMessage), start)
}

// job is a message that has to wait for its answer.
type job struct {
	conn    *conn
	errand  transports.Errand
	message []byte
}

func (j job) run() {
	c := j.conn
	defer c.server.service.Leave(c.client)
	if j.errand != transports.Question {
		j.zone()
		c.done(nil)
		return
	}
	query := &resolver.Query{Client: c.client, Worker: c.server.worker, Idle: c.server.Idle()}
	reply, err := c.server.service.Answer(c.server.context, query, j.message, make([]byte, prefix, 512), maxMessage)
	if err != nil {
		c.done(nil)
		return
	}
	c.done(framed(reply, 0))
}

var errGone = errors.New("the client is gone")

// zone does what concerns zones. A transfer is as long as its client takes its messages.
func (j job) zone() {
	c := j.conn
	var buffer []byte
	err := c.server.config.Zones.Run(c.server.context, j.errand, c.client, j.message, func(message []byte) error {
		buffer = framed(append(append(buffer[:0], 0, 0), message...), 0)
		if !c.sendWhenTaken(buffer) {
			return errGone
		}
		return nil
	})
	if err != nil && !errors.Is(err, errGone) {
		c.server.logger.Warn("a transfer of a zone ended before its end", "error", Cause(err))
		c.cut() // so that the other side knows
	}
}

// done takes the reply of a query that had to wait.
func (c *conn) done(reply []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	if c.closed {
		return
	}
	c.send(reply)
	if c.held {
		c.socket.wake()
	}
	if !c.closed {
		c.extend(time.Now())
		c.endIfDone()
	}
}

// crew runs jobs on goroutines that rest for more: the stack of one that has resolved a
// name has grown to what that takes.
type crew struct {
	jobs    chan job
	resting atomic.Int32
	group   sync.WaitGroup
}

func (w *crew) do(next job) {
	select {
	case w.jobs <- next:
	default:
		w.group.Go(func() { w.work(next) })
	}
}

func (w *crew) work(next job) {
	for {
		next.run()
		if w.resting.Add(1) > maxResting {
			w.resting.Add(-1)
			return
		}
		var more bool
		next, more = <-w.jobs
		w.resting.Add(-1)
		if !more {
			return
		}
	}
}

// close ends those that rest. Nothing is done after.
func (w *crew) close() {
	close(w.jobs)
	w.group.Wait()
}
