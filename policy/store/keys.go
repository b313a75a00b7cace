package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/recourse-dns/recourse/policy/sealed"
)

// keyName is the file of the key beside an SQLite file.
const keyName = "contact.key"

// Keys is the file of what personal texts are sealed with; empty where there is none.
func (c Config) Keys() string {
	if c.KeyFile != "" || IsPostgres(c.Address) {
		return c.KeyFile
	}
	return filepath.Join(filepath.Dir(c.Address), keyName)
}

// keys is what personal texts are sealed with. It is read anew when a text is met that was
// sealed with another: somebody else may have put a new key before those that were known.
type keys struct {
	path string

	mu   sync.Mutex
	ring *sealed.Keyring
}

var errNoKeyFile = errors.New("no key file is configured for personal texts")

// load reads the file, which is made where there is none.
func (k *keys) load() (ring *sealed.Keyring, made bool, err error) {
	if k.path == "" {
		return nil, false, errNoKeyFile
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if ring, made, err = sealed.LoadKeyring(k.path); err != nil {
		return nil, false, fmt.Errorf("key of personal texts: %w", err)
	}
	k.ring = ring
	return ring, made, nil
}

func (k *keys) known() (*sealed.Keyring, error) {
	k.mu.Lock()
	ring := k.ring
	k.mu.Unlock()
	if ring != nil {
		return ring, nil
	}
	ring, _, err := k.load()
	return ring, err
}

func (k *keys) seal(text []byte, place string) ([]byte, string, error) {
	ring, err := k.known()
	if err != nil {
		return nil, "", err
	}
	octets, id := ring.Seal(text, place)
	return octets, id, nil
}

func (k *keys) unseal(octets []byte, place, id string) ([]byte, error) {
	if id == "" {
		return octets, nil
	}
	ring, err := k.known()
	if err == nil && !ring.Has(id) {
		ring, _, err = k.load()
	}
	if err != nil {
		return nil, err
	}
	return ring.Open(octets, place, id)
}

// Seal seals a personal text for a place in the database (its table, row and column). It gives
// the name of the key, which is written beside it.
func (t *Tx) Seal(text []byte, place string) (octets []byte, key string, err error) {
	return t.keys.seal(text, place)
}

// Mark stands for a text where rows are compared by it, and does not tell it.
func (t *Tx) Mark(text string) (string, error) {
	ring, err := t.keys.known()
	if err != nil {
		return "", err
	}
	return ring.Mark(text), nil
}

// Mark is that of a transaction.
func (db *DB) Mark(text string) (string, error) {
	ring, err := db.keys.known()
	if err != nil {
		return "", err
	}
	return ring.Mark(text), nil
}

// Unseal gives what was sealed; what has no key's name beside it is plain. The error is
// [sealed.ErrNoKey] where the key is gone, [sealed.ErrDamaged] where the text was changed.
func (t *Tx) Unseal(octets []byte, place, key string) ([]byte, error) {
	return t.keys.unseal(octets, place, key)
}

// Unseal is that of a transaction.
func (v *View) Unseal(octets []byte, place, key string) ([]byte, error) {
	return v.keys.unseal(octets, place, key)
}

// Unseal is that of a transaction.
func (db *DB) Unseal(octets []byte, place, key string) ([]byte, error) {
	return db.keys.unseal(octets, place, key)
}

// CurrentKey reads the key file anew and gives the name of the key that seals now: what has
// another name beside it is to be sealed anew.
func (db *DB) CurrentKey() (string, error) {
	ring, _, err := db.keys.load()
	if err != nil {
		return "", err
	}
	return ring.Current(), nil
}

// checkKey makes the key where there is none. That texts are there which no key opens is told;
// the desk goes on without them.
func (db *DB) checkKey(ctx context.Context) error {
	if db.keys.path == "" {
		return nil
	}
	ring, made, err := db.keys.load()
	if err != nil {
		return &outage{cause: err}
	}
	lost := 0
	err = Each(ctx, raw{db}, func(rows *sql.Rows) error {
		var (
			id    string
			count int
		)
		err := rows.Scan(&id, &count)
		if id != "" && !ring.Has(id) {
			lost += count
		}
		return err
	}, `SELECT sealed_with, count(*) FROM texts GROUP BY sealed_with`)
	if lost > 0 {
		db.opening.logger.Error("ALARM: texts and contacts of parties cannot be read, for the key that they were sealed with is not in the key file: put it back from its backup", "file", db.keys.path, "made", made, "texts", lost)
	}
	return err
}

// raw reads before the database is ready.
type raw struct{ *DB }

func (r raw) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.reader.QueryContext(ctx, r.kind.statement(query), r.kind.arguments(args)...)
}
