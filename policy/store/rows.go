package store

import (
	"context"
	"database/sql"
)

// Querier is what a database and both kinds of transaction can do.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	Unseal(octets []byte, place, key string) ([]byte, error)
}

// Each runs a query and gives its rows to scan one after the other. The first error ends it.
func Each(ctx context.Context, from Querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// all gathers what scan makes of the rows of a query.
func all[T any](ctx context.Context, from Querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	var found []T
	err := Each(ctx, from, func(rows *sql.Rows) error {
		one, err := scan(rows)
		if err == nil {
			found = append(found, one)
		}
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}
