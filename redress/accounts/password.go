package accounts

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost is what one hash of a password takes (argon2id, RFC 9106).
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
}

// defaultCost lets a small machine at home hash while it answers DNS, and costs who has stolen the
// database enough: a second factor stands beside the password in any case.
func defaultCost() Cost { return Cost{Memory: 32 << 10, Passes: 3, Lanes: 1} }

// The bounds of what a kept hash may ask for.
const (
	maxMemory = 1 << 20 // KiB
	maxPasses = 64
	saltSize  = 16
	hashSize  = 32
)

// The bounds of a password, in characters and in octets.
const (
	MinPassword = 10
	MaxPassword = 256
)

// kept is a hash with its parameters.
type kept struct {
	cost Cost
	salt []byte
	hash []byte
}

// String writes it in the form that other programs know too.
func (k kept) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, k.cost.Memory, k.cost.Passes, k.cost.Lanes,
		base64.RawStdEncoding.EncodeToString(k.salt), base64.RawStdEncoding.EncodeToString(k.hash))
}

var errHash = errors.New("a kept password is damaged")

func parseKept(text string) (kept, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return kept{}, errHash
	}
	var k kept
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &k.cost.Memory, &k.cost.Passes, &k.cost.Lanes); err != nil {
		return kept{}, errHash
	}
	var err error
	if k.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return kept{}, errHash
	}
	if k.hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return kept{}, errHash
	}
	if k.cost.Memory > maxMemory || k.cost.Passes == 0 || k.cost.Passes > maxPasses || k.cost.Lanes == 0 || len(k.salt) < 8 || len(k.hash) != hashSize {
		return kept{}, errHash
	}
	return k, nil
}

// hasher counts how many hashes are made at the same time: each takes memory, and strangers ask for them.
type hasher struct {
	cost  Cost
	slots chan struct{}
	hash  func(password, salt []byte, passes, memory uint32, lanes uint8, size uint32) []byte
}

// hashesAtOnce bounds the memory that strangers can make us take.
const hashesAtOnce = 2

func newHasher(cost Cost) *hasher {
	if cost == (Cost{}) {
		cost = defaultCost()
	}
	return &hasher{cost: cost, slots: make(chan struct{}, hashesAtOnce), hash: argon2.IDKey}
}

func (h *hasher) run(ctx context.Context, password string, salt []byte, cost Cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return h.hash([]byte(norm.NFC.String(password)), salt, cost.Passes, cost.Memory, cost.Lanes, hashSize), nil
}

// keep makes what is kept of a password.
func (h *hasher) keep(ctx context.Context, password string) (string, error) {
	k := kept{cost: h.cost, salt: random(saltSize)}
	var err error
	k.hash, err = h.run(ctx, password, k.salt, k.cost)
	return k.String(), err
}

// check compares a password with what is kept of one. Where nothing is kept it does the same work, and
// the answer is no. Outdated says that it should be kept anew.
func (h *hasher) check(ctx context.Context, text, password string) (right, outdated bool, err error) {
	k := kept{cost: h.cost, salt: random(saltSize), hash: random(hashSize)}
	if text != "" {
		if k, err = parseKept(text); err != nil {
			return false, false, err
		}
	}
	got, err := h.run(ctx, password[:min(len(password), 4*MaxPassword)], k.salt, k.cost)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, k.hash) == 1 && len(password) <= 4*MaxPassword && text != "", k.cost != h.cost, nil
}

// ErrPassword says that a password is not taken.
var ErrPassword = errors.New("a password has at least 10 characters, is not the account's name, and is none of those that are tried first")

// CheckPassword says whether a password may be chosen for an account of this name. What makes it good is
// its length; rules about kinds of characters are not asked for (NIST SP 800-63B).
func CheckPassword(name, password string) error {
	length := utf8.RuneCountInString(norm.NFC.String(password))
	lower := strings.ToLower(password)
	different := map[rune]bool{}
	for _, r := range lower {
		different[r] = true
	}
	switch {
	case !utf8.ValidString(password), length < MinPassword, length > MaxPassword, len(different) < 5:
		return ErrPassword
	case len(name) > 2 && strings.Contains(lower, name) && length < len(name)+MinPassword:
		return ErrPassword
	}
	for _, common := range []string{"password", "passwort", "passwd", "1234567890", "0123456789", "0987654321", "qwertyuiop", "qwertzuiop", "letmein", "welcome", "recourse", "iloveyou", "parola", "contrase", "motdepasse"} {
		if strings.Contains(lower, common) && length < len(common)+6 {
			return ErrPassword
		}
	}
	return nil
}
