package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrNoBackup says that the database's own programs copy it.
var ErrNoBackup = errors.New("a PostgreSQL is copied with its own program: pg_dump --format=custom")

// Backup writes a copy of the SQLite file, as of one moment, while others use it. The copy is
// whole in itself; nobody but its owner can read it.
func (c Config) Backup(ctx context.Context, to string) error {
	if IsPostgres(c.Address) {
		return ErrNoBackup
	}
	if _, err := os.Stat(c.Address); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	if err := c.copyTo(ctx, to); err != nil {
		return errors.Join(fmt.Errorf("copy database: %w", err), os.Remove(to))
	}
	return nil
}

func (c Config) copyTo(ctx context.Context, to string) error {
	from, err := openSQLite(c.Address, "deferred")
	if err != nil {
		return err
	}
	_, err = from.ExecContext(ctx, `VACUUM INTO ?`, to)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	copied, err := os.OpenFile(to, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(copied.Sync(), copied.Close())
}
