package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Setting is what a home has set under a name; "" where it has set nothing.
func (db *DB) Setting(ctx context.Context, name string) (string, error) {
	var value string
	err := db.QueryRowContext(ctx, `SELECT value FROM household_settings WHERE name = ?`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %q: %w", name, err)
	}
	return value, nil
}

// Set writes what a home has set, and who did.
func (t *Tx) Set(ctx context.Context, name, value, by string, at time.Time) error {
	_, err := t.ExecContext(ctx, `INSERT INTO household_settings (name, value, changed_by, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = excluded.changed_at`, name, value, by, at.UnixMicro())
	if err != nil {
		return fmt.Errorf("write setting %q: %w", name, err)
	}
	return nil
}

// HouseholdCount is how often something of a category was withheld in a week.
type HouseholdCount struct {
	Week     time.Time // its Monday
	Category string
	Count    int64
}

// AddCounts adds to what a week has counted, by category.
func (t *Tx) AddCounts(ctx context.Context, week time.Time, counts map[string]int64) error {
	for _, category := range slices.Sorted(maps.Keys(counts)) {
		_, err := t.ExecContext(ctx, `INSERT INTO household_counts (week, category, count) VALUES (?, ?, ?)
			ON CONFLICT (week, category) DO UPDATE SET count = household_counts.count + excluded.count`, week.UnixMicro(), category, counts[category])
		if err != nil {
			return fmt.Errorf("add counts: %w", err)
		}
	}
	return nil
}

// ForgetCounts takes away what weeks before a time have counted.
func (t *Tx) ForgetCounts(ctx context.Context, before time.Time) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM household_counts WHERE week < ?`, before.UnixMicro()); err != nil {
		return fmt.Errorf("forget counts: %w", err)
	}
	return nil
}

// Counts are those since a week, by week and category.
func (db *DB) Counts(ctx context.Context, since time.Time) ([]HouseholdCount, error) {
	scan := func(rows *sql.Rows) (HouseholdCount, error) {
		var one HouseholdCount
		var week int64
		err := rows.Scan(&week, &one.Category, &one.Count)
		one.Week = time.UnixMicro(week).UTC()
		return one, err
	}
	found, err := all(ctx, db, scan, `SELECT week, category, count FROM household_counts WHERE week >= ? ORDER BY week, category`, since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	return found, nil
}
