package accounts

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// What the office's keys are for.
const (
	sealing    = "sealing"
	recovering = "recovery"
	knowing    = "device"
	limiting   = "limits"
)

// keys are made from the deployment's secret, one a purpose, so that every desk has the same.
type keys map[string][]byte

func makeKeys(secret []byte) (keys, error) {
	made := keys{}
	for _, purpose := range []string{sealing, recovering, knowing, limiting} {
		key, err := hkdf.Key(sha256.New, secret, nil, "recourse accounts "+purpose, chacha20poly1305.KeySize)
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		made[purpose] = key
	}
	return made, nil
}

// mac is a keyed hash of parts, each preceded by its length.
func (k keys) mac(purpose string, parts ...string) []byte {
	digest := hmac.New(sha256.New, k[purpose])
	for _, part := range parts {
		_, _ = fmt.Fprintf(digest, "%d:%s", len(part), part) // a hash takes all
	}
	return digest.Sum(nil)
}

// errSealed says that sealed octets are not what this office sealed for this place.
var errSealed = errors.New("what was sealed cannot be opened: it was changed, or the deployment's key is another one")

// seal hides octets from who has not the key; the place is what they belong to, and must be told again
// to open them.
func (k keys) seal(place string, plain []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(k[sealing])
	if err != nil {
		return nil, err
	}
	nonce := random(chacha20poly1305.NonceSizeX)
	return aead.Seal(nonce, nonce, plain, []byte(place)), nil
}

func (k keys) open(place string, sealed []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(k[sealing])
	if err != nil {
		return nil, err
	}
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, errSealed
	}
	plain, err := aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
