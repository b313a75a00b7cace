package accounts

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Attempt is what somebody shows to be let in by password.
type Attempt struct {
	Name     string
	Password string
	Code     string // of the app, or one of the recovery codes
	Network  netip.Addr
	Device   string // what the browser was given at an earlier sign-in, if any
	Before   string // the session that the browser has already, if any
}

// Admission is what somebody who was let in gets.
type Admission struct {
	Account *Account
	Session string // for the session's cookie
	Device  string // for the browser to be known by
	// Codes are new recovery codes, shown once. Left is how many there are where one was used, else -1.
	Codes []string
	Left  int
}

// ErrRefused says no, and nothing of what was wrong.
var ErrRefused = errors.New("name, password and code do not belong together")

// secrets is what an account signs in with by password. Without an account they are decoys, so that what
// follows is the same work.
type secrets struct {
	account  *Account // nil: there is none
	id       ID
	password string
	totp     []byte
}

func (o *Office) secretsOf(ctx context.Context, name string) (secrets, error) {
	found := secrets{totp: o.decoy}
	account, err := find(ctx, o.database, name)
	if errors.Is(err, ErrNoAccount) {
		account, err = nil, nil
	}
	if err != nil {
		return found, err
	}
	if account != nil {
		found.account, found.id = account, account.ID
	}
	var totp []byte
	err = o.database.QueryRowContext(ctx, `SELECT password, totp FROM accounts WHERE id = ?`, string(found.id)).Scan(&found.password, &totp)
	if errors.Is(err, sql.ErrNoRows) {
		return found, nil
	}
	if totp != nil {
		found.totp = totp
	} else {
		found.password = "" // without a second factor the password is worth nothing
	}
	return found, err
}

// place is what an account's second factor is sealed for.
func (s *secrets) place() string {
	if s.account == nil || s.password == "" {
		return "totp "
	}
	return "totp " + string(s.id)
}

// ByPassword lets in who shows name, password and code. Whatever is wrong, answer and work are the same.
func (o *Office) ByPassword(ctx context.Context, attempt *Attempt) (*Admission, error) {
	name, err := ReadName(attempt.Name)
	if err != nil {
		name = "\x00" // no account's
	}
	held, err := o.secretsOf(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	limits := o.limits(name, attempt.Network, o.knows(held.id, attempt.Device))
	if err := o.take(ctx, limits); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	shown, err := o.compare(ctx, &held, attempt)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if held.account == nil || !shown.right || shown.step == 0 && !shown.recovery {
		return nil, ErrRefused
	}
	return o.admit(ctx, held.account, attempt, limits, &shown)
}

// shown is what came of comparing.
type shown struct {
	right    bool   // the password
	renewed  string // the password with the parameters of now; empty where it has them
	step     int64  // of the code; 0 where it is none
	recovery bool   // the code is one for recovery
}

// compare looks at everything, also when the first thing is wrong.
func (o *Office) compare(ctx context.Context, held *secrets, attempt *Attempt) (shown, error) {
	var found shown
	right, outdated, err := o.hasher.check(ctx, held.password, attempt.Password)
	if err != nil {
		return found, err
	}
	found.right = right
	totp := held.totp
	if held.password == "" {
		totp = o.decoy
	}
	secret, err := o.keys.open(held.place(), totp)
	if err != nil {
		return found, err
	}
	if found.step, err = stepOf(secret, attempt.Code, now()); err != nil {
		return found, err
	}
	var count int
	err = o.database.QueryRowContext(ctx, `SELECT count(*) FROM account_recovery WHERE account = ? AND hash = ?`, string(held.id), o.recoveryHash(held.id, attempt.Code)).Scan(&count)
	found.recovery = count == 1
	if err == nil && right && outdated {
		found.renewed, err = o.hasher.keep(ctx, attempt.Password)
	}
	return found, err
}

// admit opens the session. That a code is used once is decided here, in the transaction.
func (o *Office) admit(ctx context.Context, account *Account, attempt *Attempt, limits []limit, shown *shown) (*Admission, error) {
	admission := &Admission{Account: account, Device: o.device(account.ID), Left: -1}
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		method, err := o.spend(ctx, tx, account.ID, attempt.Code, shown, admission)
		if err != nil {
			return err
		}
		if shown.renewed != "" {
			if _, err := tx.ExecContext(ctx, `UPDATE accounts SET password = ? WHERE id = ?`, shown.renewed, string(account.ID)); err != nil {
				return err
			}
		}
		if err := giveBack(ctx, tx, limits); err != nil {
			return err
		}
		admission.Session, err = o.openSession(ctx, tx, account, method, attempt.Before)
		return err
	})
	if err != nil {
		if errors.Is(err, ErrRefused) {
			return nil, ErrRefused
		}
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return admission, nil
}

// spend uses the code up, and says how somebody signs in with it.
func (o *Office) spend(ctx context.Context, tx *store.Tx, id ID, code string, shown *shown, admission *Admission) (Method, error) {
	if shown.step != 0 {
		fresh, err := useStep(ctx, tx, id, shown.step)
		if err == nil && !fresh {
			err = ErrRefused
		}
		return ByPassword, err
	}
	var used []byte
	err := tx.QueryRowContext(ctx, `DELETE FROM account_recovery WHERE account = ? AND hash = ? RETURNING hash`, string(id), o.recoveryHash(id, code)).Scan(&used)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrRefused
	}
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM account_recovery WHERE account = ?`, string(id)).Scan(&admission.Left)
	}
	return ByRecovery, err
}

// deviceSize is the octets of a device's number.
const deviceSize = 16

// device makes what a browser is known by to an account from now on. It opens nothing: it is only that its failures
// are counted apart.
func (o *Office) device(id ID) string {
	number := random(deviceSize)
	return base64.RawURLEncoding.EncodeToString(append(number, o.keys.mac(knowing, string(id), string(number))...))
}

// knows gives the number of a device that signed in to the account before; empty where it is none.
func (o *Office) knows(id ID, device string) string {
	octets, err := base64.RawURLEncoding.DecodeString(device[:min(len(device), maxToken)])
	if err != nil || len(octets) <= deviceSize {
		octets = make([]byte, deviceSize+1)
	}
	number := string(octets[:deviceSize])
	if subtle.ConstantTimeCompare(octets[deviceSize:], o.keys.mac(knowing, string(id), number)) != 1 || id == "" {
		return ""
	}
	return number
}

// actorOf is an account as it stands in events.
func actorOf(account *Account) redress.Actor {
	return redress.Actor{Name: string(account.ID), Role: account.Role, Cleared: account.Cleared}
}
