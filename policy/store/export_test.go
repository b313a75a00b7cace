package store

import (
	"context"
	"fmt"
	"time"
)

// Hurry has a server answer within a time.
func (db *DB) Hurry(limit time.Duration) { db.patience = limit }

// ShortenWait has the writer wait no time for who else holds the file.
func (db *DB) ShortenWait(ctx context.Context) error {
	_, err := db.writer.ExecContext(ctx, `PRAGMA busy_timeout = 1`)
	return err
}

// FillDisk has SQLite meet a full disk when the file is to grow by more than a few pages; or
// gives it room again.
func (db *DB) FillDisk(ctx context.Context, full bool) error {
	pages := 1 << 30
	if full {
		if err := db.writer.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
			return err
		}
		pages += 3
	}
	var now int
	return db.writer.QueryRowContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)).Scan(&now)
}
