package policy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// Code is the public identifier of a block: 55 bits, shown as eleven Crockford
// base-32 digits and a check digit, as 7K4Q-92QF-M3TX. The zero value is no code.
type Code uint64

const (
	digits     = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeBits   = 55
	codeDigits = 11
)

// Key makes codes: equal on every node that has it, different in every deployment,
// so that a code says nothing about the name to who does not have the list.
type Key []byte

// MinKey is the least length of a key in octets.
const MinKey = 32

// Entry is the code of an entry of a shared list. What it does and when is not in it,
// so that a code is the same after a feed says that otherwise.
func (k Key) Entry(manifest *blocklists.Manifest, entry *blocklists.Entry) Code {
	order := entry.Order
	if order == "" {
		order = manifest.OrderRef
	}
	if entry.Trigger == blocklists.OnName {
		return k.code("entry", string(manifest.ID), string(entry.Name), entry.Scope.String(), order)
	}
	return k.code("entry", string(manifest.ID), entry.Trigger.String(), entry.Subject(), entry.Scope.String(), order)
}

// Kind is the fixed code of a kind of block that has no shared entry, as own deny
// names, so that nothing private can be read from it; and of a secret list.
func (k Key) Kind(kind string) Code { return k.code("kind", kind) }

func (k Key) code(parts ...string) Code {
	mac := hmac.New(sha256.New, k)
	var length [4]byte
	for _, part := range parts {
		// Each part is preceded by its length, so that no two lists of parts read alike.
		binary.BigEndian.PutUint32(length[:], uint32(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	sum := mac.Sum(nil)
	return Code(binary.BigEndian.Uint64(sum) >> (64 - codeBits))
}

// String is the code in three groups of four.
func (c Code) String() string {
	var text [codeDigits + 1]byte
	rest := uint64(c)
	for i := codeDigits - 1; i >= 0; i-- {
		text[i] = digits[rest&31]
		rest >>= 5
	}
	text[codeDigits] = digits[checkDigit(text[:codeDigits])]
	return string(text[0:4]) + "-" + string(text[4:8]) + "-" + string(text[8:12])
}

// checkDigit finds one wrong digit and one exchange of neighbours: the sum of the
// digits times powers of two in the field of 32 elements.
func checkDigit(text []byte) int {
	sum := 0
	for _, digit := range text {
		sum = double(sum) ^ strings.IndexByte(digits, digit)
	}
	return double(sum)
}

// double multiplies by x in GF(32) with the polynomial x^5 + x^2 + 1, which is primitive.
func double(value int) int {
	value <<= 1
	if value&32 != 0 {
		value ^= 0b100101
	}
	return value
}

// ParseCode reads a code as people write it: upper or lower case, with or without
// hyphens and spaces, O for 0, I and L for 1.
func ParseCode(text string) (Code, error) {
	if len(text) > 64 {
		return 0, fmt.Errorf("reason code: longer than any code")
	}
	clean := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if len(clean) != codeDigits+1 {
		return 0, fmt.Errorf("reason code %q: has %d digits, not %d", text, len(clean), codeDigits+1)
	}
	var value uint64
	for _, digit := range []byte(clean[:codeDigits]) {
		index := strings.IndexByte(digits, digit)
		if index < 0 {
			return 0, fmt.Errorf("reason code %q: %q is not a digit of a code", text, digit)
		}
		value = value<<5 | uint64(index)
	}
	if clean[codeDigits] != digits[checkDigit([]byte(clean[:codeDigits]))] {
		return 0, fmt.Errorf("reason code %q: a digit is wrong or two are exchanged", text)
	}
	return Code(value), nil
}

// MarshalText writes the code as people read it.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it back.
func (c *Code) UnmarshalText(text []byte) error {
	code, err := ParseCode(string(text))
	*c = code
	return err
}
