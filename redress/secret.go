package redress

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"strings"
)

// TokenHash is what is kept of a token: its SHA-256. A token has 160 random bits,
// so that a plain hash cannot be searched.
type TokenHash [sha256.Size]byte

// HashToken hashes a token as it travels.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// Matches compares in constant time.
func (h TokenHash) Matches(token string) bool {
	given := HashToken(token)
	return subtle.ConstantTimeCompare(h[:], given[:]) == 1
}

var (
	crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
	plain     = base32.StdEncoding.WithPadding(base32.NoPadding)
)

func randomBytes(count int) []byte {
	octets := make([]byte, count)
	_, _ = rand.Read(octets) // never fails: crypto/rand ends the program instead
	return octets
}

// newToken is 160 random bits in lower-case base 32, which survives every mail
// program, shell and DNS control panel.
func newToken() string { return strings.ToLower(plain.EncodeToString(randomBytes(20))) }

func newCaseID() CaseID {
	text := crockford.EncodeToString(randomBytes(8))
	return CaseID("C-" + text[0:4] + "-" + text[4:8] + "-" + text[8:12])
}

func newFilingID() FilingID { return FilingID("F-" + crockford.EncodeToString(randomBytes(15))) }

// ParseCaseID reads a case's id as people write it, in either case.
func ParseCaseID(text string) (CaseID, bool) {
	id := strings.ToUpper(strings.TrimSpace(text))
	if len(id) != len("C-7K4Q-92QF-M3TX") || id[:2] != "C-" || id[6] != '-' || id[11] != '-' {
		return "", false
	}
	for _, group := range []string{id[2:6], id[7:11], id[12:]} {
		if _, err := crockford.DecodeString(group + "0000"); err != nil {
			return "", false
		}
	}
	return CaseID(id), true
}
