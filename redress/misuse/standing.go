package misuse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/notify"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Suspended says until when whoever files is suspended; zero where they are not. A name stands for its party where the filing says
// that the name is theirs; a contact does always.
func (o *Office) Suspended(ctx context.Context, name wire.Name, application *redress.Application) (time.Time, error) {
	var texts []string
	if redress.Role(application.Role) != redress.Reporter {
		texts = append(texts, cases.NameMark(limits.Registrable(name)))
	}
	if mailbox, err := notify.ParseAddress(limits.Mailbox(application.Contact)); err == nil {
		texts = append(texts, cases.ContactMark(mailbox))
	}
	if len(texts) == 0 {
		return time.Time{}, nil
	}
	args := []any{time.Now().UnixMicro()}
	for _, text := range texts {
		mark, err := o.db.Mark(text)
		if err != nil {
			return time.Time{}, fmt.Errorf("misuse: %w", err)
		}
		args = append(args, mark)
	}
	var until sql.NullInt64
	err := o.db.QueryRowContext(ctx, `SELECT MAX(c.until_at) FROM misuse_cases c JOIN misuse_parties p ON p.filing = c.filing
		WHERE c.stands = 1 AND c.kind = 'suspension' AND c.state IN ('given', 'appealed', 'upheld') AND c.until_at > ? AND p.mark IN (?`+strings.Repeat(`, ?`, len(texts)-1)+`)`, args...).Scan(&until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("misuse: %w", err)
	}
	if !until.Valid {
		return time.Time{}, nil
	}
	return time.UnixMicro(until.Int64).UTC(), nil
}

// Listed is a measure as a list shows it.
type Listed struct {
	Case  redress.CaseID
	Kind  redress.MeasureKind
	State redress.MeasureState
	Found time.Time // when the case was found manifestly unfounded
	Given time.Time
	Until time.Time
}

// maxListed bounds the list.
const maxListed = 500

// List gives what is proposed and appealed first, then what is in force, then what was; the newest first.
func (o *Office) List(ctx context.Context, actor redress.Actor) ([]Listed, error) {
	if !actor.MayRead() {
		return nil, redress.ErrNotPermitted
	}
	var found []Listed
	err := store.Each(ctx, o.db, func(rows *sql.Rows) error {
		var one Listed
		var at int64
		var given, until sql.NullInt64
		if err := rows.Scan(&one.Case, &one.Kind, &one.State, &at, &given, &until); err != nil {
			return err
		}
		one.Found = time.UnixMicro(at).UTC()
		if given.Valid {
			one.Given = time.UnixMicro(given.Int64).UTC()
		}
		if until.Valid {
			one.Until = time.UnixMicro(until.Int64).UTC()
		}
		found = append(found, one)
		return nil
	}, `SELECT case_id, kind, state, at, given_at, until_at FROM misuse_cases WHERE state <> ''
		ORDER BY CASE state WHEN 'proposed' THEN 0 WHEN 'appealed' THEN 0 WHEN 'given' THEN 1 WHEN 'upheld' THEN 1 ELSE 2 END, at DESC, case_id LIMIT ?`, maxListed)
	if err != nil {
		return nil, fmt.Errorf("misuse: %w", err)
	}
	return found, nil
}
