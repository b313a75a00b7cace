package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
)

// Reversals is how many decided exceptions each list has had, those that have ended too: by them a list is judged.
func (db *DB) Reversals(ctx context.Context) (map[blocklists.ListID]int, error) {
	counts := make(map[blocklists.ListID]int)
	err := Each(ctx, db, func(rows *sql.Rows) error {
		var (
			list  blocklists.ListID
			count int
		)
		if err := rows.Scan(&list, &count); err != nil {
			return err
		}
		counts[list] = count
		return nil
	}, `SELECT list, COUNT(*) FROM exceptions WHERE kind = ? GROUP BY list`, string(blocklists.Decided))
	if err != nil {
		return nil, fmt.Errorf("count reversals: %w", err)
	}
	return counts, nil
}
