package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Change is what happened to an exception.
type Change string

// The changes.
const (
	Added Change = "added"
	Ended Change = "ended"
)

// Announcement is one change to the exceptions: the sequence that it raised them to.
type Announcement struct {
	Sequence  uint64
	Exception int64
	Change    Change
	At        time.Time
}

// ErrNoException says that no exception in force has the ID.
var ErrNoException = errors.New("no such exception in force")

// AddException writes an exception and its announcement and gives its ID; the one
// in the argument is not looked at. One that is in force already for the same list,
// name and case is left as it is, and nothing is announced.
func (t *Tx) AddException(ctx context.Context, exception blocklists.Exception) (int64, error) {
	if exception.List == "" || exception.Name == "" {
		return 0, errors.New("add exception: without a list or a name")
	}
	kind := exception.Kind
	if kind == "" {
		kind = blocklists.Decided
	}
	name := exception.Name.String()
	var id int64
	err := t.QueryRowContext(ctx, `SELECT id FROM exceptions WHERE list = ? AND name = ? AND case_id = ? AND ended_at IS NULL`,
		string(exception.List), name, exception.Case).Scan(&id)
	if err == nil {
		return id, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("add exception: %w", err)
	}
	err = t.QueryRowContext(ctx, `INSERT INTO exceptions (kind, list, name, keep, case_id, at, below, outside) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		string(kind), string(exception.List), name, textOf(exception.Keep), exception.Case, exception.At.UnixMicro(), truth(exception.Below), strings.Join(exception.Outside, " ")).Scan(&id)
	if err == nil {
		err = t.announce(ctx, id, Added, exception.At)
	}
	if err != nil {
		return 0, fmt.Errorf("add exception: %w", err)
	}
	return id, nil
}

// EndException takes an exception out of force. Its row stays.
func (t *Tx) EndException(ctx context.Context, id int64, at time.Time) error {
	result, err := t.ExecContext(ctx, `UPDATE exceptions SET ended_at = ? WHERE id = ? AND ended_at IS NULL`, at.UnixMicro(), id)
	if err != nil {
		return fmt.Errorf("end exception %d: %w", id, err)
	}
	if ended, err := result.RowsAffected(); err != nil || ended == 0 {
		return fmt.Errorf("end exception %d: %w", id, errors.Join(ErrNoException, err))
	}
	if err := t.announce(ctx, id, Ended, at); err != nil {
		return fmt.Errorf("end exception %d: %w", id, err)
	}
	return nil
}

// announce raises the sequence and writes the outbox row.
func (t *Tx) announce(ctx context.Context, id int64, change Change, at time.Time) error {
	var sequence int64
	err := t.QueryRowContext(ctx, `UPDATE exception_sequence SET value = value + 1 RETURNING value`).Scan(&sequence)
	if err != nil {
		return err
	}
	t.Tell(ExceptionsTopic)
	_, err = t.ExecContext(ctx, `INSERT INTO announcements (sequence, exception, change, at) VALUES (?, ?, ?, ?)`, sequence, id, string(change), at.UnixMicro())
	return err
}

// Sequence is the number of changes so far, those of this transaction included.
func (t *Tx) Sequence(ctx context.Context) (uint64, error) {
	return sequence(ctx, t)
}

// Exceptions gives those in force, oldest first, with the sequence that they are
// the state of. What did not change since they were read last is not read again.
func (db *DB) Exceptions(ctx context.Context) (uint64, []blocklists.Exception, error) {
	var (
		at    uint64
		found []blocklists.Exception
	)
	err := db.View(ctx, func(view *View) error {
		var err error
		at, found, err = db.exceptions.read(ctx, view)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read exceptions: %w", err)
	}
	return at, found, nil
}

func sequence(ctx context.Context, from Querier) (uint64, error) {
	var value int64
	err := from.QueryRowContext(ctx, `SELECT value FROM exception_sequence`).Scan(&value)
	return uint64(value), err
}

func exceptions(ctx context.Context, from Querier) ([]blocklists.Exception, error) {
	return all(ctx, from, func(rows *sql.Rows) (blocklists.Exception, error) { return scanException(rows) }, `SELECT id, kind, list, name, keep, case_id, at, below, outside FROM exceptions WHERE ended_at IS NULL ORDER BY id`)
}

// scanException reads an exception, and what more the row has.
func scanException(rows *sql.Rows, more ...any) (blocklists.Exception, error) {
	var (
		exception           blocklists.Exception
		name, keep, outside string
		at                  int64
	)
	if err := rows.Scan(append([]any{&exception.ID, &exception.Kind, &exception.List, &name, &keep, &exception.Case, &at, &exception.Below, &outside}, more...)...); err != nil {
		return exception, err
	}
	var err error
	if exception.Name, err = wire.ParseName(name); err == nil && keep != "" {
		exception.Keep, err = wire.ParseName(keep)
	}
	if err != nil {
		return exception, fmt.Errorf("exception %d: %w", exception.ID, err)
	}
	exception.At = time.UnixMicro(at).UTC()
	if outside != "" {
		exception.Outside = strings.Fields(outside)
	}
	return exception, nil
}

// truth is a boolean as the database keeps it.
func truth(value bool) int {
	if value {
		return 1
	}
	return 0
}

// textOf is a name as the database keeps it; no name is the empty text.
func textOf(name wire.Name) string {
	if name == "" {
		return ""
	}
	return name.String()
}

// maxAnnouncements bounds one reading of the outbox.
const maxAnnouncements = 1000

// Announcements gives the changes after a sequence, in order, a thousand at the most.
func (db *DB) Announcements(ctx context.Context, after uint64) ([]Announcement, error) {
	found, err := all(ctx, db, scanAnnouncement, `SELECT sequence, exception, change, at FROM announcements WHERE sequence > ? ORDER BY sequence LIMIT ?`, int64(after), maxAnnouncements)
	if err != nil {
		return nil, fmt.Errorf("read announcements: %w", err)
	}
	return found, nil
}

func scanAnnouncement(rows *sql.Rows) (announcement Announcement, err error) {
	var value, at int64
	err = rows.Scan(&value, &announcement.Exception, &announcement.Change, &at)
	announcement.Sequence, announcement.At = uint64(value), time.UnixMicro(at).UTC()
	return announcement, err
}

// EndExceptionsOf takes all exceptions of a case out of force, and says how many there were.
func (t *Tx) EndExceptionsOf(ctx context.Context, id string, at time.Time) (int, error) {
	if id == "" {
		return 0, errors.New("end exceptions: without a case")
	}
	var found []int64
	err := Each(ctx, t, func(rows *sql.Rows) error {
		var one int64
		err := rows.Scan(&one)
		found = append(found, one)
		return err
	}, `SELECT id FROM exceptions WHERE case_id = ? AND ended_at IS NULL ORDER BY id`, id)
	if err != nil {
		return 0, fmt.Errorf("end exceptions: %w", err)
	}
	for _, one := range found {
		if err := t.EndException(ctx, one, at); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
