package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/recourse-dns/recourse/policy"
)

// maxKeys bounds a file of keys: the desk's, and the next one while it is changed.
const maxKeys = 8

// readDeskKeys reads the public keys of a desk: PEM, as `recourse fleet key` and openssl
// print them. A document that one of them signed counts.
func readDeskKeys(path string) ([]ed25519.PublicKey, error) {
	octets, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	var keys []ed25519.PublicKey
	for len(keys) < maxKeys {
		var block *pem.Block
		if block, octets = pem.Decode(octets); block == nil {
			break
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		key, is := parsed.(ed25519.PublicKey)
		if !is {
			return nil, errors.New("holds a key that is not Ed25519")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no public key: write there what `recourse fleet key` prints at the desk")
	}
	return keys, nil
}

// readSigningKey reads the private key of a desk: PKCS 8 in PEM, of Ed25519.
func readSigningKey(path string) (ed25519.PrivateKey, error) {
	octets, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(octets)
	if block == nil {
		return nil, errors.New("holds no private key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key, is := parsed.(ed25519.PrivateKey)
	if !is {
		return nil, errors.New("holds a key that is not Ed25519")
	}
	return key, nil
}

// signingKey is this desk's own, made at the first start where the configuration names none.
func (c *Config) signingKey(held *state) (ed25519.PrivateKey, error) {
	path := held.path(fleetKeyFile)
	if c.Fleet.SigningKeyFile != "" {
		path = c.File(c.Fleet.SigningKeyFile)
	}
	key, err := readSigningKey(path)
	if errors.Is(err, fs.ErrNotExist) && c.Fleet.SigningKeyFile == "" {
		return makeSigningKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the fleet %q: %w", path, err)
	}
	return key, nil
}

func makeSigningKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of the fleet: %w", err)
	}
	octets, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = writeSecret(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: octets}))
	}
	if err != nil {
		return nil, fmt.Errorf("key of the fleet: %w", err)
	}
	return key, nil
}

// publicPEM is the key that nodes verify with, as they read it.
func publicPEM(key ed25519.PrivateKey) (string, error) {
	octets, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("key of the fleet: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: octets})), nil
}

// fingerprint tells two deployment keys apart and says nothing else of them.
func fingerprint(key policy.Key) string {
	sum := sha256.Sum256(append([]byte("recourse deployment key "), key...))
	return hex.EncodeToString(sum[:8])
}

// deploymentKey is the root of all reason codes: the fleet's where the configuration names
// one, so that every node shows the same code, and else this state's own.
func (c *Config) deploymentKey(held *state) (policy.Key, error) {
	if c.Fleet.DeploymentKeyFile == "" {
		return held.key()
	}
	path := c.File(c.Fleet.DeploymentKeyFile)
	key, err := os.ReadFile(path)
	if err == nil && len(key) < policy.MinKey {
		err = fmt.Errorf("has %d octets, not %d", len(key), policy.MinKey)
	}
	if err != nil {
		return nil, fmt.Errorf("deployment key %q: %w", path, err)
	}
	return key, nil
}
