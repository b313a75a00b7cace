package overquic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
)

const (
	// quick is how long a request may be that is answered in passing, in octets.
	quick = 2048
	// gap is how long the others wait when the end of a request has come and not its middle.
	gap = time.Millisecond
	// maxDesk is how much room for a reply is kept for the next.
	maxDesk = 4096
	// packet is what a stream takes of a reply without the client's leave.
	packet = 1200
)

// desk is the room for one request and its reply.
type desk struct {
	request Request
	query   resolver.Query
	data    [quick + 1]byte
	reply   []byte
}

func newDesk(worker uint32) *desk {
	made := &desk{reply: make([]byte, 0, 2048)}
	made.query.Worker = worker
	made.request.Query = &made.query
	return made
}

// job is a request that was read.
type job struct {
	task
	desk *desk
	size int
}

// serve answers what connections have read. The chain needs a larger stack than all else; so
// there are as many as workers, and not as many as connections.
func serve(jobs <-chan job, desks *sync.Pool) {
	for one := range jobs {
		one.answer(one.desk, one.desk.data[:one.size])
		desks.Put(one.desk)
		one.answers.Done()
	}
}

// task is one request, on a stream of its own.
type task struct {
	*connection
	stream *quic.Stream
	client resolver.Client
}

// now reads a request whose end has come, and hands it to the connection's worker.
func (t task) now() {
	desk := t.server.desks.Get().(*desk)
	_ = t.stream.SetReadDeadline(time.Now().Add(gap)) // always nil
	n, err := readAll(t.stream, desk.data[:])
	if err == nil {
		t.answers.Add(1)
		t.worker <- job{t, desk, n}
		return
	}
	defer t.server.desks.Put(desk)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.await(bytes.Clone(desk.data[:n]))
		return
	}
	t.fail(t.stream, err)
}

// readAll reads to the end of the stream into a buffer, which it must not fill.
func readAll(stream *quic.Stream, buffer []byte) (int, error) {
	n := 0
	for n < len(buffer) {
		more, err := stream.Read(buffer[n:])
		n += more
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, io.ErrShortBuffer
}

// await reads a request that is not all there, but for the part that was read, beside the others.
func (t task) await(part []byte) {
	if t.server.unfinished.Add(1) > maxUnfinished {
		t.server.unfinished.Add(-1)
		t.fail(t.stream, &Fault{Code: t.server.config.Codes.Load, Reason: "too many requests are not finished", Fatal: true})
		return
	}
	t.answers.Go(func() {
		data, err := t.readSlowly(part)
		t.server.unfinished.Add(-1)
		if err != nil {
			t.fail(t.stream, err)
			return
		}
		desk := t.server.desks.Get().(*desk)
		defer t.server.desks.Put(desk)
		t.answer(desk, data)
	})
}

func (t task) readSlowly(part []byte) ([]byte, error) {
	_ = t.stream.SetReadDeadline(time.Now().Add(t.server.config.Patience)) // always nil
	rest, err := io.ReadAll(io.LimitReader(t.stream, int64(t.server.config.Request-len(part))+1))
	switch data := append(part, rest...); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, t.server.config.Unfinished
	case err != nil:
		return nil, err
	case len(data) > t.server.config.Request:
		return nil, t.server.config.TooLong
	default:
		return data, nil
	}
}

func (t task) answer(desk *desk, data []byte) {
	request := &desk.request
	request.Client, request.Data, request.Early = t.client, data, t.early()
	reply, err := t.session.Answer(request, desk.reply[:0])
	switch {
	case err == nil:
		if cap(reply) <= maxDesk {
			desk.reply = reply
		}
		t.reply(reply)
	case errors.Is(err, resolver.ErrWouldBlock):
		kept := request.clone()
		t.beside(func(ctx context.Context) error { return t.session.Work(ctx, kept, t.write) })
	default:
		t.fail(t.stream, err)
	}
}

// reply hands over at once what the client has given room for. The rest is written beside,
// since it takes as long as the client likes.
func (t task) reply(reply []byte) {
	var err error
	if len(reply) <= packet {
		_, err = t.stream.Write(reply)
	} else {
		err = t.stream.TryWriteAll(reply)
	}
	switch {
	case err == nil:
		t.done()
	case errors.Is(err, quic.ErrWouldBlock):
		reply = bytes.Clone(reply)
		t.beside(func(context.Context) error { return t.write(reply) })
	default:
		t.fail(t.stream, err)
	}
}

func (t task) done() {
	t.answered.Add(1)
	_ = t.stream.Close() // fails where the client has cancelled, which ends it as well
}

// beside runs what has to wait, within the bounds of the gate. It ends when the client no
// longer wants the reply, or is gone.
func (t task) beside(run func(context.Context) error) {
	if !t.server.service.Admit(t.client) {
		t.turnAway()
		return
	}
	t.answers.Go(func() {
		defer t.server.service.Leave(t.client)
		ctx, cancel := context.WithCancel(t.stream.Context())
		defer cancel()
		defer context.AfterFunc(t.server.ended, cancel)()
		err := run(ctx)
		if err == nil {
			err = context.Cause(t.stream.Context()) // the client does not want it any more
		}
		if err != nil {
			t.fail(t.stream, err)
			return
		}
		t.done()
	})
}

// turnAway tells a client that there is no place for its request.
func (t task) turnAway() {
	reply, err := t.session.Busy(nil)
	if err == nil {
		_, err = t.stream.Write(reply) // which fits a packet
	}
	if err != nil {
		t.fail(t.stream, err)
		return
	}
	t.done()
}

func (t task) write(data []byte) error {
	_ = t.stream.SetWriteDeadline(time.Now().Add(t.server.config.Patience)) // always nil
	_, err := t.stream.Write(data)
	return err
}
