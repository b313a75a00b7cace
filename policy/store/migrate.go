package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// ErrNewer says that a later version of the program has written the database.
var ErrNewer = errors.New("the database is newer than this program")

func migrate(ctx context.Context, kind kind, db *sql.DB, logger *slog.Logger) error {
	provider, err := migrator(kind, db)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("%w: it has schema %d, this program knows %d", ErrNewer, current, target)
	}
	if current == target {
		return nil // as at most starts, for which nobody need wait
	}
	applied, err := provider.Up(ctx)
	for _, migration := range applied {
		logger.Info("database migrated", "schema", migration.Source.Version, "duration", migration.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// migrator knows the migrations of a kind of database. Several processes may start on one
// PostgreSQL at the same time, so that there one migrates and the others wait.
func migrator(kind kind, db *sql.DB) (*goose.Provider, error) {
	folder, dialect := "migrations/sqlite", goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if kind == postgres {
		folder, dialect = "migrations/postgres", goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrateLock), lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 10))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, options...)
}
