package fleet

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
)

// Source is what a desk tells from: its database.
type Source struct{ db *store.DB }

// NewSource tells from a database.
func NewSource(db *store.DB) *Source { return &Source{db: db} }

// Position is where the database is now.
func (s *Source) Position(ctx context.Context) (Position, error) {
	var made Position
	err := s.db.View(ctx, func(view *store.View) (err error) {
		made, err = positionOf(ctx, view)
		return err
	})
	if err != nil {
		return Position{}, fmt.Errorf("fleet position: %w", err)
	}
	return made, nil
}

func positionOf(ctx context.Context, view *store.View) (made Position, err error) {
	for _, one := range []struct {
		query string
		to    *uint64
	}{
		{`SELECT value FROM exception_sequence`, &made.Exceptions},
		{`SELECT max(sequence) FROM order_changes`, &made.Orders},
		{`SELECT max(id) FROM profile_changes`, &made.Profiles},
	} {
		var value sql.NullInt64
		if err := view.QueryRowContext(ctx, one.query).Scan(&value); err != nil {
			return Position{}, err
		}
		*one.to = uint64(value.Int64)
	}
	return made, nil
}

// Since is what changed after a position. From one that the database has never been at, as
// after a restored backup, it is everything, and says that it is from the beginning.
func (s *Source) Since(ctx context.Context, from Position) (*Document, error) {
	to, err := s.Position(ctx)
	if err != nil {
		return nil, err
	}
	if from.Exceptions > to.Exceptions || from.Orders > to.Orders || from.Profiles > to.Profiles {
		from = Position{}
	}
	// What is read after the position may be newer than it says, and is then told again: a
	// change that is told twice is as one.
	made := &Document{From: from, To: to}
	if err := s.exceptions(ctx, made); err != nil {
		return nil, err
	}
	_, changed, err := s.db.OrdersSince(ctx, from.Orders)
	if err != nil {
		return nil, err
	}
	for i := range changed {
		made.Orders = append(made.Orders, orderOf(&changed[i]))
	}
	profiles, err := s.db.ProfilesSince(ctx, from.Profiles)
	if err != nil {
		return nil, err
	}
	for i := range profiles {
		made.Profiles = append(made.Profiles, record{Config: profiles[i].Config, By: profiles[i].By, At: profiles[i].At})
	}
	return made, nil
}

func (s *Source) exceptions(ctx context.Context, to *Document) error {
	if to.From.Exceptions == to.To.Exceptions {
		return nil
	}
	_, all, err := s.db.Exceptions(ctx)
	if err != nil {
		return err
	}
	changed := make(map[int64]bool)
	err = store.Each(ctx, s.db, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		changed[id] = true
		return err
	}, `SELECT DISTINCT exception FROM announcements WHERE sequence > ?`, int64(to.From.Exceptions))
	if err != nil {
		return fmt.Errorf("fleet exceptions: %w", err)
	}
	to.tell(all, changed)
	return nil
}

// tell writes down those of the exceptions in force that changed, and which are no more.
func (d *Document) tell(inForce []blocklists.Exception, changed map[int64]bool) {
	for i := range inForce {
		if one := &inForce[i]; changed[one.ID] {
			d.Exceptions = append(d.Exceptions, exceptionOf(one))
			delete(changed, one.ID)
		}
	}
	if d.From.Exceptions == 0 {
		return // all is told, and what is not named is no more
	}
	for id := range changed {
		d.Ended = append(d.Ended, id)
	}
}
