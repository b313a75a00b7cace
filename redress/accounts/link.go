package accounts

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// How long words work: one for a first sign-in goes by mail or on paper, a claim is read off a screen.
const (
	linkTerm  = 48 * time.Hour
	claimTerm = time.Hour
)

// Link is a word that works once: it lets a person choose what to sign in with.
type Link struct {
	Token string
	Ends  time.Time
}

// newToken is 256 random bits as a cookie or an address has them.
func newToken() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

// claimSize is the characters of a claim code in the form of [speak].
const claimSize = 12

// wordHash is what is kept of a word. A claim may be spoken; a link is taken as it is.
func (o *Office) wordHash(word string) []byte {
	if spoken := speak(word); len(spoken) == claimSize {
		word = spoken
	}
	return o.keys.mac(recovering, "link", word[:min(len(word), maxToken)])
}

func (o *Office) newLink(ctx context.Context, tx *store.Tx, account ID) (Link, error) {
	link := Link{Token: newToken(), Ends: now().Add(linkTerm)}
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_links WHERE account = ? OR ends_at < ?`, string(account), now().UnixMicro()); err != nil {
		return Link{}, err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO account_links (hash, account, ends_at) VALUES (?, ?, ?)`, o.wordHash(link.Token), string(account), link.Ends.UnixMicro())
	return link, err
}

// ErrClaimed says that there is an account already, so that none can be claimed.
var ErrClaimed = errors.New("there is an account already; accounts add makes another, accounts reset lets one begin anew")

// Claim makes the code that makes the first account, in place of the one before.
func (o *Office) Claim(ctx context.Context) (Link, error) {
	link := Link{Token: grouped(claimSize / 4), Ends: now().Add(claimTerm)}
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := unclaimed(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM account_links WHERE account IS NULL`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO account_links (hash, account, ends_at) VALUES (?, NULL, ?)`, o.wordHash(link.Token), link.Ends.UnixMicro())
		return err
	})
	if err != nil {
		return Link{}, fmt.Errorf("claim: %w", err)
	}
	return link, nil
}

func unclaimed(ctx context.Context, from store.Querier) error {
	var count int
	err := from.QueryRowContext(ctx, `SELECT count(*) FROM accounts WHERE removed_at IS NULL`).Scan(&count)
	if err == nil && count > 0 {
		err = ErrClaimed
	}
	return err
}

// Empty says whether there is no account yet.
func (o *Office) Empty(ctx context.Context) (bool, error) {
	err := unclaimed(ctx, o.database)
	if errors.Is(err, ErrClaimed) {
		return false, nil
	}
	return err == nil, err
}

// Invitation is what a word opens.
type Invitation struct {
	Account *Account // nil: the first account, which is to be made
	Ends    time.Time
}

// ErrWord says that a word opens nothing, or not any more.
var ErrWord = errors.New("the code or link does not work any more: each works once, and for a limited time")

// Invited says what a word opens, and uses nothing up.
func (o *Office) Invited(ctx context.Context, word string, network netip.Addr) (Invitation, error) {
	limits := o.limits("", network, "")
	if err := o.take(ctx, limits); err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
	}
	invitation, err := o.invitation(ctx, o.database, word)
	if err != nil {
		return Invitation{}, err
	}
	err = o.database.Tx(ctx, func(tx *store.Tx) error { return giveBack(ctx, tx, limits) })
	return invitation, err
}

func (o *Office) invitation(ctx context.Context, from store.Querier, word string) (Invitation, error) {
	var id sql.NullString
	var ends int64
	err := from.QueryRowContext(ctx, `SELECT account, ends_at FROM account_links WHERE hash = ? AND ends_at > ?`, o.wordHash(word), now().UnixMicro()).Scan(&id, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return Invitation{}, ErrWord
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
	}
	invitation := Invitation{Ends: time.UnixMicro(ends).UTC()}
	if !id.Valid {
		if err := unclaimed(ctx, from); err != nil {
			return Invitation{}, ErrWord
		}
		return invitation, nil
	}
	invitation.Account, err = find(ctx, from, id.String)
	return invitation, err
}

