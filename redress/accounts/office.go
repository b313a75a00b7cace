package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Config is what the office obeys.
type Config struct {
	// Secret is what all keys of the office are made from; at least 16 octets that every desk of a
	// deployment has.
	Secret []byte
	// Origin is the scheme and host of the pages, that passkeys are bound to; without a name and https there are none.
	Origin string
	// Title is what a passkey and an app for codes say that they are for.
	Title string
	// Cost is what a hash of a password takes. Zero: the default.
	Cost Cost
	// Staff and Home are how long sessions last. Zero: the default terms.
	Staff, Home Terms
}

// Terms are how long a session lasts.
type Terms struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // in any case
}

// Office keeps accounts and sessions. Its methods may be called from several goroutines.
type Office struct {
	config   Config
	database *store.DB
	log      Log
	keys     keys
	hasher   *hasher
	passkeys *webauthn.WebAuthn // nil: there can be none
	decoy    []byte             // the sealed second factor of accounts that are not there
	logger   *slog.Logger
}

// New makes an office over an open database.
func New(config Config, database *store.DB, log Log, logger *slog.Logger) (*Office, error) {
	if len(config.Secret) < 16 {
		return nil, errors.New("accounts: a secret of at least 16 octets is needed")
	}
	if config.Staff == (Terms{}) {
		config.Staff = Terms{Idle: time.Hour, Absolute: 12 * time.Hour}
	}
	if config.Home == (Terms{}) {
		config.Home = Terms{Idle: 7 * 24 * time.Hour, Absolute: 30 * 24 * time.Hour}
	}
	made, err := makeKeys(config.Secret)
	if err != nil {
		return nil, err
	}
	decoy, err := made.seal("totp ", random(secretSize))
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	passkeys, err := newPasskeys(config.Origin, config.Title)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	return &Office{config: config, passkeys: passkeys, database: database, log: log, keys: made, hasher: newHasher(config.Cost), decoy: decoy, logger: logger}, nil
}

// Making is an account to be made.
type Making struct {
	Name      string
	Role      redress.ActorRole
	Authority string // whose, of the role authority
	Cleared   bool   // for cases about secret lists
}

// Add makes an account that nobody can sign in to yet, and gives the word for its first sign-in.
func (o *Office) Add(ctx context.Context, by redress.Actor, making Making) (*Account, Link, error) {
	account, err := makeAccount(making)
	if err != nil {
		return nil, Link{}, err
	}
	var link Link
	err = o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := insertAccount(ctx, tx, account, random(handleSize), "", ""); err != nil {
			return err
		}
		if link, err = o.newLink(ctx, tx, account.ID); err != nil {
			return err
		}
		return o.note(ctx, tx, by, Added, account.ID, factsOf(account))
	})
	if err != nil {
		return nil, Link{}, fmt.Errorf("add account: %w", err)
	}
	return account, link, nil
}

func makeAccount(making Making) (*Account, error) {
	name, err := ReadName(making.Name)
	if err != nil {
		return nil, err
	}
	if err := checkRole(making.Role, making.Authority, making.Cleared); err != nil {
		return nil, err
	}
	return &Account{ID: ID("A-" + grouped(3)), Name: name, Role: making.Role, Authority: making.Authority, Cleared: making.Cleared, Made: now()}, nil
}

// handleSize is the octets by which passkeys know an account.
const handleSize = 32

func insertAccount(ctx context.Context, tx *store.Tx, account *Account, handle []byte, issuer, subject string) error {
	var id string
	err := tx.QueryRowContext(ctx, `INSERT INTO accounts (id, name, role, authority, cleared, issuer, subject, handle, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO NOTHING RETURNING id`,
		string(account.ID), account.Name, string(account.Role), account.Authority, bit(account.Cleared), issuer, subject, handle, account.Made.UnixMicro()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrTaken
	}
	return err
}

const accountColumns = `a.id, a.name, a.role, a.authority, a.cleared, a.issuer, a.made_at, a.used_at, a.password, a.totp,
	(SELECT count(*) FROM account_passkeys p WHERE p.account = a.id)`

func scanAccount(row interface{ Scan(into ...any) error }) (*Account, error) {
	account := new(Account)
	var made, cleared int64
	var used sql.NullInt64
	var password string
	var totp []byte
	err := row.Scan(&account.ID, &account.Name, &account.Role, &account.Authority, &cleared, &account.Issuer, &made, &used, &password, &totp, &account.Passkeys)
	account.Cleared, account.Password, account.SecondFactor = cleared != 0, password != "", totp != nil
	account.Made = time.UnixMicro(made).UTC()
	if used.Valid {
		account.Used = time.UnixMicro(used.Int64).UTC()
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoAccount
	}
	return account, err
}

