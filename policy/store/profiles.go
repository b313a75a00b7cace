package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ProfileRecord is a profile as somebody changed it, with who and when.
type ProfileRecord struct {
	profile.Config
	By string
	At time.Time
}

// ProfileChange is one change of a profile: what was done, by whom, on whose wish.
type ProfileChange struct {
	What      string // changed, left, paused, resumed, extended, granted or declined
	By        string
	Requested profile.Requested // the zero value where nothing is filtered any more
	At        time.Time
}

// ProfileRequest is a name that a client of a profile asks to be allowed.
type ProfileRequest struct {
	ID   int64
	Name wire.Name
	At   time.Time
}

// Why a request is not taken down, or not there.
var (
	ErrManyRequests = errors.New("too many requests of the profile are undecided")
	ErrNoRequest    = errors.New("no such request")
)

// PutProfile writes what a profile says now, and who changed it how.
func (t *Tx) PutProfile(ctx context.Context, record *ProfileRecord, what string) error {
	content, err := json.Marshal(&record.Config)
	if err == nil {
		_, err = t.ExecContext(ctx, `INSERT INTO profiles (id, content, changed_by, changed_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET content = excluded.content, changed_by = excluded.changed_by, changed_at = excluded.changed_at`,
			record.ID, string(content), record.By, record.At.UnixMicro())
	}
	if err == nil {
		err = t.noteProfile(ctx, record, what)
	}
	if err != nil {
		return fmt.Errorf("put profile %q: %w", record.ID, err)
	}
	return nil
}

func (t *Tx) noteProfile(ctx context.Context, record *ProfileRecord, what string) error {
	t.Tell(ProfilesTopic)
	requestedAt := int64(0)
	if !record.Requested.At.IsZero() {
		requestedAt = record.Requested.At.UnixMicro()
	}
	_, err := t.ExecContext(ctx, `INSERT INTO profile_changes (profile, what, actor, requested_by, requested_at, at) VALUES (?, ?, ?, ?, ?, ?)`,
		record.ID, what, record.By, record.Requested.By, requestedAt, record.At.UnixMicro())
	return err
}

// Profiles are all that were changed, by ID.
func (db *DB) Profiles(ctx context.Context) ([]ProfileRecord, error) {
	found, err := all(ctx, db, scanProfile, `SELECT id, content, changed_by, changed_at FROM profiles ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	return found, nil
}

// Profile is what a profile says in this transaction; false where nobody changed it.
func (t *Tx) Profile(ctx context.Context, id string) (ProfileRecord, bool, error) {
	found, err := all(ctx, t, scanProfile, `SELECT id, content, changed_by, changed_at FROM profiles WHERE id = ?`, id)
	if err != nil || len(found) == 0 {
		if err != nil {
			err = fmt.Errorf("read profile %q: %w", id, err)
		}
		return ProfileRecord{}, false, err
	}
	return found[0], true, nil
}

// ProfilesSince are those that changed after a change, by ID; from 0 all.
func (db *DB) ProfilesSince(ctx context.Context, after uint64) ([]ProfileRecord, error) {
	if after == 0 {
		return db.Profiles(ctx)
	}
	found, err := all(ctx, db, scanProfile, `SELECT id, content, changed_by, changed_at FROM profiles
		WHERE id IN (SELECT profile FROM profile_changes WHERE id > ?) ORDER BY id`, int64(after))
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	return found, nil
}

func scanProfile(rows *sql.Rows) (ProfileRecord, error) {
	var (
		record      ProfileRecord
		id, content string
		at          int64
	)
	if err := rows.Scan(&id, &content, &record.By, &at); err != nil {
		return record, err
	}
	if err := json.Unmarshal([]byte(content), &record.Config); err != nil {
		return record, fmt.Errorf("profile %q: %w", id, err)
	}
	record.ID, record.At = id, time.UnixMicro(at).UTC()
	return record, nil
}

// maxChanges bounds one reading of what was done to a profile.
const maxChanges = 1000

// ProfileChanges are the latest changes of a profile, the newest first.
func (db *DB) ProfileChanges(ctx context.Context, id string) ([]ProfileChange, error) {
	scan := func(rows *sql.Rows) (ProfileChange, error) {
		var change ProfileChange
		var requestedAt, at int64
		err := rows.Scan(&change.What, &change.By, &change.Requested.By, &requestedAt, &at)
		if requestedAt != 0 {
			change.Requested.At = time.UnixMicro(requestedAt).UTC()
		}
		change.At = time.UnixMicro(at).UTC()
		return change, err
	}
	found, err := all(ctx, db, scan, `SELECT what, actor, requested_by, requested_at, at FROM profile_changes WHERE profile = ? ORDER BY id DESC LIMIT ?`, id, maxChanges)
	if err != nil {
		return nil, fmt.Errorf("read changes of profile %q: %w", id, err)
	}
	return found, nil
}

// AddRequest takes a request down, unless the name was asked for before; no more than most
// are undecided at a time.
func (t *Tx) AddRequest(ctx context.Context, id string, name wire.Name, most int, at time.Time) error {
	var waiting int
	err := t.QueryRowContext(ctx, `SELECT count(*) FROM profile_requests WHERE profile = ? AND name <> ?`, id, name.String()).Scan(&waiting)
	if err == nil && waiting >= most {
		return ErrManyRequests
	}
	if err == nil {
		_, err = t.ExecContext(ctx, `INSERT INTO profile_requests (profile, name, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, id, name.String(), at.UnixMicro())
	}
	if err != nil {
		return fmt.Errorf("add request: %w", err)
	}
	return nil
}

// Requests are those of a profile that nobody decided yet, the oldest first.
func (db *DB) Requests(ctx context.Context, id string) ([]ProfileRequest, error) {
	found, err := all(ctx, db, scanRequest, `SELECT id, name, at FROM profile_requests WHERE profile = ? ORDER BY id`, id)
	if err != nil {
		return nil, fmt.Errorf("read requests of profile %q: %w", id, err)
	}
	return found, nil
}

func scanRequest(rows *sql.Rows) (ProfileRequest, error) {
	var (
		request ProfileRequest
		name    string
		at      int64
	)
	err := rows.Scan(&request.ID, &name, &at)
	if err == nil {
		request.Name, err = wire.ParseName(name)
	}
	request.At = time.UnixMicro(at).UTC()
	return request, err
}

// TakeRequest takes a request away, because it is decided. Of what was asked for nothing stays.
func (t *Tx) TakeRequest(ctx context.Context, id string, number int64) (wire.Name, error) {
	var name string
	err := t.QueryRowContext(ctx, `DELETE FROM profile_requests WHERE profile = ? AND id = ? RETURNING name`, id, number).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoRequest
	}
	if err != nil {
		return "", fmt.Errorf("take request: %w", err)
	}
	return wire.ParseName(name)
}

// ForgetRequests takes away those that nobody decided since a time.
func (t *Tx) ForgetRequests(ctx context.Context, before time.Time) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM profile_requests WHERE at < ?`, before.UnixMicro()); err != nil {
		return fmt.Errorf("forget requests: %w", err)
	}
	return nil
}
