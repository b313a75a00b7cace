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

// EarlyProof is how whoever controls a name files about it whatever limits others have used up: the record is put
// into the DNS of the name, and the secret is filed with the case.
type EarlyProof struct {
	Challenge Challenge
	Secret    string
	Until     time.Time
}

// EarlyProofLife is how long an early proof can be used.
const EarlyProofLife = 24 * time.Hour

// EarlyProof begins one for a name that was read. It reads and writes nothing.
func (d *Desk) EarlyProof(name wire.Name) EarlyProof {
	until := now().Add(EarlyProofLife).Truncate(time.Second)
	secret := newToken() + "." + strconv.FormatInt(until.Unix(), 36)
	early, _ := d.EarlyProofOf(name, secret)
	return early
}

// earlyValue binds the record to the name and the secret, the time with it. The record is public, and does not tell the
// secret.
func earlyValue(name wire.Name, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "early proof\n%s", name)
	return "redress=" + strings.ToLower(plain.EncodeToString(mac.Sum(nil)[:20]))
}

// EarlyProofOf is the early proof of a secret; false where it is none, or its time is over.
func (d *Desk) EarlyProofOf(name wire.Name, secret string) (EarlyProof, bool) {
	_, digits, _ := strings.Cut(secret, ".")
	seconds, err := strconv.ParseInt(digits, 36, 64)
	until := time.Unix(seconds, 0).UTC()
	if err != nil || len(secret) > maxSecret || time.Now().After(until) || time.Until(until) > EarlyProofLife {
		return EarlyProof{}, false
	}
	return EarlyProof{Challenge: ChallengeFor(name, earlyValue(name, secret)), Secret: secret, Until: until}, true
}

// maxSecret is the most octets of one that we made.
const maxSecret = 64

// ProvedEarly says whether the record of an early proof is in the DNS of the name.
func (d *Desk) ProvedEarly(ctx context.Context, name wire.Name, secret string) (bool, error) {
	early, valid := d.EarlyProofOf(name, secret)
	if !valid {
		return false, nil
	}
	proof, err := d.prover.Prove(ctx, Claim{Name: name, Challenge: early.Challenge, Method: ByDNS})
	if err != nil {
		return false, fmt.Errorf("early proof: %w", err)
	}
	return proof.Verified, nil
}

// Subject is the name that an application is about, which is tidied up. Its error is an *Invalid where the application is at
// fault.
func (d *Desk) Subject(application *Application) (wire.Name, error) {
	name, _, err := d.check(application)
	return name, err
}
