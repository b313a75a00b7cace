package accounts

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Vouched is somebody whom a provider of identities vouches for.
type Vouched struct {
	Issuer  string
	Subject string
	Name    string // as the provider has it
	Role    redress.ActorRole
	// Once is a word of this sign-in, which is taken once; Ends is when nobody asks for it any more.
	Once string
	Ends time.Time
}

// ByProvider lets in whom a provider vouches for, as the account that this person of this provider has; it is
// made at the first time. A role that changed there ends what was begun with the old one.
func (o *Office) ByProvider(ctx context.Context, vouched *Vouched, before string) (*Admission, error) {
	if vouched.Issuer == "" || vouched.Subject == "" {
		return nil, ErrRefused
	}
	if err := checkRole(vouched.Role, "", false); err != nil {
		return nil, err
	}
	admission := &Admission{Left: -1}
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := once(ctx, tx, "provider "+vouched.Once, vouched.Ends); err != nil {
			return ErrRefused
		}
		account, err := o.vouchedAccount(ctx, tx, vouched)
		if err != nil {
			return err
		}
		admission.Account = account
		admission.Session, err = o.openSession(ctx, tx, account, ByProvider, before)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return admission, nil
}

func (o *Office) vouchedAccount(ctx context.Context, tx *store.Tx, vouched *Vouched) (*Account, error) {
	account, err := scanAccount(tx.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.issuer = ? AND a.subject = ? AND a.removed_at IS NULL`, vouched.Issuer, vouched.Subject))
	if errors.Is(err, ErrNoAccount) {
		return o.makeVouched(ctx, tx, vouched)
	}
	if err != nil || account.Role == vouched.Role {
		return account, err
	}
	account.Role, account.Cleared = vouched.Role, account.Cleared && vouched.Role != redress.Household
	if _, err := tx.ExecContext(ctx, `UPDATE accounts SET role = ?, cleared = ? WHERE id = ?`, string(account.Role), bit(account.Cleared), string(account.ID)); err != nil {
		return nil, err
	}
	if err := endSessions(ctx, tx, account.ID, nil); err != nil {
		return nil, err
	}
	return account, o.note(ctx, tx, actorOf(account), RoleChanged, account.ID, factsOf(account))
}

// makeVouched makes the account of somebody who comes for the first time. A name that is somebody else's is told
// apart by a number: no account is ever found by its name alone.
func (o *Office) makeVouched(ctx context.Context, tx *store.Tx, vouched *Vouched) (*Account, error) {
	name, err := ReadName(vouched.Name)
	if err != nil {
		name = "someone"
	}
	account, err := makeAccount(Making{Name: name, Role: vouched.Role})
	if err != nil {
		return nil, err
	}
	account.Issuer = vouched.Issuer
	var taken string
	err = tx.QueryRowContext(ctx, `SELECT id FROM accounts WHERE name = ?`, account.Name).Scan(&taken)
	switch {
	case err == nil:
		account.Name = account.Name[:min(len(account.Name), maxName-6)] + "-" + grouped(1)
		if account.Name, err = ReadName(account.Name); err != nil {
			account.Name, _ = ReadName("someone-" + grouped(2)) // letters and digits
		}
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	if err := insertAccount(ctx, tx, account, random(handleSize), vouched.Issuer, vouched.Subject); err != nil {
		return nil, err
	}
	return account, o.note(ctx, tx, actorOf(account), Added, account.ID, factsOf(account))
}

// Seal hides what a browser keeps for us; the place is what it is for.
func (o *Office) Seal(place string, plain []byte) (string, error) {
	sealed, err := o.keys.seal("browser "+place, plain)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// Unseal opens what [Office.Seal] hid for the same place.
func (o *Office) Unseal(place, text string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errSealed
	}
	return o.keys.open("browser "+place, sealed)
}
