package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	modernc "modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"
)

// ErrUnavailable says that the database cannot be used now: it cannot be reached, is held by
// somebody else, damaged, or has no room. Nothing was written. Who waits and tries again may
// succeed.
var ErrUnavailable = errors.New("the database cannot be used now")

// outage is what made the database unusable.
type outage struct{ cause error }

func (o *outage) Error() string        { return ErrUnavailable.Error() + ": " + o.cause.Error() }
func (o *outage) Unwrap() error        { return o.cause }
func (o *outage) Is(target error) bool { return target == ErrUnavailable }

// Unavailable says whether an error is one of the database's outages. Errors of [DB.Tx],
// [DB.View] and [DB.QueryContext] are ErrUnavailable then; those of a single row are known by
// this alone.
func Unavailable(err error) bool {
	return err != nil && (errors.Is(err, ErrUnavailable) || lost(err) || sqliteOutage(err) || postgresOutage(err))
}

// told makes an outage known as one.
func told(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || !Unavailable(err) {
		return err
	}
	return &outage{cause: err}
}

// lost says whether a connection could not be made or broke. That the caller gave up is not it.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	for _, broken := range []error{driver.ErrBadConn, pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED, syscall.ETIMEDOUT, syscall.EHOSTUNREACH} {
		if errors.Is(err, broken) {
			return true
		}
	}
	_, is := errors.AsType[*pgconn.ConnectError](err)
	return is
}

// sqliteOutage says whether it is the file's fault, or the disk's.
func sqliteOutage(err error) bool {
	failed, is := errors.AsType[*modernc.Error](err)
	if !is {
		return false
	}
	switch failed.Code() & 0xff {
	case sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED, sqlitecode.SQLITE_NOMEM, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_IOERR, sqlitecode.SQLITE_CORRUPT,
		sqlitecode.SQLITE_FULL, sqlitecode.SQLITE_CANTOPEN, sqlitecode.SQLITE_PROTOCOL, sqlitecode.SQLITE_NOTADB:
		return true
	}
	return false
}

// postgresOutage says whether it is the server's fault: a connection that it broke off (class
// 08), a transaction that it gave up (40), a lack of room or connections (53), a lock that was not
// to be had (55), an end or a start of it (57), a fault of the machine (58, XX), or that it only
// stands by (25006).
func postgresOutage(err error) bool {
	failed, is := errors.AsType[*pgconn.PgError](err)
	if !is {
		return false
	}
	switch failed.Code {
	case "25006", "55P03", "57P01", "57P02", "57P03", "57P05", "XX001", "XX002", "28000", "28P01", "3D000":
		return true
	}
	return strings.HasPrefix(failed.Code, "08") || strings.HasPrefix(failed.Code, "40") || strings.HasPrefix(failed.Code, "53") || strings.HasPrefix(failed.Code, "58")
}

// stale says whether open connections are of no more use: to a server that only stands by now,
// or to a file that is damaged, in whose place people may put another.
func stale(err error) bool {
	if failed, is := errors.AsType[*pgconn.PgError](err); is {
		return failed.Code == "25006"
	}
	failed, is := errors.AsType[*modernc.Error](err)
	if !is {
		return false
	}
	switch failed.Code() & 0xff {
	case sqlitecode.SQLITE_CORRUPT, sqlitecode.SQLITE_NOTADB, sqlitecode.SQLITE_IOERR, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_CANTOPEN:
		return true
	}
	return false
}
