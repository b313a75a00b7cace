package household

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Book is where profiles are written down and put in force.
type Book interface {
	// Profile gives what a profile says now; false where there is none.
	Profile(id string) (Entry, bool)
	// Change makes a change in one transaction, and returns when it is in force. An error of the
	// change's own undoes it and is passed on unwrapped.
	Change(ctx context.Context, change Change) (Entry, error)
	// Profiles are the IDs of all that there are, sorted.
	Profiles() []string
}

// Visitors knows clients of the resolver.
type Visitors interface {
	// Whose is the ID of a client's profile; "" where it has none.
	Whose(client resolver.Client) string
}

// Entry is a profile as the book has it.
type Entry struct {
	profile.Config
	// By and At are who changed it last and when; zero where it is as the configuration says.
	By string
	At time.Time
	// Phase is what it does now, and until when.
	Phase profile.Phase
}

// Change is one change of a profile.
type Change struct {
	ID   string
	What string // as the store has it: changed, left, paused and so on
	By   string
	Make bool // where there is none
	Do   func(ctx context.Context, tx *store.Tx, config *profile.Config) error
}

// Office is the desk of households.
type Office struct {
	book     Book
	visitors Visitors
	database *store.DB
}

// New makes an office.
func New(book Book, visitors Visitors, database *store.DB) *Office {
	return &Office{book: book, visitors: visitors, database: database}
}

const (
	// maxPause is the longest pause: what is for longer is a schedule, or the end of the profile.
	maxPause = 31 * 24 * time.Hour
	// maxExtra is the most time that is granted at once.
	maxExtra = 4 * time.Hour
	// maxOpen is how many requests of a profile wait at a time.
	maxOpen = 50
)

// ErrNoBedtime says that there are no offline hours that could begin later.
var ErrNoBedtime = errors.New("the profile has no offline hours")

// Show gives a profile.
func (o *Office) Show(id string) (Entry, error) {
	entry, known := o.book.Profile(id)
	if !known {
		return Entry{}, redress.ErrNotFound
	}
	return entry, nil
}

// Profiles are the IDs of all profiles, sorted.
func (o *Office) Profiles() []string { return o.book.Profiles() }

// Put replaces what a profile says. A pause, extra time and what is allowed for a while stay as they are. With nothing in it
// the profile is left.
func (o *Office) Put(ctx context.Context, by string, config *profile.Config) (Entry, error) {
	what := "changed"
	if isNothing(config) {
		what = "left"
	}
	return o.change(ctx, Change{ID: config.ID, What: what, By: by, Make: what != "left", Do: func(_ context.Context, _ *store.Tx, now *profile.Config) error {
		kept := *now
		*now = *config
		if what != "left" {
			now.Pause, now.Extra, now.Lend = kept.Pause, kept.Extra, kept.Lend
		}
		return nil
	}})
}

// isNothing says whether a profile is left by being put like this.
func isNothing(c *profile.Config) bool {
	return len(c.Categories)+len(c.Services)+len(c.Allow)+len(c.Deny)+len(c.Schedule.Off)+len(c.Schedule.Offline) == 0 && c.Schedule.Timezone == "" && !c.SafeSearch.Any()
}

// Leave ends all that a profile filters, at once.
func (o *Office) Leave(ctx context.Context, by, id string) (Entry, error) {
	return o.change(ctx, Change{ID: id, What: "left", By: by, Do: func(_ context.Context, _ *store.Tx, now *profile.Config) error {
		*now = profile.Config{ID: id}
		return nil
	}})
}

// Pause stops what a profile filters, or the Internet, until a time.
func (o *Office) Pause(ctx context.Context, by, id string, pause profile.Pause) (Entry, error) {
	now := time.Now()
	var wrong redress.Invalid
	if pause.Of != profile.PauseFilters && pause.Of != profile.PauseInternet {
		wrong.Fields = append(wrong.Fields, redress.FieldProblem{Field: "of", Text: "must be filters or internet"})
	}
	if !pause.Until.After(now) || pause.Until.After(now.Add(maxPause)) {
		wrong.Fields = append(wrong.Fields, redress.FieldProblem{Field: "until", Text: "must be a time within the next 31 days: a pause ends by itself"})
	}
	if len(wrong.Fields) > 0 {
		return Entry{}, &wrong
	}
	return o.change(ctx, Change{ID: id, What: "paused", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		config.Pause = profile.Pause{Of: pause.Of, Until: pause.Until.UTC()}
		if pause.Of == profile.PauseInternet && config.Requested.By == "" { // the pause is all that is asked for
			config.Requested = profile.Requested{By: by, At: now.UTC()}
		}
		return nil
	}})
}

// Resume ends a pause.
func (o *Office) Resume(ctx context.Context, by, id string) (Entry, error) {
	return o.change(ctx, Change{ID: id, What: "resumed", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		config.Pause = profile.Pause{}
		return nil
	}})
}

// Extend grants time before the next offline hours hold or, in them, at once.
func (o *Office) Extend(ctx context.Context, by, id string, length time.Duration) (Entry, error) {
	if length < time.Minute || length > maxExtra {
		return Entry{}, invalid("minutes", "must be from 1 to %d", int(maxExtra/time.Minute))
	}
	return o.change(ctx, Change{ID: id, What: "extended", By: by, Do: func(_ context.Context, _ *store.Tx, config *profile.Config) error {
		until, is := config.ExtraUntil(time.Now(), length)
		if !is {
			return ErrNoBedtime
		}
		config.Extra = until.UTC()
		return nil
	}})
}

func readName(text string) (wire.Name, error) {
	name, err := redress.ReadName(text)
	if err != nil {
		return "", invalid("name", "%s", err)
	}
	return name, nil
}

// Changes are the latest changes of a profile, the newest first.
func (o *Office) Changes(ctx context.Context, id string) ([]store.ProfileChange, error) {
	return o.database.ProfileChanges(ctx, id)
}

func (o *Office) change(ctx context.Context, change Change) (Entry, error) {
	do := change.Do
	change.Do = func(ctx context.Context, tx *store.Tx, config *profile.Config) error {
		config.Lend = current(config.Lend, time.Now())
		return do(ctx, tx, config)
	}
	entry, err := o.book.Change(ctx, change)
	if errors.Is(err, store.ErrNoRequest) {
		return entry, redress.ErrNotFound
	}
	return entry, err
}

func invalid(field, format string, args ...any) error {
	return &redress.Invalid{Fields: []redress.FieldProblem{{Field: field, Text: fmt.Sprintf(format, args...)}}}
}
