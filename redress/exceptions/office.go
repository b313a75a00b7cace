package exceptions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Effect puts what the store holds of exceptions in force.
type Effect interface {
	// Apply derives them anew and returns when the next query sees them.
	Apply(ctx context.Context) (generation uint64, at time.Time, err error)
}

// Office makes, shows and ends exceptions.
type Office struct {
	database *store.DB
	catalog  func() *blocklists.Catalog
	effect   Effect
	logger   *slog.Logger
	behind   atomic.Bool // something is on the disk and not in force
}

// New makes an office. The catalog is asked anew at every use.
func New(database *store.DB, catalog func() *blocklists.Catalog, effect Effect, logger *slog.Logger) *Office {
	return &Office{database: database, catalog: catalog, effect: effect, logger: logger}
}

// The kinds of events of exceptions.
const (
	MadeEvent  redress.EventKind = "exception_made"
	EndedEvent redress.EventKind = "exception_ended"
)

// Facts is what an event says of an exception.
type Facts struct {
	List   blocklists.ListID `json:"list"`
	Name   string            `json:"name"`
	Kind   string            `json:"kind"`
	Case   string            `json:"case,omitempty"`
	Review time.Time         `json:"review,omitzero"`
	Reason string            `json:"reason"` // its commitment, in hexadecimal
}

// ReviewTerm is how long an exception stands before somebody looks at it again.
const ReviewTerm = 90 * 24 * time.Hour

// maxReason is the longest a reason may be, in characters.
const maxReason = 2000

// reasonText is what a reason is among texts.
const reasonText redress.TextKind = "reason"

// Wanted is an exception that the operator wants, as it was written.
type Wanted struct {
	List   string
	Name   string
	Reason string
	Review time.Time // zero: [ReviewTerm] from now
}

// Outcome is what became of it.
type Outcome struct {
	Shown
	// InForce is since when the next query sees it; nil where Pending.
	InForce *redress.InForce
	Pending bool
}

// ErrNoException says that no exception in force has the number.
var ErrNoException = store.ErrNoException

// Make makes an exception of the operator's, in force when it returns.
func (o *Office) Make(ctx context.Context, actor redress.Actor, wanted Wanted) (Outcome, error) {
	if actor.Role != redress.Operator {
		return Outcome{}, redress.ErrNotPermitted
	}
	at := now()
	exception, note, err := o.read(&wanted, at)
	if err != nil {
		return Outcome{}, err
	}
	note.actor = actor.Name
	err = o.database.Tx(ctx, func(tx *store.Tx) error {
		_, standing, err := o.database.Exceptions(ctx)
		if err != nil {
			return err
		}
		for i := range standing {
			if standing[i].Kind == blocklists.Operator && standing[i].List == exception.List && standing[i].Name == exception.Name {
				return invalid("name", "is excepted from this list already, as number %d", standing[i].ID)
			}
		}
		if exception.ID, err = tx.AddException(ctx, exception); err != nil {
			return err
		}
		return note.write(ctx, tx, actor, MadeEvent, &exception)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("make exception: %w", err)
	}
	o.logger.Info("exception made", slog.Int64("exception", exception.ID), slog.String("list", string(exception.List)), slog.String("actor", actor.Name))
	return o.inForce(ctx, Shown{Exception: exception, Review: note.review, By: actor.Name, Reason: note.reason.Body}), nil
}

// read reads what is wanted; all mistakes at once.
func (o *Office) read(wanted *Wanted, at time.Time) (blocklists.Exception, note, error) {
	wrong := new(redress.Invalid)
	exception := blocklists.Exception{Kind: blocklists.Operator, List: blocklists.ListID(strings.TrimSpace(wanted.List)), At: at}
	switch list := o.catalog().List(exception.List); {
	case list == nil:
		add(wrong, "list", "%.63q is no list of this resolver", wanted.List)
	case list.Purpose == blocklists.Law:
		add(wrong, "list", "is of the law: its authority lifts a name, or the decision of a case that we carried the order out wrongly")
	}
	var err error
	if exception.Name, err = redress.ReadName(wanted.Name); err != nil {
		add(wrong, "name", "%s", err)
	}
	made := note{what: "made", at: at, review: wanted.Review.UTC().Truncate(time.Second), reason: reasonOf(wanted.Reason, wrong)}
	if wanted.Review.IsZero() {
		made.review = at.Add(ReviewTerm).Truncate(time.Second)
	}
	if !made.review.After(at) || made.review.After(at.Add(ReviewTerm+time.Hour)) {
		add(wrong, "review", "must be after today and within 90 days")
	}
	if len(wrong.Fields) > 0 {
		return exception, made, wrong
	}
	return exception, made, nil
}

// End ends an exception: what it let go is blocked again with the next query.
func (o *Office) End(ctx context.Context, actor redress.Actor, id int64, reason string) (Outcome, error) {
	if !actor.MayReview() {
		return Outcome{}, redress.ErrNotPermitted
	}
	wrong := new(redress.Invalid)
	ending := note{what: "ended", actor: actor.Name, at: now(), reason: reasonOf(reason, wrong)}
	if len(wrong.Fields) > 0 {
		return Outcome{}, wrong
	}
	shown, err := o.Show(ctx, id)
	if err != nil {
		return Outcome{}, fmt.Errorf("end exception: %w", err)
	}
	err = o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.EndException(ctx, id, ending.at); err != nil {
			return err
		}
		return ending.write(ctx, tx, actor, EndedEvent, &shown.Exception)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("end exception: %w", err)
	}
	o.logger.Info("exception ended", slog.Int64("exception", id), slog.String("list", string(shown.List)), slog.String("actor", actor.Name))
	shown.Ended = ending.at
	return o.inForce(ctx, shown), nil
}

