package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
)

// rate is how often something may be tried in vain: so many times at once, and once more each while.
type rate struct {
	burst int64
	every time.Duration
}

// limit is a rate that counts under a key, or under a network, whose key is of the day: [Office.take] makes it.
type limit struct {
	key     []byte
	network string
	rate    rate
}

// limits are what one attempt counts against. A browser that signed in to the account before is counted by
// itself, so that no stranger can use up what the owner has; all others together by account, and by network.
func (o *Office) limits(account string, network netip.Addr, known string) []limit {
	if known != "" {
		return []limit{{key: o.keys.mac(limiting, "device", known), rate: rate{burst: 10, every: time.Minute}}}
	}
	all := []limit{{network: networkOf(network), rate: rate{burst: 40, every: 30 * time.Second}}}
	if account != "" {
		all = append(all, limit{key: o.keys.mac(limiting, "account", account), rate: rate{burst: 10, every: 5 * time.Minute}})
	}
	return all
}

// networkOf is what limits count a network by. At home, and on one link, each address is its own.
func networkOf(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return addr.String()
	}
	return redress.NetworkOf(addr)
}

// keyed makes the keys of networks with the random key of the day, which is erased at midnight.
func keyed(ctx context.Context, tx *store.Tx, all []limit, at time.Time) error {
	today, err := limits.DayKey(ctx, tx, at)
	for i := range all {
		if all[i].network != "" {
			mac := hmac.New(sha256.New, today)
			mac.Write([]byte("sign in\x00" + all[i].network))
			all[i].key = mac.Sum(nil)
		}
	}
	return err
}

// Throttled says that too much was tried in vain, and when to try again.
type Throttled struct{ Wait time.Duration }

func (t *Throttled) Error() string { return "too many attempts; the next in " + t.Wait.String() }

const thousand = 1000

// take counts an attempt before it is looked at, so that many at once gain nothing. Where one of the limits is
// reached it counts nothing, and the error is a *Throttled.
func (o *Office) take(ctx context.Context, all []limit) error {
	return o.database.Tx(ctx, func(tx *store.Tx) error {
		at := now()
		if err := keyed(ctx, tx, all, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_in_limits WHERE at < ?`, at.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		levels := make([]int64, len(all))
		for i, one := range all {
			var err error
			if levels[i], err = levelOf(ctx, tx, one, at); err != nil {
				return err
			}
			if over := levels[i] + thousand - one.rate.burst*thousand; over > 0 {
				return &Throttled{Wait: (time.Duration(over) * one.rate.every / thousand).Round(time.Second) + time.Second}
			}
		}
		for i, one := range all {
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
func giveBack(ctx context.Context, tx *store.Tx, all []limit) error {
	for _, one := range all {
		if _, err := tx.ExecContext(ctx, `UPDATE sign_in_limits SET level = CASE WHEN level > ? THEN level - ? ELSE 0 END WHERE key = ?`, thousand, thousand, one.key); err != nil {
			return err
		}
	}
	return nil
}
