package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers is how many connections read beside the one that writes.
const readers = 4

// DB is the open database. Its methods may be called from several goroutines.
type DB struct {
	writer *sql.DB
	reader *sql.DB
	topics topics
}

// ErrNewer says that a later version of the program has written the database.
var ErrNewer = errors.New("the database is newer than this program")

// Open opens the file, making it with mode 0600 where there is none, and applies
// the migrations that it lacks.
func Open(ctx context.Context, path string, logger *slog.Logger) (*DB, error) {
	absolute, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := new(DB)
	if db.writer, err = connect(absolute, "immediate", "journal_mode(WAL)", "synchronous(FULL)"); err == nil {
		db.writer.SetMaxOpenConns(1)
		err = migrate(ctx, db.writer, logger)
	}
	if err == nil {
		if db.reader, err = connect(absolute, "deferred", "query_only(1)"); err == nil {
			db.reader.SetMaxOpenConns(readers)
			err = db.reader.PingContext(ctx)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %q: %w", path, err), db.Close())
	}
	return db, nil
}

// create makes the file before SQLite does, which would make it readable for all.
func create(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(absolute, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	return absolute, file.Close()
}

func connect(path, lock string, pragmas ...string) (*sql.DB, error) {
	values := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}}
	values["_pragma"] = append(values["_pragma"], pragmas...)
	// As a URI, so that no character of the path is taken for the query's beginning.
	address := url.URL{Scheme: "file", Path: path, RawQuery: values.Encode()}
	return sql.Open("sqlite", address.String())
}

func migrate(ctx context.Context, db *sql.DB, logger *slog.Logger) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
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
	applied, err := provider.Up(ctx)
	for _, migration := range applied {
		logger.Info("database migrated", "schema", migration.Source.Version, "duration", migration.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Close waits for what runs and closes.
func (db *DB) Close() error {
	var all []error
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			all = append(all, pool.Close())
		}
	}
	return errors.Join(all...)
}

// OpenReader opens a database that somebody else may hold, only to read. Where there is none
// the error is fs.ErrNotExist; where an older version has written it, [ErrOlder].
func OpenReader(ctx context.Context, path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(absolute)
	}
	if err != nil {
		return nil, fmt.Errorf("read database: %w", err)
	}
	db := new(DB)
	if db.reader, err = connect(absolute, "deferred", "query_only(1)"); err != nil {
		return nil, fmt.Errorf("read database %q: %w", path, err)
	}
	var version int64
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&version)
	if err == nil && version < firstWithOrders {
		err = ErrOlder
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read database %q: %w", path, err), db.Close())
	}
	return db, nil
}

// firstWithOrders is the migration that made the tables of orders.
const firstWithOrders = 5

// ErrOlder says that an older version has written the database, and this one has not been
// started on it yet.
var ErrOlder = errors.New("the database is older than this program")
