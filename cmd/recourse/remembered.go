package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/fleet"
)

// rememberedFile is what a desk decided, as it starts with it while its database cannot be used.
const rememberedFile = "decided.json"

// remembered is the decisions of the database and, until that could be used for the first time,
// those that were in force before. Their numbers are the database's, so that it goes on from there.
type remembered struct {
	database *store.DB
	mirror   *fleet.Mirror
	overlay  *policy.Overlay // of the disk: written before a decision is answered, the mirror after it
	reached  atomic.Bool
}

// instead says whether what is remembered stands for what the database could not say.
func (r *remembered) instead(err error) bool {
	if err == nil {
		r.reached.Store(true)
	}
	return store.Unavailable(err) && !r.reached.Load() && r.mirror.Kept()
}

// Exceptions implements [decisions].
func (r *remembered) Exceptions(ctx context.Context) (uint64, []blocklists.Exception, error) {
	sequence, found, err := r.database.Exceptions(ctx)
	if !r.instead(err) {
		return sequence, found, err
	}
	position, _ := r.mirror.Position()
	if r.overlay.Sequence() > position.Exceptions {
		return r.overlay.Sequence(), r.overlay.Exceptions(), nil
	}
	_, found, err = r.mirror.Exceptions(ctx)
	return position.Exceptions, found, err
}

// OrdersSince implements [decisions].
func (r *remembered) OrdersSince(ctx context.Context, after uint64) (uint64, []store.BookedOrder, error) {
	sequence, found, err := r.database.OrdersSince(ctx, after)
	if !r.instead(err) {
		return sequence, found, err
	}
	position, _ := r.mirror.Position()
	_, found, err = r.mirror.OrdersSince(ctx, 0)
	return position.Orders, found, err
}

// Profiles implements [decisions].
func (r *remembered) Profiles(ctx context.Context) ([]store.ProfileRecord, error) {
	found, err := r.database.Profiles(ctx)
	if !r.instead(err) {
		return found, err
	}
	return r.mirror.Profiles(ctx)
}

// openRemembered gives the decisions of a node with a desk.
func (n *node) openRemembered(held *state, database *store.DB) decisions {
	var err error
	if n.mirror, err = fleet.OpenMirror(held.path(rememberedFile)); err != nil {
		n.logger.Error("what is remembered of decisions cannot be used, and is written anew from the database", "error", err)
	}
	return &remembered{database: database, mirror: n.mirror, overlay: startOverlay(held.path(overlayFile), n.logger)}
}

// lastTime is how long the end waits for a database that has just gone away.
const lastTime = 2 * time.Second

// rememberLast writes down what was decided in the moment before the end.
func (n *node) rememberLast(ctx context.Context, database *store.DB) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	if err := n.mirror.Remember(last, fleet.NewSource(database), writeSecret); err != nil {
		n.logger.Warn("what was decided last is not on disk beside the database", "error", err)
	}
}

// later passes over what the database cannot say at the start: it is asked again until it can, and
// meanwhile names are answered by what was in force before.
func (n *node) later(err error) error {
	if err == nil || !store.Unavailable(err) {
		return err
	}
	n.logger.Error("ALARM: the database cannot be used, and what was decided may not be in force; it is asked again", "error", err)
	return nil
}

// pause waits, or until the context ends.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
