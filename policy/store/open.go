package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says which database it is.
type Config struct {
	// Address is the path of an SQLite file, or postgres://user@host/database.
	Address string
	// KeyFile holds what personal texts are sealed with. Beside an SQLite file it is
	// contact.key where none is named.
	KeyFile string
}

// Name is the database as people are told of it: without a password.
func (c Config) Name() string {
	if IsPostgres(c.Address) {
		return redacted(c.Address)
	}
	return c.Address
}

// IsPostgres says whether an address is one of PostgreSQL, and not a path.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// DB is the open database. Its methods may be called from several goroutines.
type DB struct {
	kind    kind
	writer  *sql.DB
	reader  *sql.DB
	file    string // of SQLite
	keys    keys
	topics  topics
	opening readiness
	// exceptions are those in force, as they were read last.
	exceptions exceptionsKept
	// patience is how long a server may take to answer; zero: [answerTime].
	patience time.Duration
	// listener is how a connection is made that hears of changes; nil for SQLite.
	listener *pgx.ConnConfig
}

// Open opens the database, makes the file with mode 0600 where there is none, and
// applies the migrations that it lacks.
func (c Config) Open(ctx context.Context, logger *slog.Logger) (*DB, error) {
	db, err := c.connect(logger)
	if err == nil {
		err = db.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %q: %w", c.Name(), err), db.Close())
	}
	return db, nil
}

// open finds the database and brings its schema up to date.
func (db *DB) open(ctx context.Context) error {
	if db.kind == sqlite {
		if err := create(db.file); err != nil {
			return &outage{cause: err}
		}
	}
	if err := migrate(ctx, db.kind, db.writer, db.opening.logger); err != nil {
		return err
	}
	if err := db.reader.PingContext(ctx); err != nil {
		return err
	}
	return db.checkKey(ctx)
}

// Open opens the SQLite file at a path, as [Config.Open] does.
func Open(ctx context.Context, path string, logger *slog.Logger) (*DB, error) {
	return Config{Address: path}.Open(ctx, logger)
}

// connect makes the pools, which connect when they are used.
func (c Config) connect(logger *slog.Logger) (*DB, error) {
	db, err := c.pools()
	if err == nil {
		db.opening.logger, db.keys.path = logger, c.Keys()
	}
	return db, err
}

func (c Config) pools() (*DB, error) {
	if IsPostgres(c.Address) {
		return connectPostgres(c.Address)
	}
	return connectSQLite(c.Address)
}

// pools are those that there are.
func (db *DB) pools() []*sql.DB {
	var all []*sql.DB
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			all = append(all, pool)
		}
	}
	return all
}

// Close waits for what runs and closes.
func (db *DB) Close() error {
	if db == nil {
		return nil
	}
	var all []error
	for _, pool := range db.pools() {
		all = append(all, pool.Close())
	}
	return errors.Join(all...)
}

// OpenReader opens a database that somebody else may hold, only to read. Where there is none
// the error is fs.ErrNotExist; where an older version has written it, [ErrOlder].
func (c Config) OpenReader(ctx context.Context) (*DB, error) {
	db, err := c.connectReader()
	if err != nil {
		return nil, fmt.Errorf("read database: %w", err)
	}
	db.opening.done.Store(true) // as far as it goes
	db.keys.path = c.Keys()
	var version int64
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&version)
	if err == nil && version < firstWithOrders || noSuchTable(err) {
		err = ErrOlder
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read database %q: %w", c.Name(), err), db.Close())
	}
	return db, nil
}

func (c Config) connectReader() (*DB, error) {
	if IsPostgres(c.Address) {
		return connectPostgres(c.Address)
	}
	return connectSQLiteReader(c.Address)
}

// OpenReader opens an SQLite file only to read, as [Config.OpenReader] does.
func OpenReader(ctx context.Context, path string) (*DB, error) {
	return Config{Address: path}.OpenReader(ctx)
}

// firstWithOrders is the migration that made the tables of orders.
const firstWithOrders = 5

// ErrOlder says that an older version has written the database, and this one has not been
// started on it yet.
var ErrOlder = errors.New("the database is older than this program")
