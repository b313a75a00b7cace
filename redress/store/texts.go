package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/recourse-dns/recourse/policy/sealed"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// insertText writes a text under its commitment. A personal one is sealed, and its salt too: with
// the salt alone an address could be guessed from the commitment.
func insertText(ctx context.Context, tx *policystore.Tx, filing redress.FilingID, text *redress.Text) error {
	commitment := text.Commitment()
	salt, body, key := text.Salt, []byte(text.Body), ""
	if text.Kind.Personal() {
		var err error
		if salt, body, key, err = seal(tx, commitment[:], salt, body); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO texts (commitment, filing, kind, salt, body, sealed_with) VALUES (?, ?, ?, ?, ?, ?)`,
		commitment[:], string(filing), string(text.Kind), salt, body, key)
	return err
}

func seal(tx *policystore.Tx, commitment, salt, body []byte) (sealedSalt, sealedBody []byte, key string, err error) {
	if sealedSalt, _, err = tx.Seal(salt, placeOf("salt", commitment)); err == nil {
		sealedBody, key, err = tx.Seal(body, placeOf("body", commitment))
	}
	return sealedSalt, sealedBody, key, err
}

func placeOf(column string, commitment []byte) string {
	return "texts/" + column + "/" + hex.EncodeToString(commitment)
}

const textColumns = `commitment, kind, salt, body, sealed_with`

// row is a text as it is kept.
type row struct {
	commitment []byte
	kind       redress.TextKind
	salt, body []byte
	key        string
}

func scanText(rows *sql.Rows) (row, error) {
	var one row
	err := rows.Scan(&one.commitment, &one.kind, &one.salt, &one.body, &one.key)
	return one, err
}

// open gives the text. The error is sealed.ErrNoKey where its key is gone.
func (r *row) open(from policystore.Querier) (text redress.Text, err error) {
	text.Kind = r.kind
	if text.Salt, err = from.Unseal(r.salt, placeOf("salt", r.commitment), r.key); err != nil {
		return text, err
	}
	body, err := from.Unseal(r.body, placeOf("body", r.commitment), r.key)
	text.Body = string(body)
	return text, err
}

// textsOf are the texts of a filing that can be read: one whose key is gone is as one that was
// erased, and the case goes on without it.
func textsOf(ctx context.Context, from policystore.Querier, filing redress.FilingID) (map[redress.Commitment]redress.Text, error) {
	texts := make(map[redress.Commitment]redress.Text)
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		one, err := scanText(rows)
		if err != nil {
			return err
		}
		text, err := one.open(from)
		switch {
		case errors.Is(err, sealed.ErrNoKey), len(one.commitment) != len(redress.Commitment{}):
			return nil
		case err != nil:
			return fmt.Errorf("text (%s): %w", one.kind, err)
		}
		texts[redress.Commitment(one.commitment)] = text
		return nil
	}, `SELECT `+textColumns+` FROM texts WHERE filing = ?`, string(filing))
	return texts, err
}

// VerifyTexts holds every text that can be read to its commitment, which is over the plain text.
func VerifyTexts(ctx context.Context, from policystore.Querier) error {
	return policystore.Each(ctx, from, func(rows *sql.Rows) error {
		one, err := scanText(rows)
		if err != nil {
			return err
		}
		text, err := one.open(from)
		if errors.Is(err, sealed.ErrNoKey) {
			return nil
		}
		if actual := text.Commitment(); errors.Is(err, sealed.ErrDamaged) || err == nil && string(actual[:]) != string(one.commitment) {
			return fmt.Errorf("%w: a text (%s) was changed", ErrChain, one.kind)
		}
		return err
	}, `SELECT `+textColumns+` FROM texts`)
}

// unreadable passes over what no key opens: to go through the rest is of more use.
func unreadable(err error) error {
	if errors.Is(err, sealed.ErrNoKey) || errors.Is(err, sealed.ErrDamaged) {
		return nil
	}
	return err
}
