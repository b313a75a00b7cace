package orders

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
)

// NoteLateNodes writes into the log which node did not have which change of an order in time, each once. Self is the node
// that looks.
func (o *Office) NoteLateNodes(ctx context.Context, self string, at time.Time) error {
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		late, err := fleet.LateOrders(ctx, tx, self, at)
		for i := range late {
			if err == nil {
				err = o.noteLateNode(ctx, tx, &late[i], at.UTC().Truncate(time.Millisecond))
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("nodes without orders: %w", err)
	}
	return nil
}

func (o *Office) noteLateNode(ctx context.Context, tx *store.Tx, late *fleet.LateOrder, at time.Time) error {
	record, err := store.OrderByID(ctx, tx, late.Order)
	if err != nil {
		return err
	}
	facts := factsOf(record)
	facts.What, facts.Names, facts.Node, facts.Late = late.What, late.Names, late.Node, at.Sub(late.Since).Round(time.Second).String()
	o.logger.Warn("an order is not in force at a node", slog.String("ref", record.Order.Ref), slog.String("node", late.Node), slog.String("late", facts.Late))
	if err := o.log(ctx, tx, event(record, redress.OrderNodeLate, system(), at, facts)); err != nil {
		return err
	}
	return fleet.NoteLate(ctx, tx, late, at)
}
