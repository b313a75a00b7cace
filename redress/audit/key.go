package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/recourse-dns/recourse/redress"
)

// Signer signs heads for one operator's log. It is immutable.
type Signer struct {
	origin  string
	private ed25519.PrivateKey
}

// NewSigner makes a signer. The origin is the operator's portal.
func NewSigner(origin string, private ed25519.PrivateKey) (*Signer, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	return &Signer{origin: origin, private: private}, nil
}

// checkOrigin keeps what is signed at five lines.
func checkOrigin(origin string) error {
	if len(origin) > 1024 || strings.ContainsFunc(origin, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return fmt.Errorf("origin %q: not the address of a portal", origin)
	}
	return nil
}

// Public is the key that verifies what the signer signs.
func (s *Signer) Public() ed25519.PublicKey { return s.private.Public().(ed25519.PublicKey) }

// Head signs how the log stands.
func (s *Signer) Head(sequence int64, hash redress.Hash, at time.Time) redress.Head {
	head := redress.Head{Origin: s.origin, Sequence: sequence, Hash: hash, At: at.UTC().Truncate(time.Millisecond), Key: s.Public()}
	head.Signature = ed25519.Sign(s.private, head.Text())
	return head
}

// Key signs that another key takes this one's place from now on.
func (s *Signer) Key(next ed25519.PublicKey, at time.Time) Key {
	key := Key{Origin: s.origin, Key: next, At: at.UTC().Truncate(time.Millisecond), By: s.Public()}
	key.Signature = ed25519.Sign(s.private, key.Text())
	return key
}

// Key says that heads are signed by a key from now on. The key before signs it; the first one,
// and one that was made because that was lost, signs itself.
type Key struct {
	Origin    string
	Key       ed25519.PublicKey
	At        time.Time // whole milliseconds, UTC
	By        ed25519.PublicKey
	Signature []byte
}

// Text is what is signed: four lines.
func (k *Key) Text() []byte {
	return fmt.Appendf(nil, "recourse key 1\n%s\n%s\n%s\n", k.Origin, hex.EncodeToString(k.Key), k.At.UTC().Format(redress.HeadTime))
}

// Own says whether the key vouches for itself alone.
func (k *Key) Own() bool { return bytes.Equal(k.Key, k.By) }

// keyLine is a key as JSON.
type keyLine struct {
	Type      string `json:"type"`
	Origin    string `json:"origin"`
	Key       string `json:"key"`
	At        string `json:"at"`
	By        string `json:"by"`
	Signature string `json:"signature"`
}

// KeyLine is the type of a key among the lines that are published.
const KeyLine = "key"

// MarshalJSON writes the key as it is published.
func (k Key) MarshalJSON() ([]byte, error) {
	return json.Marshal(keyLine{
		Type: KeyLine, Origin: k.Origin, Key: hex.EncodeToString(k.Key), At: k.At.UTC().Format(redress.HeadTime),
		By: hex.EncodeToString(k.By), Signature: hex.EncodeToString(k.Signature),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. It verifies nothing.
func (k *Key) UnmarshalJSON(octets []byte) error {
	var line keyLine
	if err := json.Unmarshal(octets, &line); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if line.Type != KeyLine {
		return fmt.Errorf("key: type %q", line.Type)
	}
	made := Key{Origin: line.Origin}
	var err error
	if made.At, err = time.Parse(redress.HeadTime, line.At); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	for _, part := range []struct {
		text string
		into *[]byte
	}{{line.Key, (*[]byte)(&made.Key)}, {line.By, (*[]byte)(&made.By)}, {line.Signature, &made.Signature}} {
		if *part.into, err = hex.DecodeString(part.text); err != nil {
			return fmt.Errorf("key: %w", err)
		}
	}
	*k = made
	return nil
}

// pemType is the type of the block that a key's file holds: PKCS #8, as openssl reads it.
const pemType = "PRIVATE KEY"

// LoadKey reads the key of a file, and makes one where there is none.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	octets, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	block, _ := pem.Decode(octets)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("audit key %q: is no private key in PEM; restore it from a backup", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("audit key %q: %w; restore it from a backup", path, err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("audit key %q: is no Ed25519 key; restore it from a backup", path)
	}
	return private, nil
}

func makeKey(path string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err == nil {
		err = writeKey(path, private)
	}
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	return private, nil
}

// writeKey leaves, whenever the machine stops, no file or the whole of it.
func writeKey(path string, private ed25519.PrivateKey) error {
	octets, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name()) // gone already where it was moved in place
	err = errors.Join(pem.Encode(aside, &pem.Block{Type: pemType, Bytes: octets}), aside.Sync(), aside.Close())
	if err != nil {
		return err
	}
	return os.Rename(aside.Name(), path)
}