// List gives all accounts by name.
func (o *Office) List(ctx context.Context) ([]*Account, error) {
	var found []*Account
	err := store.Each(ctx, o.database, func(rows *sql.Rows) error {
		account, err := scanAccount(rows)
		found = append(found, account)
		return err
	}, `SELECT `+accountColumns+` FROM accounts a WHERE a.removed_at IS NULL ORDER BY a.name`)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return found, nil
}

// Find gives an account by its name or id.
func (o *Office) Find(ctx context.Context, text string) (*Account, error) {
	return find(ctx, o.database, text)
}

func find(ctx context.Context, from store.Querier, text string) (*Account, error) {
	name, err := ReadName(text)
	if err != nil {
		return nil, ErrNoAccount
	}
	return scanAccount(from.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.removed_at IS NULL AND (a.name = ? OR lower(a.id) = ?)`, name, name))
}

// Names tells what accounts are called, for pages that show events. One that was removed is not in it.
func (o *Office) Names(ctx context.Context) (map[ID]string, error) {
	names := map[ID]string{}
	err := store.Each(ctx, o.database, func(rows *sql.Rows) error {
		var id ID
		var name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, `SELECT id, name FROM accounts WHERE removed_at IS NULL`)
	if err != nil {
		return nil, fmt.Errorf("read names of accounts: %w", err)
	}
	return names, nil
}

// Remove ends an account with all that it signs in with, and its name is forgotten.
func (o *Office) Remove(ctx context.Context, by redress.Actor, name string) (*Account, error) {
	return o.change(ctx, "remove account", name, func(tx *store.Tx, account *Account) error {
		if err := forgetFactors(ctx, tx, account.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE accounts SET name = NULL, subject = '', issuer = '', removed_at = ? WHERE id = ?`, now().UnixMicro(), string(account.ID)); err != nil {
			return err
		}
		return o.note(ctx, tx, by, Removed, account.ID, factsOf(account))
	})
}

// Reset forgets all that an account signs in with, ends its sessions, and gives the word for a new beginning.
func (o *Office) Reset(ctx context.Context, by redress.Actor, name string) (*Account, Link, error) {
	var link Link
	account, err := o.change(ctx, "reset account", name, func(tx *store.Tx, account *Account) error {
		err := forgetFactors(ctx, tx, account.ID)
		if err == nil {
			link, err = o.newLink(ctx, tx, account.ID)
		}
		if err == nil {
			err = o.note(ctx, tx, by, WasReset, account.ID, factsOf(account))
		}
		return err
	})
	return account, link, err
}

// SetRole gives an account another role, and ends its sessions: none goes on with what it began as.
func (o *Office) SetRole(ctx context.Context, by redress.Actor, name string, as Making) (*Account, error) {
	if err := checkRole(as.Role, as.Authority, as.Cleared); err != nil {
		return nil, err
	}
	return o.change(ctx, "change role", name, func(tx *store.Tx, account *Account) error {
		account.Role, account.Authority, account.Cleared = as.Role, as.Authority, as.Cleared
		if _, err := tx.ExecContext(ctx, `UPDATE accounts SET role = ?, authority = ?, cleared = ? WHERE id = ?`, string(as.Role), as.Authority, bit(as.Cleared), string(account.ID)); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, account.ID, nil); err != nil {
			return err
		}
		return o.note(ctx, tx, by, RoleChanged, account.ID, factsOf(account))
	})
}

func factsOf(account *Account) Facts { return Facts{Role: account.Role, Cleared: account.Cleared} }

// bit is a truth as both databases keep it.
func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (o *Office) change(ctx context.Context, what, name string, do func(*store.Tx, *Account) error) (*Account, error) {
	var account *Account
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		var err error
		if account, err = find(ctx, tx, name); err != nil {
			return err
		}
		return do(tx, account)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return account, nil
}

// forgetFactors takes away whatever an account signs in with, and its sessions.
func forgetFactors(ctx context.Context, tx *store.Tx, id ID) error {
	for _, statement := range []string{
		`UPDATE accounts SET password = '', totp = NULL, totp_step = 0 WHERE id = ?`,
		`DELETE FROM account_passkeys WHERE account = ?`, `DELETE FROM account_recovery WHERE account = ?`,
		`DELETE FROM account_links WHERE account = ?`, `DELETE FROM sessions WHERE account = ?`,
	} {
		if _, err := tx.ExecContext(ctx, statement, string(id)); err != nil {
			return err
		}
	}
	return nil
}
