package doh

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

// maxResting is how many goroutines are kept for queries that have to wait: the stack of
// one that has resolved a name has grown to what that takes.
const maxResting = 128

// task is a query that has to wait for its answer. It has a place of the service's.
type task struct {
	connection *connection
	stream     uint32
	client     resolver.Client
	message    []byte
}

// workers run the chain where it may wait. The service bounds how many do.
type workers struct {
	service *transports.Service
	context context.Context // of the server: a query lives as long as that
	tasks   chan task
	resting atomic.Int32
	group   sync.WaitGroup
}

func (w *workers) hand(next task) {
	select {
	case w.tasks <- next:
	default:
		w.group.Go(func() { w.attend(next) })
	}
}

// attend does one task, and the next ones if few wait for such.
func (w *workers) attend(next task) {
	number := w.service.Worker()
	for {
		w.do(next, number)
		if w.resting.Add(1) > maxResting {
			w.resting.Add(-1)
			return
		}
		select {
		case next = <-w.tasks:
			w.resting.Add(-1)
		case <-w.context.Done():
			return
		}
	}
}

func (w *workers) do(one task, number uint32) {
	defer w.service.Leave(one.client)
	reply, err := w.service.Answer(w.context, &resolver.Query{Client: one.client, Worker: number}, one.message, nil, maxMessage)
	switch {
	case err != nil:
		one.connection.finish(one.stream, statusUnavailable, nil)
	case len(reply) < wire.HeaderSize:
		one.connection.finish(one.stream, statusDropped, nil)
	default:
		one.connection.finish(one.stream, statusOK, reply)
	}
}
