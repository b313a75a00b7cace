package redress

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Recover gives a new token for a lost one to whoever has the recovery words, and new words. The
// old token and the old words open nothing any more.
func (d *Desk) Recover(ctx context.Context, id CaseID, words string) (token, renewed string, err error) {
	one, err := d.store.Case(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", "", fmt.Errorf("recover: %w", err)
	}
	var hash TokenHash
	if one != nil {
		hash = one.Filing.Recovery
	}
	if words = readWords(words); !hash.Matches(words) || words == "" || one == nil || one.Hidden {
		return "", "", ErrNotFound
	}
	return d.renew(ctx, id, "words", hash)
}

// renew replaces token and words, unless somebody did so since the words were read.
func (d *Desk) renew(ctx context.Context, id CaseID, method string, words TokenHash) (token, renewed string, err error) {
	token, renewed = newToken(), newWords()
	tokenHash, wordsHash := HashToken(token), HashToken(renewed)
	err = d.one(ctx, "renew", id, func(c *Case, at time.Time) (Change, error) {
		if c.Filing.Recovery != words {
			return Change{}, ErrNotFound
		}
		change := c.unchanged()
		change.Token, change.Recovery = &tokenHash, &wordsHash
		change.told(RecoveredEvent, Actor{Name: string(c.Filing.Role), Role: Party}, at, Content{Method: method})
		return change, nil
	})
	if err != nil {
		return "", "", err
	}
	d.logger.Info("link renewed", slog.String("case", string(id)), slog.String("method", method))
	return token, renewed, nil
}

// Renewal is how a lost link is had again by proving control of the name once more: the record
// is put into the DNS, and the secret shown to [Desk.Renew].
type Renewal struct {
	Challenge Challenge
	Secret    string
	Until     time.Time
}

// RenewalLife is how long a renewal can be completed.
const RenewalLife = 24 * time.Hour

// Renewal begins one. It keeps nothing and reads nothing: whether there is such a case shows
// only to who proves control.
func (d *Desk) Renewal(id CaseID, name string) (Renewal, error) {
	asked, err := ReadName(name)
	if err != nil {
		invalid := new(Invalid)
		invalid.add("name", "%s", err)
		return Renewal{}, invalid
	}
	until := now().Add(RenewalLife).Truncate(time.Second)
	secret := newToken() + "." + strconv.FormatInt(until.Unix(), 36)
	filing := Filing{Name: asked, Challenge: renewalChallenge(id, asked.String(), secret)}
	return Renewal{Challenge: filing.challenge(), Secret: secret, Until: until}, nil
}

// renewalChallenge binds the record to the case, the name and the secret, the time with it. The
// record is public, and does not tell the secret.
func renewalChallenge(id CaseID, name, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "renewal\n%s\n%s", id, name)
	return "redress=" + strings.ToLower(plain.EncodeToString(mac.Sum(nil)[:20]))
}

// Renew gives a new token to whoever has put the renewal's record into the DNS. It does so for
// cases of which control was proved before: what a mere reporter wrote is not the owner's.
func (d *Desk) Renew(ctx context.Context, id CaseID, secret string) (token, words string, err error) {
	_, digits, _ := strings.Cut(secret, ".")
	until, err := strconv.ParseInt(digits, 36, 64)
	if err != nil || len(secret) > 64 || time.Now().After(time.Unix(until, 0)) || time.Until(time.Unix(until, 0)) > RenewalLife {
		return "", "", ErrNotFound
	}
	one, err := d.store.Case(ctx, id)
	if err != nil {
		return "", "", fmt.Errorf("renew: %w", err)
	}
	if one.Hidden || one.Filing.Verified.IsZero() || one.Filing.Role == Reporter {
		return "", "", ErrNotFound
	}
	asked := Filing{Name: one.Filing.Name, Challenge: renewalChallenge(id, one.Filing.Name.String(), secret)}
	proof, err := d.prover.Prove(ctx, Claim{Case: id, Filing: one.Filing.ID, Name: asked.Name, Challenge: asked.challenge(), Method: ByDNS})
	if err != nil {
		return "", "", fmt.Errorf("renew: %w", err)
	}
	if !proof.Verified {
		return "", "", ErrNotFound
	}
	return d.renew(ctx, id, string(ByDNS), one.Filing.Recovery)
}
