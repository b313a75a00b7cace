package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/recourse-dns/recourse/blocklists"
)

// exceptionsKept is the exceptions in force as they were read last, so that of a hundred thousand
// only those are read again that were changed since: a decision is to be in force at once.
type exceptionsKept struct {
	mu    sync.Mutex // guards what follows
	last  Announcement
	found []blocklists.Exception // by ID
}

// read gives the exceptions in force and their sequence. The slice is the caller's.
func (k *exceptionsKept) read(ctx context.Context, view *View) (uint64, []blocklists.Exception, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := sequence(ctx, view)
	if err != nil {
		return 0, nil, err
	}
	same, err := k.continues(ctx, view, now)
	if err == nil && !same {
		k.last, k.found = Announcement{}, nil
		k.found, err = exceptions(ctx, view)
	} else if err == nil && now > k.last.Sequence {
		err = k.follow(ctx, view)
	}
	if err == nil {
		k.last, err = announcementAt(ctx, view, now)
	}
	if err != nil {
		k.last, k.found = Announcement{}, nil // it may have a part of what failed
		return 0, nil, err
	}
	return now, slices.Clone(k.found), nil
}

// continues says whether the database goes on from what was read last. One that was put back from a copy, or
// whose last changes were lost with a server, does not.
func (k *exceptionsKept) continues(ctx context.Context, view *View, now uint64) (bool, error) {
	if k.last.Sequence == 0 || now < k.last.Sequence {
		return false, nil
	}
	there, err := announcementAt(ctx, view, k.last.Sequence)
	return there == k.last, err
}

func announcementAt(ctx context.Context, view *View, at uint64) (Announcement, error) {
	found, err := all(ctx, view, scanAnnouncement, `SELECT sequence, exception, change, at FROM announcements WHERE sequence = ?`, int64(at))
	if err != nil || len(found) == 0 {
		return Announcement{}, err
	}
	return found[0], nil
}

// follow reads what was announced since.
func (k *exceptionsKept) follow(ctx context.Context, view *View) error {
	changed, err := all(ctx, view, scanChanged, `SELECT id, kind, list, name, keep, case_id, at, below, outside, ended_at FROM exceptions
		WHERE id IN (SELECT exception FROM announcements WHERE sequence > ?)`, int64(k.last.Sequence))
	if err != nil {
		return err
	}
	for _, one := range changed {
		at, known := slices.BinarySearchFunc(k.found, one.exception.ID, func(e blocklists.Exception, id int64) int { return cmp.Compare(e.ID, id) })
		switch {
		case one.ended && known:
			k.found = slices.Delete(k.found, at, at+1)
		case !one.ended && !known:
			k.found = slices.Insert(k.found, at, one.exception)
		}
	}
	return nil
}

// changed is an exception, and whether it has ended.
type changed struct {
	exception blocklists.Exception
	ended     bool
}

func scanChanged(rows *sql.Rows) (changed, error) {
	var ended sql.NullInt64
	exception, err := scanException(rows, &ended)
	return changed{exception: exception, ended: ended.Valid}, err
}
