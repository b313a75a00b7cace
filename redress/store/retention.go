package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Erased is what one pass took away.
type Erased struct {
	Filings int // of which something was erased
	Texts   int
}

// erasePage is how many filings are looked at in one transaction.
const erasePage = 100

// Erase takes away the personal texts, with their salts, of filings of which nothing can be done
// any more since a time. The chain of events stays whole: it holds their commitments.
func (s *Store) Erase(ctx context.Context, keep time.Duration, now time.Time) (Erased, error) {
	var all Erased
	for {
		looked, erased, err := s.erasePage(ctx, keep, now)
		all.Filings, all.Texts = all.Filings+erased.Filings, all.Texts+erased.Texts
		if err != nil {
			return all, fmt.Errorf("erase personal texts: %w", err)
		}
		if looked < erasePage {
			return all, nil
		}
	}
}

// erasePage looks at the filings whose time has come, or is to be computed. Each then has another
// time, so that the next page has others.
func (s *Store) erasePage(ctx context.Context, keep time.Duration, now time.Time) (looked int, erased Erased, err error) {
	err = s.db.Tx(ctx, func(tx *policystore.Tx) error {
		filings, err := filingsToErase(ctx, tx, now)
		if err != nil {
			return err
		}
		looked = len(filings)
		for _, filing := range filings {
			until, err := personalUntil(ctx, tx, filing, keep)
			if err != nil {
				return err
			}
			at := int64(noDeadline)
			switch {
			case until.IsZero(): // whatever happens next has it computed anew
			case until.After(now):
				at = until.UnixMicro()
			default:
				count, err := eraseTexts(ctx, tx, filing)
				if err != nil {
					return err
				}
				if erased.Texts += count; count > 0 {
					erased.Filings++
				}
			}
			if _, err := tx.ExecContext(ctx, `UPDATE filings SET erase_at = ? WHERE id = ?`, at, string(filing)); err != nil {
				return err
			}
		}
		return nil
	})
	return looked, erased, err
}

func filingsToErase(ctx context.Context, from policystore.Querier, now time.Time) ([]redress.FilingID, error) {
	var found []redress.FilingID
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var id redress.FilingID
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	}, `SELECT id FROM filings WHERE erase_at IS NULL UNION ALL SELECT id FROM filings WHERE erase_at <= ? LIMIT ?`, now.UnixMicro(), erasePage)
	return found, err
}

// personalUntil is the latest of the filing's cases; zero while one of them goes on.
func personalUntil(ctx context.Context, from policystore.Querier, filing redress.FilingID, keep time.Duration) (time.Time, error) {
	cases, err := casesOf(ctx, from, `WHERE c.filing = ?`, string(filing))
	if err != nil {
		return time.Time{}, err
	}
	var latest time.Time
	for _, one := range cases {
		if one.Events, err = eventsOf(ctx, from, one.ID); err != nil {
			return time.Time{}, err
		}
		until := one.PersonalUntil(keep)
		if until.IsZero() {
			return time.Time{}, nil
		}
		if until.After(latest) {
			latest = until
		}
	}
	return latest, nil
}

func eraseTexts(ctx context.Context, tx *policystore.Tx, filing redress.FilingID) (int, error) {
	result, err := tx.ExecContext(ctx, `DELETE FROM texts WHERE filing = ? AND kind NOT IN (?, ?, ?)`, string(filing), string(redress.Facts), string(redress.Ground), string(redress.Reasons))
	if err != nil {
		return 0, err
	}
	count, err := result.RowsAffected()
	return int(count), err
}

// moved has the time of erasing computed anew, as something has happened.
func moved(ctx context.Context, tx *policystore.Tx, filing redress.FilingID) error {
	_, err := tx.ExecContext(ctx, `UPDATE filings SET erase_at = NULL WHERE id = ? AND erase_at IS NOT NULL`, string(filing))
	return err
}

// Reseal seals with the key of now what was sealed with another, or not at all, before a version
// that seals. What no key opens stays as it is. It gives how many texts it sealed.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	key, err := s.db.CurrentKey()
	if err != nil {
		return 0, fmt.Errorf("seal texts anew: %w", err)
	}
	count, after := 0, []byte{}
	for {
		last, sealed, err := s.resealPage(ctx, key, after)
		count += sealed
		if err != nil {
			return count, fmt.Errorf("seal texts anew: %w", err)
		}
		if last == nil {
			return count, nil
		}
		after = last
	}
}

func (s *Store) resealPage(ctx context.Context, key string, after []byte) (last []byte, count int, err error) {
	err = s.db.Tx(ctx, func(tx *policystore.Tx) error {
		var page []row
		err := policystore.Each(ctx, tx, func(rows *sql.Rows) error {
			one, err := scanText(rows)
			page = append(page, one)
			return err
		}, `SELECT `+textColumns+` FROM texts WHERE commitment > ? AND sealed_with <> ? AND kind NOT IN (?, ?, ?) ORDER BY commitment LIMIT ?`,
			after, key, string(redress.Facts), string(redress.Ground), string(redress.Reasons), erasePage)
		if err != nil {
			return err
		}
		for i := range page {
			done, err := reseal(ctx, tx, &page[i])
			if err != nil {
				return err
			}
			if last = page[i].commitment; done {
				count++
			}
		}
		return nil
	})
	return last, count, err
}

func reseal(ctx context.Context, tx *policystore.Tx, one *row) (bool, error) {
	text, err := one.open(tx)
	if err != nil {
		return false, unreadable(err)
	}
	salt, body, key, err := seal(tx, one.commitment, text.Salt, []byte(text.Body))
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE texts SET salt = ?, body = ?, sealed_with = ? WHERE commitment = ?`, salt, body, key, one.commitment)
	}
	return err == nil, err
}
