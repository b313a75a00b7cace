package store

import (
	"context"
	"database/sql"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// openBeside opens the cases of a change behind those that their filing has. Where another filing has one that stands for it, that is
// linked in its place.
func openBeside(ctx context.Context, tx *policystore.Tx, change *redress.Change) error {
	if len(change.Opened) == 0 {
		return nil
	}
	filing := change.Opened[0].Case.Filing.ID
	var position int
	if err := tx.QueryRowContext(ctx, `SELECT max(position) FROM cases WHERE filing = ?`, string(filing)).Scan(&position); err != nil {
		return err
	}
	for i := range change.Opened {
		one := &change.Opened[i]
		other, err := standsFor(ctx, tx, one.Case)
		if err != nil {
			return err
		}
		if other != "" {
			_, err = tx.ExecContext(ctx, `INSERT INTO linked_cases (filing, case_id) VALUES (?, ?) ON CONFLICT (filing, case_id) DO NOTHING`, string(filing), string(other))
		} else {
			position++
			err = openCase(ctx, tx, position, one)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// standsFor is the oldest open case about the same entry in another filing whose party has proved control too; empty for none. A
// report, or who proved nothing, stands for nobody.
func standsFor(ctx context.Context, tx *policystore.Tx, one *redress.Case) (redress.CaseID, error) {
	entry := one.Entry
	cases, err := casesOf(ctx, tx, `WHERE c.code = ? AND c.list = ? AND c.entry = ? AND c.order_ref = ? AND c.filing <> ? AND c.hidden = 0 AND c.merged_into IS NULL
		AND f.verified_at IS NOT NULL AND f.role <> ? ORDER BY f.verified_at, c.id LIMIT ?`,
		entry.Code.String(), string(entry.List), entry.Name.String(), entry.Order, string(one.Filing.ID), string(redress.Reporter), maxAlike)
	if err != nil {
		return "", err
	}
	for _, other := range cases {
		if other.Merits.Unfinished() || !one.Merits.Unfinished() && other.Implementation.Unfinished() {
			return other.ID, nil
		}
	}
	return "", nil
}

// elsewhere are the cases of other filings that are linked to one.
func elsewhere(ctx context.Context, from policystore.Querier, filing redress.FilingID) ([]redress.Elsewhere, error) {
	var found []redress.Elsewhere
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			one  redress.Elsewhere
			name string
		)
		err := rows.Scan(&one.ID, &one.List, &name, &one.Order)
		if err != nil {
			return err
		}
		one.Name, err = wire.ParseName(name)
		found = append(found, one)
		return err
	}, `SELECT c.id, c.list, c.entry, c.order_ref FROM linked_cases l JOIN cases c ON c.id = l.case_id WHERE l.filing = ? ORDER BY c.entry, c.id`, string(filing))
	return found, err
}