// inForce puts in force what is on the disk, whoever hangs up.
func (o *Office) inForce(ctx context.Context, shown Shown) Outcome {
	made := Outcome{Shown: shown}
	generation, at, err := o.effect.Apply(context.WithoutCancel(ctx))
	if err != nil {
		o.behind.Store(true)
		o.logger.Error("exception not in force yet", slog.Int64("exception", shown.ID), slog.Any("error", err))
		made.Pending = true
		return made
	}
	made.InForce = &redress.InForce{Generation: generation, At: at.UTC()}
	return made
}

// Run puts in force what could not be, until the context ends.
func (o *Office) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if !o.behind.Swap(false) {
				continue
			}
			if _, _, err := o.effect.Apply(ctx); err != nil {
				o.behind.Store(true)
				o.logger.Error("exceptions not in force yet", slog.Any("error", err))
			}
		}
	}
}

// note is why an exception was made or ended.
type note struct {
	what   string
	actor  string
	at     time.Time
	review time.Time
	reason redress.Text
}

func reasonOf(text string, wrong *redress.Invalid) redress.Text {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	switch length := utf8.RuneCountInString(text); {
	case length == 0:
		add(wrong, "reason", "is missing: whoever looks at it later has to know why")
	case length > maxReason:
		add(wrong, "reason", "has %d characters, and %d fit", length, maxReason)
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return redress.Text{Kind: reasonText, Salt: salt, Body: text}
}

// write writes the note, and the event that commits to it.
func (n *note) write(ctx context.Context, tx *store.Tx, actor redress.Actor, kind redress.EventKind, exception *blocklists.Exception) error {
	var review any // null where there is none
	if !n.review.IsZero() {
		review = n.review.UnixMicro()
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO exception_notes (exception, what, actor, at, review_at, salt, reason) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		exception.ID, n.what, n.actor, n.at.UnixMicro(), review, n.reason.Salt, n.reason.Body)
	if err != nil {
		return err
	}
	facts := Facts{List: exception.List, Name: exception.Name.String(), Kind: string(exception.Kind), Case: exception.Case, Review: n.review, Reason: n.reason.Commitment().String()}
	event, err := redress.About("exception/"+strconv.FormatInt(exception.ID, 10), kind, actor, n.at, facts)
	if err != nil {
		return err
	}
	return cases.Append(ctx, tx, event)
}

// now is the time in whole milliseconds, as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func add(to *redress.Invalid, field, format string, args ...any) {
	to.Fields = append(to.Fields, redress.FieldProblem{Field: field, Text: fmt.Sprintf(format, args...)})
}

func invalid(field, format string, args ...any) error {
	wrong := new(redress.Invalid)
	add(wrong, field, format, args...)
	return wrong
}

var errNumber = errors.New("is no number of an exception")

// ParseID reads the number of an exception.
func ParseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%.20q %w", text, errNumber)
	}
	return id, nil
}
