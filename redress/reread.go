package redress

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// rereadOneIn is how many decisions there are to one that is read again.
const rereadOneIn = 50

// sampled says whether a decision is one that somebody else reads again. Whoever has the case
// and the time can tell, and nobody who decides can choose.
func sampled(id CaseID, question Question, at time.Time) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "reread\n%s\n%s\n%d", id, question, at.UnixMicro()))
	return binary.BigEndian.Uint64(sum[:8])%rereadOneIn == 0
}

// Reread notes that somebody else has read the case's last decision. Who does not agree has it
// decided once more, by a third person.
func (d *Desk) Reread(ctx context.Context, actor Actor, id CaseID, agrees bool, note string) error {
	if !actor.May() {
		return ErrNotPermitted
	}
	note, err := statement("note", note, !agrees)
	if err != nil {
		return err
	}
	if err := d.mayDecide(ctx, actor, id); err != nil {
		return fmt.Errorf("reread: %w", err)
	}
	err = d.change(ctx, id, func(cases []*Case) ([]Change, error) {
		change, err := cases[0].reread(actor, agrees, note, now())
		return []Change{change}, err
	})
	if err != nil {
		return fmt.Errorf("reread: %w", err)
	}
	return nil
}

func (c *Case) reread(actor Actor, agrees bool, note string, at time.Time) (Change, error) {
	if _, waits := c.Clocks[RereadClock]; !waits {
		return Change{}, ErrState
	}
	question := c.lastDecided()
	if slices.Contains(c.deciders(question), blocklists.Person(actor.Name)) {
		return Change{}, ErrSamePerson
	}
	change := c.unchanged()
	if !agrees {
		var err error
		if change, _, err = c.step(actor, question, Doubt, "", at); err != nil {
			return change, err
		}
	}
	content := Content{Question: question, Agrees: &agrees}
	change.say(&content, map[TextKind]string{Facts: note})
	change.told(RereadEvent, actor, at, content)
	change.Clocks = append(change.Clocks, Clock{Kind: RereadClock})
	return change, nil
}

// lastDecided is the question of the last decision.
func (c *Case) lastDecided() Question {
	for _, event := range slices.Backward(c.Events) {
		if event.Kind == DecidedEvent {
			return event.Content.Question
		}
	}
	return Merits
}
