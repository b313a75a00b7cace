package fleet

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// DeskKey is a key that all desks of one database have to share.
type DeskKey struct {
	Use   string // contact, deployment, fleet or audit
	File  string
	Value string   // of [CheckValue]
	Older []string // those of keys behind it in its file
}

// KnownKey is what the database has of a key.
type KnownKey struct {
	Use   string
	Value string
	Node  string // that brought it
	At    time.Time
}

// CheckValue tells one key from another, and nothing else of it: keys are 256 bits of chance.
func CheckValue(use string, key []byte) string {
	digest := sha256.Sum256(append([]byte("recourse key of desks: "+use+"\n"), key...))
	return hex.EncodeToString(digest[:8])
}

// ShareKeys gives those of a desk's keys that are others than the database's, and of which it is so. What the database
// does not know yet is this desk's from now on, and so is a key that stands before the database's in one file.
func ShareKeys(ctx context.Context, db *store.DB, node string, keys []DeskKey) (others []DeskKey, known []KnownKey, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		others, known = nil, nil
		for i := range keys {
			key := &keys[i]
			if err := bring(ctx, tx, node, key, `DO NOTHING`); err != nil {
				return err
			}
			one, err := knownKey(ctx, tx, key.Use)
			switch {
			case err != nil:
				return err
			case one.Value == key.Value:
			case slices.Contains(key.Older, one.Value):
				if err := bring(ctx, tx, node, key, replaceKey); err != nil {
					return err
				}
			default:
				others, known = append(others, *key), append(known, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("keys of desks: %w", err)
	}
	return others, known, nil
}

const replaceKey = `DO UPDATE SET value = excluded.value, node = excluded.node, at = excluded.at`

func bring(ctx context.Context, tx *store.Tx, node string, key *DeskKey, where string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO desk_keys (use, value, node, at) VALUES (?, ?, ?, ?) ON CONFLICT (use) `+where, key.Use, key.Value, node, time.Now().UnixMicro())
	return err
}

func knownKey(ctx context.Context, from store.Querier, use string) (made KnownKey, err error) {
	var at int64
	made.Use = use
	err = from.QueryRowContext(ctx, `SELECT value, node, at FROM desk_keys WHERE use = ?`, use).Scan(&made.Value, &made.Node, &at)
	made.At = time.UnixMicro(at).UTC()
	return made, err
}

// AdoptKeys makes a desk's keys those of the database, as after one was lost or replaced: from then on desks with
// others are refused.
func AdoptKeys(ctx context.Context, db *store.DB, node string, keys []DeskKey) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		for i := range keys {
			if err := bring(ctx, tx, node, &keys[i], replaceKey); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keys of desks: %w", err)
	}
	return nil
}

// KnownKeys are those of the database, by use.
func KnownKeys(ctx context.Context, from store.Querier) (map[string]KnownKey, error) {
	found := map[string]KnownKey{}
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var one KnownKey
		var at int64
		err := rows.Scan(&one.Use, &one.Value, &one.Node, &at)
		one.At = time.UnixMicro(at).UTC()
		found[one.Use] = one
		return err
	}, `SELECT use, value, node, at FROM desk_keys`)
	if err != nil {
		return nil, fmt.Errorf("keys of desks: %w", err)
	}
	return found, nil
}
