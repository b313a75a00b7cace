package accounts

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/recourse-dns/recourse/redress"
)

// ID names an account in events; it says nothing of the person.
type ID string

// Account is somebody who may sign in.
type Account struct {
	ID        ID
	Name      string
	Role      redress.ActorRole
	Authority string // whose, of the role authority
	Cleared   bool   // for cases about secret lists
	Issuer    string // who vouches for it; empty where we do
	Made      time.Time
	Used      time.Time // the last sign-in; zero before the first
	// Password, SecondFactor and Passkeys are what it signs in with.
	Password     bool
	SecondFactor bool
	Passkeys     int
}

// Ready says whether there is something to sign in with.
func (a *Account) Ready() bool {
	return a.Issuer != "" || a.Passkeys > 0 || a.Password && a.SecondFactor
}

// Roles are those that an account can have.
func Roles() []redress.ActorRole {
	return append(redress.StaffRoles(), redress.Household)
}

// Why something is not done.
var (
	ErrNoAccount = errors.New("no such account")
	ErrTaken     = errors.New("there is an account of this name already")
	ErrName      = errors.New("a name has 1 to 64 letters, digits and . _ - @ + and no spaces")
	ErrRole      = errors.New("no such role")
)

// maxName is the most octets of a name.
const maxName = 64

// ReadName gives the one form of a name: what looks the same and what differs in case alone is one account.
func ReadName(text string) (string, error) {
	if len(text) > 4*maxName || !utf8.ValidString(text) {
		return "", ErrName
	}
	name := strings.ToLower(norm.NFKC.String(strings.TrimSpace(text)))
	allowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-@+", r)
	}
	if name == "" || len(name) > maxName || strings.IndexFunc(name, func(r rune) bool { return !allowed(r) }) >= 0 {
		return "", ErrName
	}
	return name, nil
}

// checkRole holds role and what goes with it together.
func checkRole(role redress.ActorRole, authority string, cleared bool) error {
	switch {
	case !slices.Contains(Roles(), role):
		return fmt.Errorf("%w: %q", ErrRole, role)
	case (role == redress.Authority) != (authority != ""):
		return fmt.Errorf("%w: the role authority, and no other, says whose", ErrRole)
	case cleared && (role == redress.Household || role == redress.Authority):
		return fmt.Errorf("%w: %s is not cleared for secret lists", ErrRole, role)
	}
	return nil
}

// now is the time in whole milliseconds, as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func random(count int) []byte {
	octets := make([]byte, count)
	_, _ = rand.Read(octets) // never fails: crypto/rand ends the program instead
	return octets
}

// speakable is Crockford's base 32 without check digit, as reason codes and cases have it.
var speakable = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// grouped is random characters in groups of four: 20 bits each.
func grouped(groups int) string {
	text := speakable.EncodeToString(random((groups*20 + 7) / 8))
	parts := make([]string, groups)
	for i := range parts {
		parts[i] = text[4*i : 4*i+4]
	}
	return strings.Join(parts, "-")
}
