package orders

import (
	"context"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// log appends events of orders. Auditors read the log: of an order for a secret list it has
// neither the list nor the number nor a sum of the names, which whoever guesses them could check.
func (o *Office) log(ctx context.Context, tx *store.Tx, events ...redress.Event) error {
	for i := range events {
		facts := events[i].Content.Order
		list := o.rules.Catalog().List(facts.List)
		if facts.List == "" || list != nil && list.Disclosure != blocklists.Secret {
			continue
		}
		hidden := *facts
		hidden.List, hidden.Ref, hidden.Digest = "", "", ""
		events[i].Content.Order = &hidden
	}
	return cases.Append(ctx, tx, events...)
}
