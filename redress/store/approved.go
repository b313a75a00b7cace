package store

import (
	"context"
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
)

// Approved says whether a person, as two are compared, let something of a list take effect: released
// a hold of it, or a held name of one of its orders, or vouched for a list or an entry; by the name that was
// written down for it, or as whom the system knew it.
func (s *Store) Approved(ctx context.Context, list blocklists.ListID, person string) (bool, error) {
	var found int
	err := s.db.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM holds h JOIN releases r ON r.hold = h.id WHERE h.list = ? AND (r.person = ? OR lower(r.actor) = ?))
		+ (SELECT count(*) FROM orders o JOIN order_entries e ON e.order_id = o.id JOIN order_releases r ON r.entry = e.id WHERE o.list = ? AND (r.person = ? OR lower(r.actor) = ?))
		+ (SELECT count(*) FROM confirmations WHERE list = ? AND (lower(by) = ? OR lower(actor) = ?))`,
		string(list), person, person, string(list), person, person, string(list), person, person).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("read approvals: %w", err)
	}
	return found > 0, nil
}
