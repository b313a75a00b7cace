package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ErrNoHold says that nothing of the list and name is held.
var ErrNoHold = errors.New("no such hold")

// ErrSamePerson says that a person has released a hold before.
var ErrSamePerson = errors.New("has released it already; another person has to")

// SettleHolds writes what is held of lists that were read: new holds begin, known ones go on
// with their releases, and those of the lists that are not among them end.
func (t *Tx) SettleHolds(ctx context.Context, lists []blocklists.ListID, found []blocklists.Hold, at time.Time) error {
	open, err := t.openByPlace(ctx)
	if err != nil {
		return fmt.Errorf("settle holds: %w", err)
	}
	kept := make(map[int64]bool, len(found))
	for i := range found {
		if known, is := open[placeOf(&found[i])]; is && says(&known, &found[i]) {
			kept[known.ID] = true // as most are: thousands go on from import to import
			continue
		}
		id, err := t.putHold(ctx, &found[i], at)
		if err != nil {
			return fmt.Errorf("settle holds: %w", err)
		}
		kept[id] = true
	}
	for _, list := range lists {
		if err := t.endHolds(ctx, list, kept, at); err != nil {
			return fmt.Errorf("settle holds: %w", err)
		}
	}
	return nil
}

// place is what there is one open hold of.
type place struct {
	list    blocklists.ListID
	whole   string
	subject blocklists.Subject
}

func placeOf(hold *blocklists.Hold) place {
	return place{list: hold.List, whole: wholeOf(hold.Safeguard), subject: hold.Subject}
}

func (t *Tx) openByPlace(ctx context.Context) (map[place]blocklists.Hold, error) {
	open, err := holds(ctx, t, `ended_at IS NULL`)
	if err != nil {
		return nil, err
	}
	known := make(map[place]blocklists.Hold, len(open))
	for i := range open {
		known[placeOf(&open[i])] = open[i]
	}
	return known, nil
}

// says tells whether what is written down of a hold is what was found now.
func says(known, found *blocklists.Hold) bool {
	return known.Purpose == found.Purpose && known.Safeguard == found.Safeguard && known.Detail == found.Detail && known.Line == found.Line &&
		(known.Count == found.Count || len(known.Releases) > 0)
}

