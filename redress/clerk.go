package redress

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/redress/notify"
)

// clerk is who acts where no person does. It gathers, asks, reminds, escalates and unblocks, and
// refuses nothing.
var clerk = Actor{Name: "desk", Role: System}

// clocksAtOnce is how many clocks are read at a time.
const clocksAtOnce = 100

// Run puts decisions in force and does what is due, at once and then at every interval, until
// the context ends. Several nodes may do so over one store: what one has done the others find
// done.
func (d *Desk) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	seen := uint64(0)
	for {
		if _, err := d.Settle(ctx); err != nil && ctx.Err() == nil {
			d.logger.Error("decisions not in force yet", slog.Any("error", err))
		}
		if err := d.Work(ctx); err != nil && ctx.Err() == nil {
			d.logger.Error("clocks of cases not read", slog.Any("error", err))
		}
		if d.config.Generation != nil {
			if now := d.config.Generation(); now != seen {
				if err := d.Relisted(ctx); err == nil {
					seen = now
				} else if ctx.Err() == nil {
					d.logger.Error("lifted names not looked at", slog.Any("error", err))
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Work does what is due now. What fails for one case is logged, and tried again the next time.
func (d *Desk) Work(ctx context.Context) error {
	tried := make(map[DueClock]bool)
	for {
		due, err := d.store.Due(ctx, now(), clocksAtOnce+len(tried))
		if err != nil {
			return fmt.Errorf("work: %w", err)
		}
		fresh := 0
		for _, one := range due {
			if tried[one] {
				continue
			}
			fresh++
			tried[one] = true
			if err := d.tick(ctx, one); err != nil && ctx.Err() == nil {
				d.logger.Error("a clock of a case was not served", slog.String("case", string(one.Case)), slog.String("clock", string(one.Kind)), slog.Any("error", err))
			}
		}
		if fresh == 0 || len(tried) > 100*clocksAtOnce || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// tick serves one clock.
func (d *Desk) tick(ctx context.Context, due DueClock) error {
	switch due.Kind {
	case TriageClock:
		return d.triage(ctx, due)
	case RetestClock:
		return d.retest(ctx, due, clerk)
	case ShortenClock:
		if err := d.serve(ctx, due, (*Case).shorten); err != nil {
			return err
		}
		_, err := d.Settle(ctx)
		return err
	case ImplementationClock, MeritsClock, RereadClock, SendClock:
		return d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) { return c.missed(due, at), nil })
	case DossierClock:
		return d.serve(ctx, due, d.sendDossier)
	case RemindClock:
		return d.serve(ctx, due, d.remind)
	case AnswerClock:
		return d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) {
			change := c.unchanged()
			change.told(UnansweredEvent, clerk, at, Content{Question: Merits})
			return change, nil
		})
	case ReviewClock:
		return d.serve(ctx, due, d.reviewException)
	case FollowClock:
		return d.follow(ctx, due)
	case PublisherClock:
		return d.tellPublisher(ctx, due)
	case NodesClock:
		return d.lookAtNodes(ctx, due)
	}
	return fmt.Errorf("the clock %q is of another version", due.Kind)
}

// serve writes what is to be done when a clock has run out, unless somebody else has done so,
// and takes the clock away where do has not set it again.
func (d *Desk) serve(ctx context.Context, due DueClock, do func(c *Case, at time.Time) (Change, error)) error {
	return d.change(ctx, due.Case, func(cases []*Case) ([]Change, error) {
		if set, runs := cases[0].Clocks[due.Kind]; !runs || !set.Equal(due.At) {
			return nil, nil
		}
		change, err := do(cases[0], now())
		if err != nil {
			return nil, err
		}
		change.Clocks = append([]Clock{{Kind: due.Kind}}, change.Clocks...)
		return []Change{change}, nil
	})
}

// missed notes a clock that nobody kept: first whoever is on call is told, a day later who is
// above them. A party's silence is nobody's miss: from then on a person may close.
func (c *Case) missed(due DueClock, at time.Time) Change {
	change := c.unchanged()
	question := Merits
	if due.Kind == ImplementationClock {
		question = Implementation
	}
	track := c.track(question)
	switch {
	case due.Kind == RereadClock:
		question = c.lastDecided()
	case due.Kind == SendClock:
	case track.State == NeedInfo:
		change.told(OverdueEvent, clerk, at, Content{Question: question, Clock: due.Kind, Deadline: track.Deadline})
		return change
	case !track.open():
		return change
	}
	what := "nobody has decided"
	if due.Kind == SendClock {
		what = "nobody has said that its dossier was sent to the authority.\nPrint it with: recourse cases refer " + string(c.ID) + "\nSay that it was sent with: recourse cases refer " + string(c.ID) + " --sent"
	}
	to, again := notify.OnCall(), c.countMissed(due.Kind) > 0
	if again {
		to = notify.Escalation()
	} else {
		change.Clocks = append(change.Clocks, Clock{Kind: due.Kind, At: at.Add(24 * time.Hour)})
	}
	change.told(MissedEvent, clerk, at, Content{Question: question, Clock: due.Kind, Deadline: due.At})
	change.Notices = append(change.Notices, notify.Message{
		To: to, Kind: "case.missed", Subject: fmt.Sprintf("Case %s: a deadline has passed", c.ID),
		Body: fmt.Sprintf("The clock %s of case %s ran out at %s, and %s.\n\nRead it with: recourse cases show %s\n", due.Kind, c.ID, due.At.Format(time.RFC3339), what, c.ID),
		Data: map[string]any{"case": c.ID, "clock": due.Kind, "deadline": due.At, "again": again},
		Key:  fmt.Sprintf("case/%s/missed/%s/%d", c.ID, due.Kind, due.At.Unix()),
	})
	return change
}

func (c *Case) countMissed(kind ClockKind) int {
	count := 0
	for _, event := range c.Events {
		if event.Kind == MissedEvent && event.Content.Clock == kind {
			count++
		}
	}
	return count
}

// shorten lifts what was decided to end now.
func (c *Case) shorten(at time.Time) (Change, error) {
	change := c.unchanged()
	exceptions, err := c.exceptions(&Decision{Outcome: string(Reverse)}, at)
	if err != nil {
		return change, err
	}
	change.Exceptions = exceptions
	change.told(LiftedEvent, clerk, at, Content{Question: Merits, Outcome: Shorten})
	return change, nil
}
