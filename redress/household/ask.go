package household

import (
	"context"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver"
)

// RequestLife is for how long a request waits. What nobody decided until then is erased.
const RequestLife = 14 * 24 * time.Hour

// Ask takes down that a client of a profile wants a name allowed. What is kept is the name and the profile:
// nothing says which of its devices asked.
func (o *Office) Ask(ctx context.Context, from resolver.Client, id, name string) error {
	if whose := o.visitors.Whose(from); whose == "" || whose != id {
		return redress.ErrNotPermitted
	}
	return o.AskFor(ctx, Visitor{Profile: id}, name)
}

// AskFor is [Office.Ask] of a visitor whom a page has recognised.
func (o *Office) AskFor(ctx context.Context, from Visitor, name string) error {
	if from.Profile == "" {
		return redress.ErrNotPermitted
	}
	wanted, err := readName(name)
	if err != nil {
		return err
	}
	return o.database.Tx(ctx, func(tx *store.Tx) error { return tx.AddRequest(ctx, from.Profile, wanted, maxOpen, time.Now()) })
}

// Requests are those of a profile that wait.
func (o *Office) Requests(ctx context.Context, id string) ([]store.ProfileRequest, error) {
	if _, err := o.Show(id); err != nil {
		return nil, err
	}
	waiting, err := o.database.Requests(ctx, id)
	over := time.Now().Add(-RequestLife)
	return slices.DeleteFunc(waiting, func(one store.ProfileRequest) bool { return one.At.Before(over) }), err
}

// Reply is what somebody says to a request.
type Reply struct {
	Granted bool
	For     time.Duration // how long the name is allowed; 0: for always
}

// Decide grants a request, which allows the name for always or a while, or declines it.
func (o *Office) Decide(ctx context.Context, by, id string, number int64, said Reply) (Entry, error) {
	what := "declined"
	if said.Granted {
		what = "granted"
	}
	if said.For != 0 && !mayLend(said.For) {
		return Entry{}, errLength()
	}
	return o.change(ctx, Change{ID: id, What: what, By: by, Do: func(ctx context.Context, tx *store.Tx, config *profile.Config) error {
		name, err := tx.TakeRequest(ctx, id, number)
		switch {
		case err != nil || !said.Granted:
			return err
		case said.For > 0:
			return lend(config, name, said.For)
		}
		allow(config, name)
		return nil
	}})
}
