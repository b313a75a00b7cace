package accounts

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/recourse-dns/recourse/policy/store"
)

// Time steps of codes (RFC 6238): 30 seconds, and a step's grace on both sides for clocks that differ.
const (
	stepSeconds = 30
	grace       = 1
	secretSize  = 20 // RFC 4226: 160 bits
)

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

// stepOf gives the step that a code is of; 0 where it is of none that counts now. All are compared.
func stepOf(secret []byte, code string, at time.Time) (int64, error) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code[:min(len(code), 20)])
	here, found := at.Unix()/stepSeconds, int64(0)
	for step := here - grace; step <= here+grace; step++ {
		want, err := hotp.GenerateCodeCustom(secretText.EncodeToString(secret), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}

// useStep notes that a code was used. A code of this step or of an earlier one is not taken again, whoever
// sends it: false.
func useStep(ctx context.Context, tx *store.Tx, account ID, step int64) (bool, error) {
	result, err := tx.ExecContext(ctx, `UPDATE accounts SET totp_step = ? WHERE id = ? AND totp_step < ?`, step, string(account), step)
	if err != nil {
		return false, err
	}
	changed, err := result.RowsAffected()
	return changed == 1, err
}

// Offer is a second factor that somebody is about to set up.
type Offer struct {
	Secret string // as it is typed into an app
	URI    string // as a QR code has it
	Sealed string // to be sent back with the first code
}

// offerTerm is how long setting up may take.
const offerTerm = time.Hour

// ErrOffer says that setting up took too long, or that what was sent back is not what was offered.
var ErrOffer = errors.New("setting up took too long; begin again")

// Offer makes a secret for an account's app. The place is what it is offered for, and must be told again.
func (o *Office) Offer(issuer, name, place string) (Offer, error) {
	return o.offer(issuer, name, place, random(secretSize))
}

// OfferAgain shows an offer again that was sealed before, so that a mistake in a form costs no second scan.
func (o *Office) OfferAgain(issuer, name, place, sealed string) (Offer, error) {
	secret, err := o.offered(place, sealed)
	if err != nil {
		return Offer{}, err
	}
	made, err := o.offer(issuer, name, place, secret)
	made.Sealed = sealed
	return made, err
}

func (o *Office) offer(issuer, name, place string, secret []byte) (Offer, error) {
	stamped := append([]byte(now().Format(time.RFC3339)+" "), secret...)
	sealed, err := o.keys.seal("offer "+place, stamped)
	if err != nil {
		return Offer{}, err
	}
	text := secretText.EncodeToString(secret)
	issuer = strings.ReplaceAll(issuer, ":", " ")
	label := url.PathEscape(issuer) + ":" + url.PathEscape(name)
	uri := "otpauth://totp/" + label + "?secret=" + text + "&issuer=" + url.QueryEscape(issuer)
	return Offer{Secret: text, URI: uri, Sealed: secretText.EncodeToString(sealed)}, nil
}

func (o *Office) offered(place, sealed string) ([]byte, error) {
	if len(sealed) > 400 {
		return nil, ErrOffer
	}
	octets, err := secretText.DecodeString(sealed)
	if err != nil {
		return nil, ErrOffer
	}
	stamped, err := o.keys.open("offer "+place, octets)
	if err != nil || len(stamped) < secretSize+2 {
		return nil, ErrOffer
	}
	at, err := time.Parse(time.RFC3339, string(stamped[:len(stamped)-secretSize-1]))
	if err != nil || now().Sub(at) > offerTerm {
		return nil, ErrOffer
	}
	return stamped[len(stamped)-secretSize:], nil
}
