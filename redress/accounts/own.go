package accounts

import (
	"context"
	"fmt"

	"github.com/recourse-dns/recourse/policy/store"
)

// What people change of their own account, having shown of late who they are. Every change ends
// their other sessions, and gives the one they are in a new word.

// SetPassword gives an account another password and second factor.
func (o *Office) SetPassword(ctx context.Context, who Identity, session string, choice *Choice) (*Admission, error) {
	account, err := find(ctx, o.database, string(who.Account))
	if err != nil {
		return nil, err
	}
	made, err := o.chosen(ctx, account, string(who.Account), choice)
	if err != nil {
		return nil, err
	}
	return o.factor(ctx, account, who.Method, session, "password and second factor", func(tx *store.Tx, admission *Admission) error {
		if err := o.keepChosen(ctx, tx, account.ID, made); err != nil {
			return err
		}
		admission.Codes, err = o.newCodes(ctx, tx, account.ID)
		return err
	})
}

// NewCodes gives an account new recovery codes in place of the old ones.
func (o *Office) NewCodes(ctx context.Context, who Identity, session string) (*Admission, error) {
	account, err := find(ctx, o.database, string(who.Account))
	if err != nil {
		return nil, err
	}
	return o.factor(ctx, account, who.Method, session, "recovery codes", func(tx *store.Tx, admission *Admission) error {
		var err error
		admission.Codes, err = o.newCodes(ctx, tx, account.ID)
		return err
	})
}

// factor changes what an account signs in with.
func (o *Office) factor(ctx context.Context, account *Account, method Method, session, what string, set func(*store.Tx, *Admission) error) (*Admission, error) {
	admission := &Admission{Account: account, Left: -1}
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := set(tx, admission); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, account.ID, nil); err != nil {
			return err
		}
		if err := o.note(ctx, tx, actorOf(account), FactorChanged, account.ID, Facts{What: what}); err != nil {
			return err
		}
		var err error
		admission.Session, err = o.openSession(ctx, tx, account, method, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change %s: %w", what, err)
	}
	return admission, nil
}
