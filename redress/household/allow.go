package household

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxLend is the longest that a name is allowed for a while: what is for longer is for always.
	maxLend = 7 * 24 * time.Hour
	// maxLends bounds the names of a profile that are.
	maxLends = 50
)

// Allow lets a name and what lies below it pass, for always.
func (o *Office) Allow(ctx context.Context, by, id, name string) (Entry, error) {
	wanted, err := readName(name)
	if err != nil {
		return Entry{}, err
	}
	return o.change(ctx, Change{ID: id, What: "allowed", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		allow(config, wanted)
		config.Lend = slices.DeleteFunc(config.Lend, func(lend profile.Lend) bool { return sameName(lend.Name, wanted) })
		return nil
	}})
}

// Lend lets a name and what lies below it pass for a while. The end is kept with the profile, and is the same after a restart.
func (o *Office) Lend(ctx context.Context, by, id, name string, length time.Duration) (Entry, error) {
	wanted, err := readName(name)
	if err != nil {
		return Entry{}, err
	}
	if !mayLend(length) {
		return Entry{}, errLength()
	}
	return o.change(ctx, Change{ID: id, What: "lent", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		return lend(config, wanted, length)
	}})
}

func mayLend(length time.Duration) bool { return length >= time.Minute && length <= maxLend }

func errLength() error { return invalid("minutes", "must be from 1 to %d", int(maxLend/time.Minute)) }

func lend(config *profile.Config, name wire.Name, length time.Duration) error {
	lends := slices.DeleteFunc(config.Lend, func(lend profile.Lend) bool { return sameName(lend.Name, name) })
	if len(lends) >= maxLends {
		return invalid("name", "%d names are allowed for a while, and no more can be", maxLends)
	}
	config.Lend = append(lends, profile.Lend{Name: bare(name), Until: time.Now().Add(length).UTC().Truncate(time.Second)})
	return nil
}

// Deny withholds a name and what lies below it; allowed before, it is so no more.
func (o *Office) Deny(ctx context.Context, by, id, name string) (Entry, error) {
	wanted, err := readName(name)
	if err != nil {
		return Entry{}, err
	}
	return o.change(ctx, Change{ID: id, What: "denied", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		forget(config, wanted)
		config.Deny = append(slices.Clone(config.Deny), bare(wanted))
		request(config, by)
		return nil
	}})
}

// Forget takes a name out of what the profile allows and denies by itself.
func (o *Office) Forget(ctx context.Context, by, id, name string) (Entry, error) {
	wanted, err := readName(name)
	if err != nil {
		return Entry{}, err
	}
	return o.change(ctx, Change{ID: id, What: "forgotten", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		forget(config, wanted)
		return nil
	}})
}

// Edit changes some of what a profile says. Who has asked for nothing before, asks with it.
func (o *Office) Edit(ctx context.Context, by, id string, edit func(*profile.Config)) (Entry, error) {
	return o.change(ctx, Change{ID: id, What: "changed", By: by, Make: true, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		kept := *config
		edit(config)
		config.ID, config.Pause, config.Extra, config.Lend = kept.ID, kept.Pause, kept.Extra, kept.Lend
		request(config, by)
		return nil
	}})
}

// request notes who asked for what a profile filters, where nobody did.
func request(config *profile.Config, by string) {
	if config.Filters() && (config.Requested.By == "" || config.Requested.At.IsZero()) {
		config.Requested = profile.Requested{By: by, At: time.Now().UTC().Truncate(time.Second)}
	}
}

// allow adds a name to what a profile allows, and takes it out of what it denies.
func allow(config *profile.Config, name wire.Name) {
	config.Deny = without(config.Deny, name)
	config.Allow = append(without(config.Allow, name), bare(name))
}

func forget(config *profile.Config, name wire.Name) {
	config.Deny, config.Allow = without(config.Deny, name), without(config.Allow, name)
	config.Lend = slices.DeleteFunc(config.Lend, func(lend profile.Lend) bool { return sameName(lend.Name, name) })
}

func without(names []string, name wire.Name) []string {
	return slices.DeleteFunc(slices.Clone(names), func(own string) bool { return sameName(own, name) })
}

func bare(name wire.Name) string { return strings.TrimSuffix(name.String(), ".") }

func sameName(text string, name wire.Name) bool {
	parsed, err := wire.ParseName(text)
	return err == nil && parsed == name
}

// current are what is still allowed for a while. The slice is the caller's.
func current(lends []profile.Lend, now time.Time) []profile.Lend {
	return slices.DeleteFunc(slices.Clone(lends), func(lend profile.Lend) bool { return !now.Before(lend.Until) })
}

// sweepEvery is how often what is over is erased.
const sweepEvery = time.Hour

// Run erases what is over, requests that nobody decided and names that were allowed for a while, until the
// context ends.
func (o *Office) Run(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := o.sweep(ctx); err != nil && ctx.Err() == nil {
			logger.Error("requests and names whose time is over are still in the database", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (o *Office) sweep(ctx context.Context) error {
	now := time.Now()
	err := o.database.Tx(ctx, func(tx *store.Tx) error { return tx.ForgetRequests(ctx, now.Add(-RequestLife)) })
	for _, id := range o.book.Profiles() {
		entry, known := o.book.Profile(id)
		if !known || len(current(entry.Lend, now)) == len(entry.Lend) {
			continue
		}
		_, failed := o.change(ctx, Change{ID: id, What: "ended", By: "the clock", Do: func(context.Context, *store.Tx, *profile.Config) error { return nil }})
		if !errors.Is(failed, redress.ErrNotFound) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
