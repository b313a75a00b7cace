package notify

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Sender takes notices on one way.
type Sender interface {
	// Send returns nil when the other side has taken the notice, and else a *[Failure].
	Send(ctx context.Context, notice *Notice) error
}

// Routes is where notices go, as the configuration has it now.
type Routes struct {
	OnCall     Contact
	Escalation Contact
	// Mail and Webhook send. Where the operator configured none, nobody is told that way.
	Mail    Sender
	Webhook Sender
}

// Contact is who has a duty. An empty address is none.
type Contact struct {
	Mail    string
	Webhook string
}

// Worker sends what is in the outbox.
type Worker struct {
	outbox outbox
	routes func() Routes
	logger *slog.Logger

	mu     sync.Mutex
	counts map[Count]uint64
}

// Count is what attempts are counted by.
type Count struct {
	Channel string
	Outcome string // sent, nobody, or the class of the failure
}

// NewWorker makes a worker. The routes are asked for anew at every attempt.
func NewWorker(db *store.DB, routes func() Routes, logger *slog.Logger) *Worker {
	return &Worker{outbox: outbox{db}, routes: routes, logger: logger, counts: map[Count]uint64{}}
}

// The worker's bounds.
const (
	perChannel    = 4                      // recipients that are written to at the same time
	attemptTime   = 30 * time.Second       // one attempt
	drainTime     = 800 * time.Millisecond // what is on its way at the end
	purgeInterval = 24 * time.Hour
	troubleTime   = 10 * time.Second // until a database that failed is asked again
)

// Run sends until the context ends, and then lets what is on its way arrive for a moment.
// What has not left by then does so at the next start.
func (w *Worker) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var (
		busy  = map[lane]bool{}
		done  = make(chan lane)
		purge time.Time // the next one
	)
	for ctx.Err() == nil {
		wake := w.outbox.db.Changed(Topic)
		if now := time.Now(); !now.Before(purge) {
			purge = now.Add(purgeInterval)
			if err := w.outbox.purge(ctx, now); err != nil {
				w.trouble(ctx, "old notices cannot be erased", err)
			}
		}
		rest := w.begin(ctx, sending, busy, done)
		timer := time.NewTimer(min(rest, time.Until(purge)))
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		case lane := <-done:
			delete(busy, lane)
		}
		timer.Stop()
	}
	drained := time.AfterFunc(drainTime, stop)
	defer drained.Stop()
	for len(busy) > 0 {
		delete(busy, <-done)
	}
}

// begin tells again of alarms, and starts on the lanes in which something is due. It gives
// how long there is nothing to do unless somebody wakes us.
func (w *Worker) begin(ctx, sending context.Context, busy map[lane]bool, done chan<- lane) time.Duration {
	now := time.Now()
	err := w.escalate(ctx, now)
	lanes, unread := w.outbox.lanes(ctx, now)
	next, unknown := w.outbox.nextDue(ctx, now)
	if err = errors.Join(err, unread, unknown); err != nil {
		w.trouble(ctx, "the outbox of notices cannot be used", err)
		return troubleTime
	}
	at := map[channel]int{}
	for lane := range maps.Keys(busy) {
		at[lane.channel]++
	}
	for _, lane := range lanes {
		if busy[lane] || at[lane.channel] >= perChannel {
			continue
		}
		busy[lane], at[lane.channel] = true, at[lane.channel]+1
		go func() {
			w.clear(ctx, sending, lane)
			done <- lane
		}()
	}
	if next.IsZero() {
		return purgeInterval
	}
	return max(next.Sub(now), time.Millisecond)
}

// trouble says what kept the worker from its work, unless it is ending.
func (w *Worker) trouble(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		w.logger.Error(what+"; it is tried again", "error", err)
	}
}

// clear sends what is due in a lane, one after the other, until something fails.
func (w *Worker) clear(ctx, sending context.Context, lane lane) {
	for ctx.Err() == nil {
		notice, err := w.outbox.next(ctx, lane, time.Now())
		if err != nil {
			w.trouble(ctx, "the outbox of notices cannot be read", err)
			w.pause(ctx, troubleTime)
			return
		}
		if notice == nil || !w.attempt(sending, notice) {
			return
		}
	}
}

// attempt sends a notice and writes down what came of it, once it did. It says whether
// the next one may follow.
func (w *Worker) attempt(sending context.Context, notice *Notice) bool {
	settle, goOn := w.send(sending, notice)
	if settle == nil {
		return false
	}
	for wait := time.Second; ; wait = min(2*wait, troubleTime) {
		err := settle(context.WithoutCancel(sending))
		if err == nil {
			return goOn
		}
		// It was sent, or not; that is not forgotten while this process lives.
		w.trouble(sending, "what came of a notice cannot be written down", err)
		if !w.pause(sending, wait) {
			return false
		}
	}
}

// send tries once, and gives how that is to be written down; nil for not at all.
func (w *Worker) send(ctx context.Context, notice *Notice) (settle func(context.Context) error, goOn bool) {
	sender := w.sender(notice.lane.channel)
	if notice.Address = w.addressOf(notice); notice.Address == "" || sender == nil {
		w.count(notice.lane.channel, string(nobody))
		return func(ctx context.Context) error { return w.outbox.finish(ctx, notice, nobody, time.Now()) }, true
	}
	bounded, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := sender.Send(bounded, notice)
	now := time.Now()
	if err == nil {
		w.count(notice.lane.channel, string(sent))
		return func(ctx context.Context) error { return w.outbox.finish(ctx, notice, sent, now) }, true
	}
	if ctx.Err() != nil { // we broke it off
		return nil, false
	}
	failure := failed(bounded, err)
	w.count(notice.lane.channel, string(failure.Class))
	told := []any{"channel", notice.lane.channel, "kind", notice.Kind, "notice", notice.ID, "attempts", notice.Attempts + 1, "failure", failure.Class, "cause", failure.Cause}
	if failure.Final || notice.givenUp(now) {
		w.logger.Error("a notice is given up; recourse notices shows it", told...)
		return func(ctx context.Context) error { return w.outbox.finish(ctx, notice, dead, now) }, true
	}
	until := now.Add(backoff(notice.Attempts+1, failure.After))
	w.logger.Warn("a notice was not taken", append(told, "again", until.UTC())...)
	return func(ctx context.Context) error { return w.outbox.postpone(ctx, notice, until, now) }, false
}

// addressOf is the notice's own address, or that of whoever has the duty now.
func (w *Worker) addressOf(notice *Notice) string {
	of := notice.lane
	routes := w.routes()
	contact := routes.OnCall
	switch of.duty {
	case "":
		return notice.Address
	case escalation:
		contact = routes.Escalation
	}
	if of.channel == byMail {
		return contact.Mail
	}
	return contact.Webhook
}

func (w *Worker) sender(by channel) Sender {
	if by == byMail {
		return w.routes().Mail
	}
	return w.routes().Webhook
}

// pause waits, and says whether the context still goes on.
func (w *Worker) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
