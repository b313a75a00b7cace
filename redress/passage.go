package redress

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Passage is how whoever controls a name files about it whatever limits others have used up: the record is put
// into the DNS of the name, and the secret is filed with the case.
type Passage struct {
	Challenge Challenge
	Secret    string
	Until     time.Time
}

// PassageLife is how long a passage can be used.
const PassageLife = 24 * time.Hour

// Passage begins one for a name that was read. It reads and writes nothing.
func (d *Desk) Passage(name wire.Name) Passage {
	until := now().Add(PassageLife).Truncate(time.Second)
	secret := newToken() + "." + strconv.FormatInt(until.Unix(), 36)
	passage, _ := d.PassageOf(name, secret)
	return passage
}

// passageValue binds the record to the name and the secret, the time with it. The record is public, and does not tell the
// secret.
func passageValue(name wire.Name, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "passage\n%s", name)
	return "redress=" + strings.ToLower(plain.EncodeToString(mac.Sum(nil)[:20]))
}

// PassageOf is the passage of a secret; false where it is none, or its time is over.
func (d *Desk) PassageOf(name wire.Name, secret string) (Passage, bool) {
	_, digits, _ := strings.Cut(secret, ".")
	seconds, err := strconv.ParseInt(digits, 36, 64)
	until := time.Unix(seconds, 0).UTC()
	if err != nil || len(secret) > maxSecret || time.Now().After(until) || time.Until(until) > PassageLife {
		return Passage{}, false
	}
	return Passage{Challenge: ChallengeFor(name, passageValue(name, secret)), Secret: secret, Until: until}, true
}

// maxSecret is the most octets of one that we made.
const maxSecret = 64

// Passes says whether the record of a passage is in the DNS of the name.
func (d *Desk) Passes(ctx context.Context, name wire.Name, secret string) (bool, error) {
	passage, valid := d.PassageOf(name, secret)
	if !valid {
		return false, nil
	}
	proof, err := d.prover.Prove(ctx, Claim{Name: name, Challenge: passage.Challenge, Method: ByDNS})
	if err != nil {
		return false, fmt.Errorf("passage: %w", err)
	}
	return proof.Verified, nil
}

// Subject is the name that an application is about, which is tidied up. Its error is an *Invalid where the application is at
// fault.
func (d *Desk) Subject(application *Application) (wire.Name, error) {
	name, _, err := d.check(application)
	return name, err
}