// Choice is what somebody chose to sign in with.
type Choice struct {
	Word     string // of the link, or the claim
	Name     string // of the first account; an invited one has its name
	Password string
	Sealed   string // of the offer
	Code     string // the first of the app
	Network  netip.Addr
	Before   string
}

// ErrCode says that the first code of an app is not right.
var ErrCode = errors.New("this is not the code that the app shows now; check that the clock of the telephone is right")

// Accept uses a word up: it sets password and second factor, and lets in.
func (o *Office) Accept(ctx context.Context, choice *Choice) (*Admission, error) {
	invitation, err := o.Invited(ctx, choice.Word, choice.Network)
	if err != nil {
		return nil, err
	}
	account := invitation.Account
	if account == nil {
		if account, err = makeAccount(Making{Name: choice.Name, Role: redress.Operator}); err != nil {
			return nil, err
		}
	}
	chosen, err := o.chosen(ctx, account, choice.Word, choice)
	if err != nil {
		return nil, err
	}
	return o.accept(ctx, account, random(handleSize), choice.Word, choice.Before, func(tx *store.Tx, admission *Admission) error {
		if err := o.keepChosen(ctx, tx, account.ID, chosen); err != nil {
			return err
		}
		admission.Codes, err = o.newCodes(ctx, tx, account.ID)
		return err
	})
}

// chosen is a password and a second factor as they are kept.
type chosen struct {
	password string
	totp     []byte
	step     int64
}

// chosen checks what somebody chose. The place is the one that the second factor was offered for.
func (o *Office) chosen(ctx context.Context, account *Account, place string, choice *Choice) (chosen, error) {
	var made chosen
	if err := CheckPassword(account.Name, choice.Password); err != nil {
		return made, err
	}
	secret, err := o.offered(place, choice.Sealed)
	if err != nil {
		return made, err
	}
	if made.step, err = stepOf(secret, choice.Code, now()); err != nil {
		return made, err
	}
	if made.step == 0 {
		return made, ErrCode
	}
	if made.totp, err = o.keys.seal("totp "+string(account.ID), secret); err != nil {
		return made, err
	}
	made.password, err = o.hasher.keep(ctx, choice.Password)
	return made, err
}

func (o *Office) keepChosen(ctx context.Context, tx *store.Tx, id ID, made chosen) error {
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET password = ?, totp = ?, totp_step = ? WHERE id = ?`, made.password, made.totp, made.step, string(id))
	return err
}

// accept uses the word up, makes the account where it is the first, sets its factors, and opens a session.
func (o *Office) accept(ctx context.Context, account *Account, handle []byte, word, before string, set func(*store.Tx, *Admission) error) (*Admission, error) {
	admission := &Admission{Account: account, Device: o.device(account.ID), Left: -1}
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		var whose sql.NullString
		err := tx.QueryRowContext(ctx, `DELETE FROM account_links WHERE hash = ? AND ends_at > ? RETURNING account`, o.wordHash(word), now().UnixMicro()).Scan(&whose)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrWord
		}
		if err != nil {
			return err
		}
		if err := o.begin(ctx, tx, account, handle, whose.Valid); err != nil {
			return err
		}
		if err := set(tx, admission); err != nil {
			return err
		}
		admission.Session, err = o.openSession(ctx, tx, account, ByLink, before)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	return admission, nil
}

func (o *Office) begin(ctx context.Context, tx *store.Tx, account *Account, handle []byte, made bool) error {
	if made {
		return o.note(ctx, tx, actorOf(account), FactorChanged, account.ID, Facts{What: "first sign-in"})
	}
	if err := unclaimed(ctx, tx); err != nil {
		return ErrWord
	}
	if err := insertAccount(ctx, tx, account, handle, "", ""); err != nil {
		return err
	}
	return o.note(ctx, tx, actorOf(account), Claimed, account.ID, factsOf(account))
}
