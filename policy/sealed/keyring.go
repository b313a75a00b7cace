package sealed

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

// Keyring is keys for single texts: the first seals, and each opens what it sealed. So a key is
// replaced while what the one before it sealed can still be read.
type Keyring struct {
	keys []ringKey
}

type ringKey struct {
	id   string
	seal cipher.AEAD
	mark []byte // of [Keyring.Mark]
}

// ErrNoKey says that the key is gone with which a text was sealed.
var ErrNoKey = errors.New("the key that this was sealed with is not there")

// maxKeys bounds a keyring.
const maxKeys = 16

// LoadKeyring reads a file of one or more keys, the newest first, 32 octets each. Where there
// is none it makes one, of mode 0600, and says so.
func LoadKeyring(path string) (ring *Keyring, made bool, err error) {
	octets, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := makeKey(path)
		if err != nil {
			return nil, false, err
		}
		ring, err := newKeyring(key[:])
		return ring, true, err
	}
	if err != nil {
		return nil, false, err
	}
	if ring, err = newKeyring(octets); err != nil {
		return nil, false, fmt.Errorf("%s %w", path, err)
	}
	return ring, false, nil
}

func newKeyring(octets []byte) (*Keyring, error) {
	const size = len(Key{})
	if len(octets) == 0 || len(octets)%size != 0 || len(octets) > maxKeys*size {
		return nil, fmt.Errorf("has %d octets, and a key has %d: put the right file back", len(octets), size)
	}
	ring := new(Keyring)
	for ; len(octets) > 0; octets = octets[size:] {
		one, err := newRingKey(octets[:size])
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, one)
	}
	return ring, nil
}

func newRingKey(secret []byte) (made ringKey, err error) {
	digest := sha256.Sum256(secret)
	made.id = hex.EncodeToString(digest[:4])
	if made.mark, err = hkdf.Key(sha256.New, secret, nil, "recourse marks", sha256.Size); err != nil {
		return made, err
	}
	made.seal, err = chacha20poly1305.NewX(secret)
	return made, err
}

// Current is the name of the key that seals.
func (r *Keyring) Current() string { return r.keys[0].id }

// Has says whether a key of a name is there.
func (r *Keyring) Has(id string) bool {
	_, is := r.find(id)
	return is
}

func (r *Keyring) find(id string) (ringKey, bool) {
	for _, key := range r.keys {
		if key.id == id {
			return key, true
		}
	}
	return ringKey{}, false
}

// Seal seals a text for a place: it can be opened for that place alone, so that none takes
// another's. It gives the name of the key too.
func (r *Keyring) Seal(text []byte, place string) (octets []byte, id string) {
	key := r.keys[0]
	nonce := make([]byte, key.seal.NonceSize(), key.seal.NonceSize()+len(text)+key.seal.Overhead())
	rand.Read(nonce)
	return key.seal.Seal(nonce, nonce, text, []byte(place)), key.id
}

// Open gives what Seal sealed for the place with the key of the name. The error is ErrNoKey, or
// ErrDamaged where it was changed or is of another place.
func (r *Keyring) Open(octets []byte, place, id string) ([]byte, error) {
	key, is := r.find(id)
	if !is {
		return nil, ErrNoKey
	}
	if len(octets) < key.seal.NonceSize() {
		return nil, ErrDamaged
	}
	text, err := key.seal.Open(nil, octets[:key.seal.NonceSize()], octets[key.seal.NonceSize():], []byte(place))
	if err != nil {
		return nil, ErrDamaged
	}
	return text, nil
}

// Mark is the same for the same text as long as the first key is, and tells nothing of it to who
// has not the key.
func (r *Keyring) Mark(text string) string {
	mac := hmac.New(sha256.New, r.keys[0].mark)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Rotate puts a new key before those of a file.
func Rotate(path string) error { return rewrite(path, false) }

// Retire leaves the newest key of a file alone: what others sealed cannot be read any more.
func Retire(path string) error { return rewrite(path, true) }

func rewrite(path string, retire bool) error {
	octets, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := newKeyring(octets); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	if retire {
		return replace(path, octets[:len(Key{})])
	}
	var fresh Key
	rand.Read(fresh[:])
	octets = append(bytes.Clone(fresh[:]), octets...)
	return replace(path, octets[:min(len(octets), maxKeys*len(fresh))])
}

// replace leaves the old file or the new one.
func replace(path string, octets []byte) error {
	aside, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = aside.Write(octets)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	return nil
}
