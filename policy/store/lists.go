package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// NoteSerial remembers the number of a list's last good edition.
func (t *Tx) NoteSerial(ctx context.Context, list blocklists.ListID, serial uint64) error {
	_, err := t.ExecContext(ctx, `INSERT INTO list_states (list, serial) VALUES (?, ?)
		ON CONFLICT (list) DO UPDATE SET serial = excluded.serial`, string(list), int64(serial))
	if err != nil {
		return fmt.Errorf("note serial of list %q: %w", list, err)
	}
	return nil
}

// Pin fixes a list as it is after a rollback, as the state says; Unpin lets it be read again.
func (t *Tx) Pin(ctx context.Context, state blocklists.ListState) error {
	_, err := t.ExecContext(ctx, `INSERT INTO list_states (list, pinned_at, pinned_by, pinned_from, pinned_to) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (list) DO UPDATE SET pinned_at = excluded.pinned_at, pinned_by = excluded.pinned_by,
			pinned_from = excluded.pinned_from, pinned_to = excluded.pinned_to`,
		string(state.List), state.Pinned.UnixMicro(), state.PinnedBy, int64(state.PinnedFrom), int64(state.PinnedTo))
	if err != nil {
		return fmt.Errorf("pin list %q: %w", state.List, err)
	}
	return nil
}

// Unpin lets a list be read again; one that is not pinned stays so.
func (t *Tx) Unpin(ctx context.Context, list blocklists.ListID) error {
	if _, err := t.ExecContext(ctx, `UPDATE list_states SET pinned_at = NULL, pinned_by = '', pinned_from = 0, pinned_to = 0 WHERE list = ?`, string(list)); err != nil {
		return fmt.Errorf("unpin list %q: %w", list, err)
	}
	return nil
}

// Confirm writes a person's word that an entry, or with no name a list, was reviewed.
func (t *Tx) Confirm(ctx context.Context, one blocklists.Confirmation, actor string) error {
	if blocklists.Person(one.By) == "" {
		return errors.New("confirm: without the name of a person")
	}
	_, err := t.ExecContext(ctx, `INSERT INTO confirmations (list, name, by, note, actor, at) VALUES (?, ?, ?, ?, ?, ?)`,
		string(one.List), textOf(one.Name), one.By, one.Note, actor, one.At.UnixMicro())
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	return nil
}

func listStates(ctx context.Context, from Querier) ([]blocklists.ListState, error) {
	return all(ctx, from, scanListState, `SELECT list, serial, pinned_at, pinned_by, pinned_from, pinned_to FROM list_states ORDER BY list`)
}

func scanListState(rows *sql.Rows) (blocklists.ListState, error) {
	var (
		state            blocklists.ListState
		serial, from, to int64
		pinned           sql.NullInt64
	)
	if err := rows.Scan(&state.List, &serial, &pinned, &state.PinnedBy, &from, &to); err != nil {
		return state, err
	}
	state.Serial, state.PinnedFrom, state.PinnedTo = uint64(serial), uint64(from), uint64(to)
	if pinned.Valid {
		state.Pinned = time.UnixMicro(pinned.Int64).UTC()
	}
	return state, nil
}

func confirmations(ctx context.Context, from Querier) ([]blocklists.Confirmation, error) {
	return all(ctx, from, scanConfirmation, `SELECT list, name, by, note, at FROM confirmations ORDER BY id`)
}

func scanConfirmation(rows *sql.Rows) (blocklists.Confirmation, error) {
	var (
		one  blocklists.Confirmation
		name string
		at   int64
	)
	if err := rows.Scan(&one.List, &name, &one.By, &one.Note, &at); err != nil {
		return one, err
	}
	one.At = time.UnixMicro(at).UTC()
	if name == "" {
		return one, nil
	}
	var err error
	if one.Name, err = wire.ParseName(name); err != nil {
		return one, fmt.Errorf("confirmation of list %q: %w", one.List, err)
	}
	return one, nil
}

// SettleAlarms writes which alarms there are: new ones begin, known ones go on, and what is
// not among them ends. It gives those that began.
func (t *Tx) SettleAlarms(ctx context.Context, alarms []blocklists.Alarm, at time.Time) ([]blocklists.Alarm, error) {
	var begun []blocklists.Alarm
	for i := range alarms {
		alarm := &alarms[i]
		result, err := t.ExecContext(ctx, `UPDATE list_alarms SET detail = ? WHERE list = ? AND kind = ? AND ended_at IS NULL`,
			alarm.Detail, string(alarm.List), string(alarm.Kind))
		if err != nil {
			return nil, fmt.Errorf("settle alarms: %w", err)
		}
		if known, err := result.RowsAffected(); err != nil || known > 0 {
			if err != nil {
				return nil, fmt.Errorf("settle alarms: %w", err)
			}
			continue
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO list_alarms (list, kind, detail, since) VALUES (?, ?, ?, ?)`,
			string(alarm.List), string(alarm.Kind), alarm.Detail, at.UnixMicro()); err != nil {
			return nil, fmt.Errorf("settle alarms: %w", err)
		}
		begun = append(begun, blocklists.Alarm{List: alarm.List, Kind: alarm.Kind, Detail: alarm.Detail, Since: at.UTC()})
	}
	return begun, t.endAlarms(ctx, alarms, at)
}

func (t *Tx) endAlarms(ctx context.Context, but []blocklists.Alarm, at time.Time) error {
	type key struct {
		list blocklists.ListID
		kind blocklists.AlarmKind
	}
	stay := make(map[key]bool, len(but))
	for _, alarm := range but {
		stay[key{alarm.List, alarm.Kind}] = true
	}
	open, err := alarms(ctx, t)
	if err != nil {
		return fmt.Errorf("settle alarms: %w", err)
	}
	for _, alarm := range open {
		if stay[key{alarm.List, alarm.Kind}] {
			continue
		}
		if _, err := t.ExecContext(ctx, `UPDATE list_alarms SET ended_at = ? WHERE list = ? AND kind = ? AND ended_at IS NULL`,
			at.UnixMicro(), string(alarm.List), string(alarm.Kind)); err != nil {
			return fmt.Errorf("settle alarms: %w", err)
		}
	}
	return nil
}

// Alarms gives the alarms that have not ended, the oldest first.
func (db *DB) Alarms(ctx context.Context) ([]blocklists.Alarm, error) {
	found, err := alarms(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	return found, nil
}

func alarms(ctx context.Context, from Querier) ([]blocklists.Alarm, error) {
	return all(ctx, from, scanAlarm, `SELECT list, kind, detail, since FROM list_alarms WHERE ended_at IS NULL ORDER BY since, list, kind`)
}

func scanAlarm(rows *sql.Rows) (alarm blocklists.Alarm, err error) {
	var since int64
	err = rows.Scan(&alarm.List, &alarm.Kind, &alarm.Detail, &since)
	alarm.Since = time.UnixMicro(since).UTC()
	return alarm, err
}
