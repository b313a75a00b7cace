package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// The advisory locks: who writes, and who migrates. Their numbers are "recourse" in ASCII, and
// one more.
const (
	writeLock   = 0x7265636f75727365
	migrateLock = writeLock + 1
)

const (
	// postgresReaders is how many connections of one process read beside the one that writes.
	postgresReaders = 4
	// postgresMinimum is the oldest server that is known to do all of it.
	postgresMinimum = 150000
	connectTime     = 5 * time.Second
	idleTime        = 5 * time.Minute
)

// ErrOldServer says that a PostgreSQL is older than what this program needs.
var ErrOldServer = fmt.Errorf("the server is older than PostgreSQL %d", postgresMinimum/10000)

func connectPostgres(address string) (*DB, error) {
	config, err := ParsePostgres(address)
	if err != nil {
		return nil, err
	}
	db := &DB{kind: postgres, listener: config}
	// One writes: the others would only wait for the lock, each with a connection.
	db.writer = pool(config, 1, "default_transaction_read_only", "off")
	db.reader = pool(config, postgresReaders, "default_transaction_read_only", "on")
	return db, nil
}

// ParsePostgres reads an address, with what the environment adds to it (PGPASSFILE and the
// like), as libpq does. Its errors never show a password.
func ParsePostgres(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("address %s: %w", redacted(address), err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	config.RuntimeParams["application_name"] = "recourse"
	return config, nil
}

// redacted is an address without its password, and all that is said of one that is none.
func redacted(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "postgres://…"
	}
	values := parsed.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if values.Has(secret) {
			values.Set(secret, "xxxxx")
		}
	}
	parsed.RawQuery = values.Encode()
	return parsed.Redacted()
}

// pool makes connections of which each has a setting of its own.
func pool(config *pgx.ConnConfig, size int, setting, value string) *sql.DB {
	made := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return prepare(ctx, conn, setting, value)
	}))
	made.SetMaxOpenConns(size)
	made.SetMaxIdleConns(postgres.idle())
	made.SetConnMaxIdleTime(idleTime)
	return made
}

// prepare makes a new connection ours. A commit that was answered has to be on the disk,
// whatever the server is set to; where it is set to more than that it stays.
func prepare(ctx context.Context, conn *pgx.Conn, setting, value string) error {
	var version int
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version)
	if err == nil && version < postgresMinimum {
		err = ErrOldServer
	}
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `SELECT set_config($1, $2, false), set_config('lock_timeout', '10s', false),
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)`,
		setting, value)
	return err
}

// noSuchTable says that nobody has made the tables of a PostgreSQL yet.
func noSuchTable(err error) bool {
	told, is := errors.AsType[*pgconn.PgError](err)
	return is && told.Code == "42P01"
}

// Remote says whether the server is reached over a network that others may listen on.
func Remote(config *pgx.ConnConfig) bool {
	if strings.HasPrefix(config.Host, "/") || config.Host == "localhost" {
		return false
	}
	address, err := netip.ParseAddr(config.Host)
	return err != nil || !address.IsLoopback()
}
