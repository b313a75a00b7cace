package accounts

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// rate is how often something may be tried in vain: so many times at once, and once more each while.
type rate struct {
	burst int64
	every time.Duration
}

// limit is a rate that counts under a key.
type limit struct {
	key  []byte
	rate rate
}

// limits are what one attempt counts against. A browser that signed in to the account before is counted by
// itself, so that no stranger can use up what the owner has; all others together by account, and by network.
func (o *Office) limits(account string, network netip.Addr, known string) []limit {
	if known != "" {
		return []limit{{o.keys.mac(limiting, "device", known), rate{burst: 10, every: time.Minute}}}
	}
	all := []limit{{o.networkKey(network), rate{burst: 40, every: 30 * time.Second}}}
	if account != "" {
		all = append(all, limit{o.keys.mac(limiting, "account", account), rate{burst: 10, every: 5 * time.Minute}})
	}
	return all
}

// networkKey names a network under a key of the day. At home, and on one link, each address is its own.
func (o *Office) networkKey(addr netip.Addr) []byte {
	addr = addr.Unmap().WithZone("")
	bits := 56
	switch {
	case addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast():
		bits = addr.BitLen()
	case addr.Is4():
		bits = 24
	}
	text := "unknown"
	if prefix, err := addr.Prefix(bits); err == nil {
		text = prefix.String()
	}
	return o.keys.mac(limiting, "network", now().Format(time.DateOnly), text)
}

// Throttled says that too much was tried in vain, and when to try again.
type Throttled struct{ Wait time.Duration }

func (t *Throttled) Error() string { return "too many attempts; the next in " + t.Wait.String() }

const thousand = 1000

// take counts an attempt before it is looked at, so that many at once gain nothing. Where one of the limits is
// reached it counts nothing, and the error is a *Throttled.
func (o *Office) take(ctx context.Context, limits []limit) error {
	return o.database.Tx(ctx, func(tx *store.Tx) error {
		at := now()
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_in_limits WHERE at < ?`, at.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		levels := make([]int64, len(limits))
		for i, one := range limits {
			var err error
			if levels[i], err = levelOf(ctx, tx, one, at); err != nil {
				return err
			}
			if over := levels[i] + thousand - one.rate.burst*thousand; over > 0 {
				return &Throttled{Wait: (time.Duration(over) * one.rate.every / thousand).Round(time.Second) + time.Second}
			}
		}
		for i, one := range limits {
			_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_limits (key, level, at) VALUES (?, ?, ?)
				ON CONFLICT (key) DO UPDATE SET level = excluded.level, at = excluded.at`, one.key, levels[i]+thousand, at.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func levelOf(ctx context.Context, tx *store.Tx, one limit, at time.Time) (int64, error) {
	var level, since int64
	err := tx.QueryRowContext(ctx, `SELECT level, at FROM sign_in_limits WHERE key = ?`, one.key).Scan(&level, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	fallen := int64(at.Sub(time.UnixMicro(since)) * thousand / one.rate.every)
	return max(0, level-max(0, fallen)), err
}

// giveBack takes an attempt that was right off again.
func giveBack(ctx context.Context, tx *store.Tx, limits []limit) error {
	for _, one := range limits {
		if _, err := tx.ExecContext(ctx, `UPDATE sign_in_limits SET level = CASE WHEN level > ? THEN level - ? ELSE 0 END WHERE key = ?`, thousand, thousand, one.key); err != nil {
			return err
		}
	}
	return nil
}