// putHold begins a hold, or lets the one that is there go on: since when it holds stays.
func (t *Tx) putHold(ctx context.Context, hold *blocklists.Hold, at time.Time) (int64, error) {
	whole := wholeOf(hold.Safeguard)
	var (
		id    int64
		ended sql.NullInt64
	)
	err := t.QueryRowContext(ctx, `SELECT id, ended_at FROM holds
		WHERE list = ? AND whole = ? AND trigger = ? AND subject = ? AND scope = ? AND (whole = '' OR ended_at IS NULL)`,
		string(hold.List), whole, int(hold.Subject.Trigger), hold.Subject.String(), hold.Subject.Scope.String()).Scan(&id, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.QueryRowContext(ctx, `INSERT INTO holds (list, purpose, whole, trigger, subject, scope, safeguard, detail, count, line, since)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			string(hold.List), hold.Purpose.String(), whole, int(hold.Subject.Trigger), hold.Subject.String(), hold.Subject.Scope.String(),
			string(hold.Safeguard), hold.Detail, hold.Count, hold.Line, at.UnixMicro()).Scan(&id)
		return id, err
	}
	if err != nil {
		return 0, err
	}
	// What was let go of a list's size holds for that size, so a released count stays.
	_, err = t.ExecContext(ctx, `UPDATE holds SET purpose = ?, safeguard = ?, detail = ?, line = ?,
		count = CASE WHEN EXISTS (SELECT 1 FROM releases WHERE hold = holds.id) THEN count ELSE ? END,
		since = CASE WHEN ended_at IS NULL THEN since ELSE ? END, ended_at = NULL WHERE id = ?`,
		hold.Purpose.String(), string(hold.Safeguard), hold.Detail, hold.Line, hold.Count, at.UnixMicro(), id)
	return id, err
}

func wholeOf(safeguard blocklists.Safeguard) string {
	if safeguard.OfList() {
		return string(safeguard)
	}
	return ""
}

// endHolds ends the list's holds that are not kept. One that people have released
// whole stays while it holds for the list's size.
func (t *Tx) endHolds(ctx context.Context, list blocklists.ListID, kept map[int64]bool, at time.Time) error {
	ids, err := t.openHolds(ctx, list)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if kept[id] {
			continue
		}
		if _, err := t.ExecContext(ctx, `UPDATE holds SET ended_at = ? WHERE id = ?`, at.UnixMicro(), id); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) openHolds(ctx context.Context, list blocklists.ListID) ([]int64, error) {
	return all(ctx, t, func(rows *sql.Rows) (id int64, err error) {
		err = rows.Scan(&id)
		return id, err
	}, `SELECT id FROM holds WHERE list = ? AND ended_at IS NULL`, string(list))
}

// Release writes one person's word that holds may go: those of the list on the subject
// (a name or a prefix, of any scope), or the one on all that the list brings. It gives the
// holds as they are then.
func (t *Tx) Release(ctx context.Context, list blocklists.ListID, subject string, whole blocklists.Safeguard, release blocklists.Release, actor string) ([]blocklists.Hold, error) {
	person := blocklists.Person(release.By)
	if person == "" {
		return nil, errors.New("release: without the name of a person")
	}
	found, err := holds(ctx, t, `list = ? AND whole = ? AND subject = ? AND ended_at IS NULL`, string(list), string(whole), subject)
	if err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("release: list %q: %w", list, ErrNoHold)
	}
	for i := range found {
		if slices.ContainsFunc(found[i].Releases, func(r blocklists.Release) bool { return blocklists.Person(r.By) == person }) {
			return nil, fmt.Errorf("release: %s %w", release.By, ErrSamePerson)
		}
		_, err := t.ExecContext(ctx, `INSERT INTO releases (hold, person, by, note, actor, at) VALUES (?, ?, ?, ?, ?, ?)`,
			found[i].ID, person, release.By, release.Note, actor, release.At.UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("release: %w", err)
		}
		found[i].Releases = append(found[i].Releases, release)
	}
	return found, nil
}

// Holds gives all holds with their releases, ended ones included.
func (db *DB) Holds(ctx context.Context) ([]blocklists.Hold, error) {
	found, err := holds(ctx, db, `1 = 1`)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return found, nil
}

// Ledger gives all that the safeguards go by, as of one moment.
func (db *DB) Ledger(ctx context.Context) (guard.Records, error) {
	var records guard.Records
	err := db.View(ctx, func(view *View) error {
		var err error
		if records.Holds, err = holds(ctx, view, `1 = 1`); err != nil {
			return err
		}
		if records.Lists, err = listStates(ctx, view); err != nil {
			return err
		}
		records.Confirmations, err = confirmations(ctx, view)
		return err
	})
	if err != nil {
		return guard.Records{}, fmt.Errorf("read ledger: %w", err)
	}
	return records, nil
}

func holds(ctx context.Context, from Querier, where string, args ...any) ([]blocklists.Hold, error) {
	found, err := all(ctx, from, scanHold, `SELECT id, list, purpose, trigger, subject, scope, safeguard, detail, count, line, since, ended_at
		FROM holds WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	return found, addReleases(ctx, from, found)
}

func scanHold(rows *sql.Rows) (blocklists.Hold, error) {
	var (
		hold                    blocklists.Hold
		purpose, subject, scope string
		since                   int64
		ended                   sql.NullInt64
	)
	err := rows.Scan(&hold.ID, &hold.List, &purpose, &hold.Subject.Trigger, &subject, &scope, &hold.Safeguard, &hold.Detail,
		&hold.Count, &hold.Line, &since, &ended)
	if err != nil {
		return hold, err
	}
	err = errors.Join(hold.Purpose.UnmarshalText([]byte(purpose)), hold.Subject.Scope.UnmarshalText([]byte(scope)))
	switch {
	case err != nil || subject == "":
	case hold.Subject.Trigger.ByAddress():
		hold.Subject.Prefix, err = netip.ParsePrefix(subject)
	default:
		hold.Subject.Name, err = wire.ParseName(subject)
	}
	if err != nil {
		return hold, fmt.Errorf("hold %d: %w", hold.ID, err)
	}
	hold.Since = time.UnixMicro(since).UTC()
	if ended.Valid {
		hold.Ended = time.UnixMicro(ended.Int64).UTC()
	}
	return hold, nil
}

func addReleases(ctx context.Context, from Querier, to []blocklists.Hold) error {
	byID := make(map[int64]*blocklists.Hold, len(to))
	for i := range to {
		byID[to[i].ID] = &to[i]
	}
	return Each(ctx, from, func(rows *sql.Rows) error {
		var (
			id, at  int64
			release blocklists.Release
		)
		if err := rows.Scan(&id, &release.By, &release.Note, &at); err != nil {
			return err
		}
		release.At = time.UnixMicro(at).UTC()
		if hold := byID[id]; hold != nil {
			hold.Releases = append(hold.Releases, release)
		}
		return nil
	}, `SELECT hold, by, note, at FROM releases ORDER BY at, person`)
}
