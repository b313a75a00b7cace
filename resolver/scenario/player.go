package scenario

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// patience is how long a step waits for an answer, in the bubble's time.
const patience = 30 * time.Second

// Play plays the scenario against the real chain. It must be called inside a
// bubble of testing/synctest, whose clock TIME_PASSES moves. The error says which
// step failed, with what went out and came back until then.
func (s *Scenario) Play(ctx context.Context) error {
	log := new(transcript)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	world, err := newWorld(s.Zones)
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	upstream := &upstream{scenario: s, world: world, log: log}
	logger := slog.New(slog.NewTextHandler(log, nil))
	state, forget, err := s.Config.state()
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	defer forget()
	chain, err := build(&s.Config, world, upstream, state, logger)
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	if err := world.at(0); err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	following := chain.follow(ctx)
	p := &player{scenario: s, upstream: upstream, log: log, handler: chain.handler, answers: make(chan *dns.Msg, len(s.Steps)+1)}
	err = p.run(ctx)
	cancel()
	following.Wait()
	chain.kept.Close()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, log)
	}
	return nil
}

// player goes through the steps.
type player struct {
	scenario *Scenario
	upstream *upstream
	log      *transcript
	handler  resolver.Handler
	answers  chan *dns.Msg
	waiting  sync.WaitGroup
}

func (p *player) run(ctx context.Context) error {
	defer p.waiting.Wait() // the client's side; each ends by the chain's own patience
	for _, step := range p.scenario.Steps {
		p.upstream.at(step.ID)
		if err := p.upstream.world.at(step.ID); err != nil {
			return fmt.Errorf("%s:%d: %w", p.scenario.File, step.Line, err)
		}
		p.log.printf("step %d %s", step.ID, step.Kind)
		err := p.step(ctx, step)
		if err != nil {
			return fmt.Errorf("%s:%d: step %d %s: %w", p.scenario.File, step.Line, step.ID, step.Kind, err)
		}
		synctest.Wait()
	}
	return nil
}

func (p *player) step(ctx context.Context, step *Step) error {
	switch step.Kind {
	case StepQuery:
		return p.ask(ctx, step)
	case StepCheckAnswer:
		return p.check(step)
	case StepNoAnswer:
		return p.checkNone()
	case StepTimePasses:
		time.Sleep(step.Elapse)
		return nil
	case StepCheckOutQuery:
		return p.checkOut(step)
	case StepNoOutQuery:
		return p.checkNoOut(step)
	case StepOutCount, StepTotalCount:
		return p.countOut(step)
	case StepReply, StepTimeout:
		return p.end(step)
	}
	return nil
}

// check waits for the answer and compares it.
func (p *player) check(step *Step) error {
	var got *dns.Msg
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case got = <-p.answers:
	case <-timer.C:
		return fmt.Errorf("no answer within %v", patience)
	}
	p.log.printf("answer:\n%s", got)
	if found := step.Entry.differences(got); len(found) > 0 {
		return fmt.Errorf("%s", strings.Join(found, "; "))
	}
	return nil
}

func (p *player) checkNone() error {
	synctest.Wait()
	select {
	case got := <-p.answers:
		return fmt.Errorf("an answer:\n%s", got)
	default:
		return nil
	}
}

// checkOut wants a query since the last QUERY that no earlier step has checked.
func (p *player) checkOut(step *Step) error {
	synctest.Wait()
	for _, out := range p.upstream.queries(step) {
		if !out.checked {
			out.checked = true
			return nil
		}
	}
	return fmt.Errorf("no such query went out")
}

func (p *player) checkNoOut(step *Step) error {
	synctest.Wait()
	if found := p.upstream.queries(step); len(found) > 0 {
		return fmt.Errorf("%s was asked %s", found[0].server, questionText(found[0].query))
	}
	return nil
}

func (p *player) countOut(step *Step) error {
	synctest.Wait()
	if found := p.upstream.queries(step); len(found) < step.Low || len(found) > step.High {
		return fmt.Errorf("%d queries went out", len(found))
	}
	return nil
}

// end replies to the first pending query, or ends it as timed out.
func (p *player) end(step *Step) error {
	synctest.Wait()
	for _, out := range p.upstream.queries(step) {
		if out.pending {
			out.pending = false
			out.ended <- ending{step.Entry}
			return nil
		}
	}
	return fmt.Errorf("no query is pending")
}

// transcript is what happened, for when a step fails.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

const maxTranscript = 64 << 10

func (t *transcript) printf(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

// Write makes it the output of the resolver's own log, too.
func (t *transcript) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len() < maxTranscript {
		t.text.Write(text)
	}
	return len(text), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

var _ io.Writer = (*transcript)(nil)
