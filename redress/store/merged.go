package store

import (
	"context"
	"database/sql"
	"fmt"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// noteMerged keeps which case stands for a merged one, where it can be found from there.
func noteMerged(ctx context.Context, tx *policystore.Tx, change *redress.Change) error {
	for i := range change.Events {
		event := &change.Events[i]
		if event.Kind != redress.MergedEvent || event.Content.Into == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET merged_into = ? WHERE id = ?`, event.Content.Into, string(change.Case)); err != nil {
			return err
		}
	}
	return nil
}

// MergedInto are the cases for which one stands.
func (s *Store) MergedInto(ctx context.Context, id redress.CaseID, limit int) ([]redress.CaseID, error) {
	var found []redress.CaseID
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		var one redress.CaseID
		err := rows.Scan(&one)
		found = append(found, one)
		return err
	}, `SELECT id FROM cases WHERE merged_into = ? ORDER BY id LIMIT ?`, string(id), limit)
	if err != nil {
		return nil, fmt.Errorf("read merged cases: %w", err)
	}
	return found, nil
}

// Standing are all cases of the filing to which one belongs, without their events and texts.
func (s *Store) Standing(ctx context.Context, id redress.CaseID) ([]*redress.Case, error) {
	cases, err := filingOf(ctx, s.db, id)
	if err != nil {
		return nil, fmt.Errorf("read filing: %w", err)
	}
	return cases, nil
}
