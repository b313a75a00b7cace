package cookie

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// ServerSize is the size of the server's part (RFC 9018, section 4).
	ServerSize = 16
	// Size is the size of a whole cookie.
	Size = wire.ClientCookieSize + ServerSize
	// SecretSize is the size of a secret.
	SecretSize = 16
	// MaxSecrets bounds what one cookie is checked against.
	MaxSecrets = 8

	version = 1
	// hashOffset is where the hash begins in the server's part: behind version, three
	// reserved octets and the time.
	hashOffset = 8
)

// How old a cookie may be (RFC 9018, section 4.3), in seconds.
const (
	maxPast   = 60 * 60
	maxFuture = 5 * 60
	renewal   = 30 * 60
)

// Secret is what the cookies of all servers behind one address are made with.
type Secret [SecretSize]byte

// NewSecret makes a random one.
func NewSecret() Secret {
	var secret Secret
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	return secret
}

// ParseSecrets reads secrets in hexadecimal, one a line. Empty lines and those that begin
// with # are passed over.
func ParseSecrets(text []byte) ([]Secret, error) {
	var secrets []Secret
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var secret Secret
		if len(line) != hex.EncodedLen(SecretSize) {
			return nil, fmt.Errorf("line %d: has %d characters, not the %d hexadecimal digits of a secret", number, len(line), hex.EncodedLen(SecretSize))
		}
		if _, err := hex.Decode(secret[:], line); err != nil {
			return nil, fmt.Errorf("line %d: is not hexadecimal", number) // the error would show the secret
		}
		if len(secrets) == MaxSecrets {
			return nil, fmt.Errorf("line %d: more than %d secrets", number, MaxSecrets)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, errors.New("holds no secret; make one with: openssl rand -hex 16")
	}
	return secrets, nil
}

// Keys are the secrets in force. They may be used from many goroutines.
type Keys struct {
	secrets atomic.Pointer[[]Secret]
}

// NewKeys makes cookies with the first secret and checks them with all. There is at least one.
func NewKeys(secrets []Secret) *Keys {
	keys := new(Keys)
	keys.Swap(secrets)
	return keys
}

// Swap puts other secrets in force, for the next cookie. There is at least one.
func (k *Keys) Swap(secrets []Secret) { k.secrets.Store(&secrets) }

// Standing is what the cookie of a query says of its client.
type Standing uint8

// The standings of a client.
const (
	Unproven Standing = iota // the server's part is none of ours, or too old, or absent
	Aged                     // the address is the client's; the cookie is to be renewed
	Proven                   // the address is the client's
)

// Check says what a cookie proves.
func (k *Keys) Check(client, server []byte, addr netip.Addr, now time.Time) Standing {
	if len(server) != ServerSize || server[0] != version {
		return Unproven
	}
	// Serial numbers (RFC 1982): the time wraps around in 2106.
	age := int32(uint32(now.Unix()) - binary.BigEndian.Uint32(server[4:]))
	if age > maxPast || age < -maxFuture {
		return Unproven
	}
	secrets := *k.secrets.Load()
	for i := range secrets {
		hash := hashOf(&secrets[i], client, server[:hashOffset], addr)
		if subtle.ConstantTimeCompare(hash[:], server[hashOffset:]) == 0 {
			continue
		}
		if i > 0 || age > renewal {
			return Aged
		}
		return Proven
	}
	return Unproven
}

// Append makes a fresh cookie for the client and appends it whole, the client's part first.
func (k *Keys) Append(dst, client []byte, addr netip.Addr, now time.Time) []byte {
	dst = append(dst, client...)
	dst = append(dst, version, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(now.Unix()))
	hash := hashOf(&(*k.secrets.Load())[0], client, dst[len(dst)-hashOffset:], addr)
	return append(dst, hash[:]...)
}

// hashOf covers the client's part, the head of the server's, reserved octets as they are,
// and the address (RFC 9018, section 4.4).
func hashOf(secret *Secret, client, head []byte, addr netip.Addr) [8]byte {
	var hash [8]byte
	var room [wire.ClientCookieSize + hashOffset + 16]byte
	data := append(append(room[:0], client...), head...)
	if addr.Is4() {
		octets := addr.As4()
		data = append(data, octets[:]...)
	} else {
		octets := addr.As16()
		data = append(data, octets[:]...)
	}
	binary.LittleEndian.PutUint64(hash[:], sipHash(secret, data))
	return hash
}
