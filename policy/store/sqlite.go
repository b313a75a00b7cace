package store

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// sqliteReaders is how many connections read beside the one that writes.
const sqliteReaders = 4

func connectSQLite(path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := &DB{kind: sqlite, file: absolute}
	// What is erased is overwritten, so that the file does not go on telling it.
	if db.writer, err = openSQLite(absolute, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)"); err == nil {
		db.writer.SetMaxOpenConns(1)
		db.reader, err = readSQLite(absolute)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func connectSQLiteReader(path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(absolute); err != nil {
		return nil, err
	}
	reader, err := readSQLite(absolute)
	return &DB{kind: sqlite, reader: reader}, err
}

func readSQLite(path string) (*sql.DB, error) {
	reader, err := openSQLite(path, "deferred", "query_only(1)")
	if err == nil {
		reader.SetMaxOpenConns(sqliteReaders)
		reader.SetMaxIdleConns(sqlite.idle())
	}
	return reader, err
}

// create makes the file before SQLite does, which would make it readable for all.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func openSQLite(path, lock string, pragmas ...string) (*sql.DB, error) {
	values := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}}
	values["_pragma"] = append(values["_pragma"], pragmas...)
	// As a URI, so that no character of the path is taken for the query's beginning.
	address := url.URL{Scheme: "file", Path: path, RawQuery: values.Encode()}
	return sql.Open("sqlite", address.String())
}
