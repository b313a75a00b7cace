package control

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/recourse-dns/recourse/policy/sealed"
)

// Seal keeps octets so that the database alone does not show them (AES-256-GCM).
type Seal struct {
	aead cipher.AEAD
	key  sealed.Key
}

// NewSeal seals with a key that lies outside of the database.
func NewSeal(key sealed.Key) (*Seal, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Seal{aead: aead, key: key}, err
}

// Close seals octets for one place, as document/D-1: elsewhere they do not open.
func (s *Seal) Close(octets []byte, place string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return s.aead.Seal(nonce, nonce, octets, []byte(place))
}

// Open gives what was sealed for a place.
func (s *Seal) Open(octets []byte, place string) ([]byte, error) {
	if len(octets) < s.aead.NonceSize() {
		return nil, errors.New("what was sealed is cut")
	}
	nonce, rest := octets[:s.aead.NonceSize()], octets[s.aead.NonceSize():]
	opened, err := s.aead.Open(nil, nonce, rest, []byte(place))
	if err != nil {
		return nil, errors.New("what was sealed does not open with this key")
	}
	return opened, nil
}

// Word is a secret word for a place that needs no row: who has no key cannot make it.
func (s *Seal) Word(place string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte("word\x00" + place))
	return mac.Sum(nil)[:20]
}
