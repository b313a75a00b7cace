package control

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Rechecker looks for the proof of a case now.
type Rechecker interface {
	Recheck(ctx context.Context, id redress.CaseID, method redress.Method) (redress.Proof, error)
}

// The worker's bounds.
const (
	round     = 30 * time.Second // between two looks at what is due
	atOnce    = 8                // challenges
	perName   = 12               // looks each interval for the names below one registrable name
	jitter    = 30 * time.Second
	giveUpFor = time.Minute // until what failed on our side is tried again
)

// Worker looks at open challenges. Several nodes may each have one.
type Worker struct {
	queue  queue
	desk   Rechecker
	ended  Ended
	logger *slog.Logger

	mu     sync.Mutex
	looked map[string]int // in this interval, by registrable name
	since  time.Time
}

// Ended writes what the party is told of a challenge that ended without a proof; false for nothing.
type Ended func(ctx context.Context, id redress.CaseID) (notify.Message, bool)

// NewWorker makes a worker. Ended may be nil.
func NewWorker(db *store.DB, desk Rechecker, ended Ended, logger *slog.Logger) *Worker {
	return &Worker{queue: queue{db}, desk: desk, ended: ended, logger: logger, looked: make(map[string]int)}
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	for {
		if err := w.Round(ctx); err != nil && ctx.Err() == nil {
			w.logger.Error("proofs of control are not looked for now; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Round looks at all that is due now.
func (w *Worker) Round(ctx context.Context) error {
	if err := w.queue.gather(ctx, time.Now()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		taken, err := w.queue.take(ctx, time.Now())
		if err != nil || len(taken) == 0 {
			return err
		}
		var group sync.WaitGroup
		slots := make(chan struct{}, atOnce)
		for i := range taken {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				w.look(ctx, &taken[i])
			})
		}
		group.Wait()
	}
	return nil
}

// look tries the methods of one challenge, and says when it is due again.
func (w *Worker) look(ctx context.Context, one *check) {
	next, proved := w.next(one), false
	if w.may(one.name) {
		for _, method := range one.methods {
			proof, err := w.desk.Recheck(ctx, one.one, method)
			switch {
			case ctx.Err() != nil:
				return // it is another's when our time with it is over
			case errors.Is(err, redress.ErrNotFound), proof.Verified, proof.Flaw == redress.FlawLate:
				next, proved = time.Time{}, proof.Flaw != redress.FlawLate
			case err != nil:
				w.logger.Warn("a proof of control could not be looked for; it is tried again", "case", one.one, "method", method, "error", err)
				next = time.Now().Add(giveUpFor)
			}
			if next.IsZero() {
				break
			}
		}
	}
	if next.IsZero() && !proved && time.Now().Before(one.until) {
		next = one.until // the last look
	}
	if err := w.queue.putBack(ctx, one, next, w.letter(ctx, one, next.IsZero() && !proved)...); err != nil && ctx.Err() == nil {
		w.logger.Error("what came of a look for a proof was not written down; it is repeated", "case", one.one, "error", err)
	}
}

// letter is what the party is told of a challenge that ended.
func (w *Worker) letter(ctx context.Context, one *check, ended bool) []notify.Message {
	if !ended || w.ended == nil {
		return nil
	}
	if message, any := w.ended(ctx, one.one); any {
		return []notify.Message{message}
	}
	return nil
}

// next is when a challenge is due again; zero for never. A part of it is drawn, so that what
// was filed together is not looked at together for a week.
func (w *Worker) next(one *check) time.Time {
	next := time.Now().Add(interval - jitter/2 + rand.N(jitter))
	if next.After(one.until) {
		return time.Time{}
	}
	return next
}

// may says whether names below the same registrable name have not been looked at too often.
func (w *Worker) may(name string) bool {
	above, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		above = name // a public suffix itself
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.since) >= interval {
		clear(w.looked)
		w.since = now
	}
	w.looked[above]++
	return w.looked[above] <= perName
}
