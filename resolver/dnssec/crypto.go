package dnssec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/sha1" //nolint:gosec // algorithms 5 and 7, which RFC 9905 lets validators know
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"math/big"
	"sync/atomic"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// publicKey is the key of a DNSKEY record, decoded once. Verify is pure computing.
type publicKey interface {
	verify(data, signature []byte) bool
}

// publicKeyOf decodes a key. It is nil where the algorithm is not known, or the
// octets are no key of it: such a key verifies nothing.
func publicKeyOf(record *dns.DNSKEY) publicKey {
	octets, err := base64.StdEncoding.DecodeString(record.PublicKey)
	if err != nil {
		return nil
	}
	switch record.Algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1:
		return rsaKeyOf(octets, crypto.SHA1)
	case dns.RSASHA256:
		return rsaKeyOf(octets, crypto.SHA256)
	case dns.RSASHA512:
		return rsaKeyOf(octets, crypto.SHA512)
	case dns.ECDSAP256SHA256:
		return ecdsaKeyOf(octets, elliptic.P256(), crypto.SHA256)
	case dns.ECDSAP384SHA384:
		return ecdsaKeyOf(octets, elliptic.P384(), crypto.SHA384)
	case dns.ED25519:
		if len(octets) == ed25519.PublicKeySize {
			return ed25519Key(octets)
		}
	case dns.ED448:
		if len(octets) == ed448.PublicKeySize {
			return ed448Key(octets)
		}
	}
	return nil
}

// ecdsaKey is RFC 6605: a point without its first octet, and two numbers of equal
// length as signature.
type ecdsaKey struct {
	point *ecdsa.PublicKey
	hash  crypto.Hash
	size  int // of one number, in octets

	uses atomic.Int32 // that held, up to those that earn it a table
}

func ecdsaKeyOf(octets []byte, curve elliptic.Curve, hash crypto.Hash) publicKey {
	const uncompressed = 4
	point, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{uncompressed}, octets...))
	if err != nil {
		return nil
	}
	return &ecdsaKey{point: point, hash: hash, size: len(octets) / 2}
}

func (k *ecdsaKey) verify(data, signature []byte) bool {
	if len(signature) != 2*k.size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:k.size]), new(big.Int).SetBytes(signature[k.size:])
	return ecdsa.Verify(k.point, digest(k.hash, data), r, s)
}

// ed25519Key and ed448Key are RFC 8080.
type ed25519Key []byte

func (k ed25519Key) verify(data, signature []byte) bool {
	return ed25519.Verify(ed25519.PublicKey(k), data, signature)
}

type ed448Key []byte

func (k ed448Key) verify(data, signature []byte) bool {
	return ed448.Verify(ed448.PublicKey(k), data, signature, "")
}

func digest(hash crypto.Hash, data []byte) []byte {
	sum := hash.New()
	sum.Write(data)
	return sum.Sum(nil)
}
