package accountstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// Key is a passkey in software: what a browser and a key would say, with whatever lie a test wants.
type Key struct {
	Origin  string // that the browser says it is at
	RP      string // that the key signs for
	Counter uint32
	// Unverified: the key does not say that it knows its owner.
	Unverified bool

	id      []byte
	handle  []byte
	private *ecdsa.PrivateKey
}

// NewKey makes a key.
func NewKey(t *testing.T, origin, rp string) *Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return &Key{Origin: origin, RP: rp, Counter: 1, id: id, private: private}
}

// asked is what of a ceremony's options a key looks at.
type asked struct {
	Challenge string `json:"challenge"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
}

func readAsked(t *testing.T, options []byte) asked {
	t.Helper()
	var what asked
	if err := json.Unmarshal(options, &what); err != nil {
		t.Fatal(err)
	}
	return what
}

var text = base64.RawURLEncoding

func (k *Key) client(t *testing.T, kind, challenge string) []byte {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// data is what a key signs: for whom, with which flags, and its counter.
func (k *Key) data(attested []byte) []byte {
	rp := sha256.Sum256([]byte(k.RP))
	flags := byte(1) // somebody is there
	if !k.Unverified {
		flags |= 4
	}
	if attested != nil {
		flags |= 0x40
	}
	return slices.Concat(rp[:], []byte{flags}, binary.BigEndian.AppendUint32(nil, k.Counter), attested)
}

// Make answers a ceremony that makes a passkey.
func (k *Key) Make(t *testing.T, options []byte) []byte {
	t.Helper()
	what := readAsked(t, options)
	var err error
	if k.handle, err = text.DecodeString(what.User.ID); err != nil {
		t.Fatal(err)
	}
	point, err := k.private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	public, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		t.Fatal(err)
	}
	attested := slices.Concat(make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(k.id))), k.id, public)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": k.data(attested)})
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(t, map[string]any{"clientDataJSON": text.EncodeToString(k.client(t, "webauthn.create", what.Challenge)), "attestationObject": text.EncodeToString(object)})
}

// Show answers a ceremony that signs in.
func (k *Key) Show(t *testing.T, options []byte) []byte {
	t.Helper()
	client, data := k.client(t, "webauthn.get", readAsked(t, options).Challenge), k.data(nil)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(t, map[string]any{
		"clientDataJSON": text.EncodeToString(client), "authenticatorData": text.EncodeToString(data),
		"signature": text.EncodeToString(signature), "userHandle": text.EncodeToString(k.handle),
	})
}

func (k *Key) answer(t *testing.T, response map[string]any) []byte {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{"id": text.EncodeToString(k.id), "rawId": text.EncodeToString(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
