package redress

import (
	"context"
	"time"
)

// ApplyTime is in what time a decision is to be in force at every node.
const ApplyTime = 15 * time.Minute

// watchNodes sets the clock by which nodes have what a change lifts or blocks again.
func (d *Desk) watchNodes(change *Change) {
	if d.config.Late == nil || len(change.Events) == 0 || len(change.Exceptions) == 0 && !change.EndExceptions {
		return
	}
	decided := change.Events[len(change.Events)-1].At
	change.Clocks = append(change.Clocks, Clock{Kind: NodesClock, At: decided.Add(ApplyTime)})
}

// lookAtNodes notes each node that has not reported in time what was decided. Whoever is on call is told by an
// alarm of the node, once for all that it lacks.
func (d *Desk) lookAtNodes(ctx context.Context, due DueClock) error {
	var late []string
	if d.config.Late != nil {
		var err error
		if late, err = d.config.Late(ctx, due.Case, due.At); err != nil {
			return err
		}
	}
	return d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) {
		change := c.unchanged()
		for _, node := range late {
			change.told(MissedEvent, clerk, at, Content{Clock: NodesClock, Deadline: due.At, Node: node})
		}
		return change, nil
	})
}
