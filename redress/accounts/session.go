package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Method is how somebody showed who they are.
type Method string

// The methods.
const (
	ByPasskey  Method = "passkey"
	ByPassword Method = "password" // with the second factor
	ByRecovery Method = "recovery" // with a recovery code in place of the second factor
	ByProvider Method = "oidc"
	ByLink     Method = "link" // the word for a first sign-in
)

// Identity is who asks.
type Identity struct {
	Account   ID
	Name      string // for the person's own eyes; events have the account's id
	Role      redress.ActorRole
	Authority string // whose, of the role authority
	Cleared   bool   // for cases about secret lists
	Method    Method
	Since     time.Time // of the sign-in
	Proved    time.Time // when they last showed who they are
	Session   string    // which of their sessions, as [Office.Sessions] lists them
}

// Actor is who stands in events.
func (i Identity) Actor() redress.Actor {
	return redress.Actor{Name: string(i.Account), Role: i.Role, Cleared: i.Cleared}
}

// Session is one that an account has open.
type Session struct {
	ID      string
	Account ID
	Method  Method
	Made    time.Time
	Seen    time.Time
	Ends    time.Time
}

// touchEvery is how stale the time of the last request may be: it is not written at each.
const touchEvery = time.Minute

// terms are those of a role.
func (o *Office) terms(role redress.ActorRole) Terms {
	if role == redress.Household {
		return o.config.Home
	}
	return o.config.Staff
}

// SignIn opens a session for an account and ends the one that the browser had before, if any. It gives
// what the cookie is to have.
func (o *Office) SignIn(ctx context.Context, account *Account, method Method, before string) (string, error) {
	var token string
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		var err error
		token, err = o.openSession(ctx, tx, account, method, before)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return token, nil
}

func (o *Office) openSession(ctx context.Context, tx *store.Tx, account *Account, method Method, before string) (string, error) {
	token, at := newToken(), now()
	old, hash := sha256.Sum256([]byte(before)), sha256.Sum256([]byte(token))
	for _, statement := range []struct {
		text string
		arg  any
	}{{`DELETE FROM sessions WHERE hash = ?`, old[:]}, {`DELETE FROM sessions WHERE ends_at < ?`, at.UnixMicro()}} {
		if _, err := tx.ExecContext(ctx, statement.text, statement.arg); err != nil {
			return "", err
		}
	}
	ends := at.Add(o.terms(account.Role).Absolute)
	_, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, id, account, method, made_at, proved_at, seen_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		hash[:], "S-"+grouped(2), string(account.ID), string(method), at.UnixMicro(), at.UnixMicro(), at.UnixMicro(), ends.UnixMicro())
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE accounts SET used_at = ? WHERE id = ?`, at.UnixMicro(), string(account.ID))
	}
	if err == nil {
		actor := redress.Actor{Name: string(account.ID), Role: account.Role}
		err = o.note(ctx, tx, actor, SignedIn, account.ID, Facts{Method: method})
	}
	return token, err
}

// Identify says whose session a cookie's word is. Without one the error is [ErrNoSession].
func (o *Office) Identify(ctx context.Context, token string) (Identity, error) {
	hash := sha256.Sum256([]byte(token))
	var who Identity
	var made, proved, seen, ends, cleared int64
	err := o.database.QueryRowContext(ctx, `SELECT a.id, a.name, a.role, a.authority, a.cleared, s.id, s.method, s.made_at, s.proved_at, s.seen_at, s.ends_at
		FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.hash = ? AND a.removed_at IS NULL`, hash[:]).
		Scan(&who.Account, &who.Name, &who.Role, &who.Authority, &cleared, &who.Session, &who.Method, &made, &proved, &seen, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return Identity{}, ErrNoSession
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read session: %w", err)
	}
	at := now()
	last := time.UnixMicro(seen)
	if !at.Before(time.UnixMicro(ends)) || at.Sub(last) >= o.terms(who.Role).Idle {
		return Identity{}, ErrNoSession
	}
	who.Cleared = cleared != 0
	who.Since, who.Proved = time.UnixMicro(made).UTC(), time.UnixMicro(proved).UTC()
	if at.Sub(last) >= touchEvery {
		o.touch(ctx, hash, at)
	}
	return who, nil
}

// ErrNoSession says that nobody is signed in, or not any more.
var ErrNoSession = errors.New("nobody is signed in")

// touch notes the time of a request. Where it cannot, the session ends earlier and the page is shown.
func (o *Office) touch(ctx context.Context, hash [sha256.Size]byte, at time.Time) {
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sessions SET seen_at = ? WHERE hash = ?`, at.UnixMicro(), hash[:])
		return err
	})
	if err != nil {
		o.logger.Warn("the time of a session's last request was not noted", slog.Any("error", err))
	}
}

// SignOut ends the session that a cookie's word opens.
func (o *Office) SignOut(ctx context.Context, token string) error {
	hash := sha256.Sum256([]byte(token))
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		var id ID
		var role redress.ActorRole
		err := tx.QueryRowContext(ctx, `DELETE FROM sessions WHERE hash = ? RETURNING account, (SELECT role FROM accounts a WHERE a.id = account)`, hash[:]).Scan(&id, &role)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return o.note(ctx, tx, redress.Actor{Name: string(id), Role: role}, SignedOut, id, Facts{})
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// Sessions are those that are open, of one account or of all where id is empty, the latest first.
func (o *Office) Sessions(ctx context.Context, id ID) ([]Session, error) {
	var found []Session
	err := store.Each(ctx, o.database, func(rows *sql.Rows) error {
		var session Session
		var made, seen, ends int64
		err := rows.Scan(&session.ID, &session.Account, &session.Method, &made, &seen, &ends)
		session.Made, session.Seen, session.Ends = time.UnixMicro(made).UTC(), time.UnixMicro(seen).UTC(), time.UnixMicro(ends).UTC()
		found = append(found, session)
		return err
	}, `SELECT id, account, method, made_at, seen_at, ends_at FROM sessions WHERE (account = ? OR ? = '') AND ends_at > ? ORDER BY seen_at DESC, id LIMIT 1000`,
		string(id), string(id), now().UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return found, nil
}

// EndSession ends one session of an account, and EndSessions all of them.
func (o *Office) EndSession(ctx context.Context, by redress.Actor, account ID, session string) error {
	return o.endSessions(ctx, by, account, []string{session})
}

// EndSessions ends all sessions of an account.
func (o *Office) EndSessions(ctx context.Context, by redress.Actor, account ID) error {
	return o.endSessions(ctx, by, account, nil)
}

func (o *Office) endSessions(ctx context.Context, by redress.Actor, account ID, only []string) error {
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := endSessions(ctx, tx, account, only); err != nil {
			return err
		}
		return o.note(ctx, tx, by, SessionsEnded, account, Facts{})
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// endSessions ends those named, or all where none is.
func endSessions(ctx context.Context, tx *store.Tx, account ID, only []string) error {
	if len(only) == 0 {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE account = ?`, string(account))
		return err
	}
	for _, id := range only {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE account = ? AND id = ?`, string(account), id); err != nil {
			return err
		}
	}
	return nil
}
