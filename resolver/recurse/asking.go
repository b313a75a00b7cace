package recurse

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// asking is one question on its way through the servers of a zone. One server
// is asked at a time; one that takes long is not given up when the next is asked,
// so that a slow reply is still worth something (RFC 8305 has the same idea).
type asking struct {
	*Upstreams
	work     *resolver.Work
	question Question
	judge    func(resolver.Server, *dns.Msg) error

	queue     []resolver.Server
	asked     []resolver.Server // one for each try
	left      int               // tries
	running   int
	silent    int               // tries
	latest    *try              // the last one started, while its time is not up
	strangers []resolver.Server // that were silent, and none of the other family has answered yet
	problems  []error

	meet    sync.Once // of the caller's goroutine and the one beside it
	results chan *try
	ended   chan outcomeBeside
}

// try is one server asked once, with what came of it.
type try struct {
	server resolver.Server
	silent bool // its time-out was noted
	reply  *dns.Msg
	err    error
}

func (t *try) ask(ctx context.Context, of *asking) {
	t.reply, t.err = of.try(ctx, of.work, t.server, of.question)
}

// run asks one server after the other from the caller's own goroutine. Most
// questions need no more; once one takes long, others go on beside it.
func (a *asking) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for a.next() {
		one := a.latest
		late := time.AfterFunc(a.patience(), func() {
			a.meet.Do(a.prepare)
			a.ended <- a.beside(ctx)
			cancel() // what is still asked then is of no use
		})
		one.ask(ctx, a)
		if !late.Stop() {
			a.meet.Do(a.prepare)
			a.results <- one
			return (<-a.ended).here()
		}
		a.running, a.latest = 0, nil
		if ended, err := a.settle(ctx, one); ended {
			return err
		}
	}
	return unanswered(a.question, a.problems)
}

func (a *asking) prepare() {
	a.results = make(chan *try, maxTries) // has room for all
	a.ended = make(chan outcomeBeside, 1)
}

// outcomeBeside is what came of the servers that another goroutine asked.
type outcomeBeside struct {
	err   error
	panic any
}

// here ends the caller's goroutine as the other one ended: whoever asked survives a
// panic, the process would not.
func (o outcomeBeside) here() error {
	if o.panic != nil {
		panic(o.panic)
	}
	return o.err
}

// beside goes on when the time of the first try is up.
func (a *asking) beside(ctx context.Context) (outcome outcomeBeside) {
	defer func() {
		if fault := recover(); fault != nil {
			outcome.panic = fmt.Sprintf("%v\n%s", fault, debug.Stack())
		}
	}()
	a.giveUp(a.latest)
	a.latest = nil
	return outcomeBeside{err: a.abreast(ctx)}
}

// abreast asks the next server when the time of the last one is up, and listens to
// all of them.
func (a *asking) abreast(ctx context.Context) error {
	timer := time.NewTimer(maxTimeout)
	defer timer.Stop()
	for {
		if a.latest == nil && a.next() {
			one := a.latest
			go func() {
				one.ask(ctx, a)
				a.results <- one
			}()
			timer.Reset(a.patience())
		}
		switch {
		case a.running == 0:
			return unanswered(a.question, a.problems)
		case a.latest == nil && a.question.Minimised: // the whole name may do better than listening on
			return unanswered(a.question, append(a.problems, context.DeadlineExceeded))
		}
		select {
		case done := <-a.results:
			a.running--
			if a.latest == done {
				a.latest = nil
			}
			if ended, err := a.settle(ctx, done); ended {
				return err
			}
		case <-timer.C:
			a.giveUp(a.latest)
			a.latest = nil
		case <-ctx.Done():
			return final(ctx, ctx.Err())
		}
	}
}

// next takes the next server for a try, false where there is none or no try is left.
func (a *asking) next() bool {
	if a.left == 0 || len(a.queue) == 0 {
		return false
	}
	a.latest = &try{server: a.queue[0]}
	a.queue = a.queue[1:]
	a.left--
	a.asked = append(a.asked, a.latest.server)
	a.running++
	return true
}

// tries is how often the server has been asked.
func (a *asking) tries(server resolver.Server) int {
	count := 0
	for _, one := range a.asked {
		if one == server {
			count++
		}
	}
	return count
}

// patience is how long the latest server is waited for before the next is asked. The
// more were silent the shorter it is: packets are lost, and all are still listened to.
func (a *asking) patience() time.Duration {
	wait := a.health.timeout(a.latest.server)
	switch {
	case a.silent == 0 || a.latest.server.Transport != resolver.OverUDP && a.silent == 1:
		return wait
	case a.silent == 1:
		return min(wait, minTimeout)
	}
	return min(wait, hurry)
}

// settle says whether the asking has ended, with a good reply or for good.
func (a *asking) settle(ctx context.Context, done *try) (ended bool, err error) {
	err = done.err
	if err == nil {
		a.health.outdone(a.strangers, done.server)
		a.strangers = nil
		if err = a.judged(done); err == nil {
			return true, nil
		}
	}
	if failure := final(ctx, err); failure != nil {
		return true, failure
	}
	if isTimeout(err) {
		a.giveUp(done)
	}
	if errors.Is(err, errNetwork) { // perhaps all of its family are out of reach
		a.queue = a.health.order(a.queue, a.question.Zone)
	}
	a.problems = append(a.problems, err)
	return false, nil
}

// giveUp notes the silence of a server and has it asked again, after the others.
func (a *asking) giveUp(late *try) {
	if late == nil || late.silent {
		return
	}
	late.silent = true
	a.silent++
	a.stats.timeouts.Add(1)
	a.health.silent(late.server)
	if a.health.known(late.server).smoothed == 0 {
		a.strangers = append(a.strangers, late.server)
		a.queue = a.health.turn(a.queue, a.question.Zone, late.server)
	}
	most := maxServerTries
	if !a.health.heardLately(late.server) {
		most = maxStrangerTries
	}
	datagrams := resolver.Server{Addr: late.server.Addr}
	switch {
	case late.server.Transport == resolver.OverTCP && a.tries(datagrams) > 0: // TCP has repeated it already
	case a.tries(late.server) < most && !a.health.down(late.server):
		a.enqueue(late.server)
	case late.server.Transport == resolver.OverUDP && !a.question.Minimised && a.question.Tries == 0:
		// Perhaps packets are lost, perhaps those of this size: TCP repeats them.
		stream := resolver.Server{Addr: late.server.Addr, Transport: resolver.OverTCP}
		if a.tries(stream) == 0 {
			a.enqueue(stream)
		}
	}
}

// enqueue has a server asked after the others, but for those that are down.
func (a *asking) enqueue(server resolver.Server) {
	place := slices.IndexFunc(a.queue, a.health.down)
	if place < 0 {
		place = len(a.queue)
	}
	a.queue = slices.Insert(a.queue, place, server)
}

// judged asks whether the reply is of use, and remembers of whom it was not.
func (a *asking) judged(done *try) error {
	err := a.judge(done.server, done.reply)
	switch {
	case err == nil || a.question.Minimised:
	case errors.Is(err, ErrLame):
		a.stats.lame.Add(1)
		a.health.disowned(done.server, a.question.Zone, lameFor)
	case a.question.Zone != "":
		a.health.disowned(done.server, a.question.Zone, badFor)
	}
	return err
}
