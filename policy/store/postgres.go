package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
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
	config.DialFunc = dial
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

// prepare makes a new connection ours. A commit that was answered has to be on the disk, and on that of a standby where
// the server waits for one, whatever else it is set to; where it is set to more than that it stays.
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
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`,
		setting, value)
	return err
}

// noSuchTable says that nobody has made the tables of a PostgreSQL yet.
func noSuchTable(err error) bool {
	told, is := errors.AsType[*pgconn.PgError](err)
	return is && told.Code == "42P01"
}

// Remote gives a server that is reached over a network where others may listen, without a look at its certificate; empty
// where there is none.
func Remote(config *pgx.ConnConfig) string {
	for _, one := range targets(config) {
		if !one.near() && (one.TLSConfig == nil || one.TLSConfig.InsecureSkipVerify) {
			return one.Host
		}
	}
	return ""
}

// Whichever says whether the first of several servers that answers is taken, also one that only stands by.
func Whichever(config *pgx.ConnConfig) bool {
	servers := map[string]bool{}
	for _, one := range targets(config) {
		servers[net.JoinHostPort(one.Host, strconv.Itoa(int(one.Port)))] = true
	}
	return len(servers) > 1 && config.ValidateConnect == nil
}

// target is a server that an address names, in one of the ways to reach it.
type target pgconn.FallbackConfig

func targets(config *pgx.ConnConfig) []target {
	all := []target{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}
	for _, one := range config.Fallbacks {
		all = append(all, target(*one))
	}
	return all
}

// near says whether nobody is in between.
func (t *target) near() bool {
	if strings.HasPrefix(t.Host, "/") || t.Host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(t.Host)
	return err == nil && address.IsLoopback()
}
