package orders

import (
	"context"
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Shown is an order with all that is known of it.
type Shown struct {
	Outcome
	Names  []store.OrderName // ended ones too
	Events []redress.Event
}

// Show gives one order.
func (o *Office) Show(ctx context.Context, sender *Sender, ref string, list blocklists.ListID) (Shown, error) {
	var made Shown
	record, err := o.find(ctx, o.db, sender, ref, list)
	if err != nil {
		return Shown{}, err
	}
	if made.Outcome, err = o.stand(ctx, record.ID); err != nil {
		return Shown{}, err
	}
	if made.Names, err = store.OrderNames(ctx, o.db, record.ID, true); err != nil {
		return Shown{}, err
	}
	if made.Events, err = cases.OrderEvents(ctx, o.db, record.ID); err != nil {
		return Shown{}, fmt.Errorf("read events of order: %w", err)
	}
	return made, nil
}

// Listed is an order in a list of them.
type Listed struct {
	Record *store.OrderRecord
	State  State
	Names  int
	Held   int
}

// UnlawfulState is of what was recorded and is no order.
const UnlawfulState State = "unlawful"

// List gives a page of the orders that the sender may see, the oldest first, and after which
// number the next one begins; 0 where there is none.
func (o *Office) List(ctx context.Context, sender *Sender, after int64) (page []Listed, next int64, err error) {
	at := now()
	err = o.db.View(ctx, func(view *store.View) error {
		found, err := store.OrdersAfter(ctx, view, after)
		if err != nil {
			return err
		}
		for _, record := range found {
			if len(found) == store.MaxOrderPage {
				next = record.ID
			}
			if sender.Role != redress.Operator && record.Submitter != sender.Name() && (!record.Lawful || !sender.may(&record.Order)) {
				continue
			}
			one := Listed{Record: record, State: UnlawfulState}
			if record.Lawful {
				names, err := store.OrderNames(ctx, view, record.ID, false)
				if err != nil {
					return err
				}
				one.State, one.Names, one.Held = stateOf(record, names, at), len(names), len(held(names))
			}
			page = append(page, one)
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list orders: %w", err)
	}
	return page, next, nil
}
