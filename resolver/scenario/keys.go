package scenario

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/dns"
)

// key is a DNSKEY with its private half.
type key struct {
	record *dns.DNSKEY
	sign   func(digest []byte, hash crypto.Hash) ([]byte, error)
}

// algorithms are those that zones can be signed with, by the names used in files.
var algorithms = map[string]uint8{
	"rsasha1": dns.RSASHA1, "rsasha1-nsec3": dns.RSASHA1NSEC3SHA1, "rsasha256": dns.RSASHA256, "rsasha512": dns.RSASHA512,
	"ecdsap256": dns.ECDSAP256SHA256, "ecdsap384": dns.ECDSAP384SHA384, "ed25519": dns.ED25519,
}

// newKey derives a key from what it is for: the same file has the same keys each
// time, so that a failure can be compared with the one before.
func newKey(owner string, algorithm uint8, flags uint16, bits int, purpose string) (*key, error) {
	made := &key{record: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: owner, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: flags, Protocol: 3, Algorithm: algorithm,
	}}
	seed := &stream{state: fmt.Sprintf("%s %d %d %s", owner, algorithm, bits, purpose)}
	var public []byte
	var err error
	switch algorithm {
	case dns.ED25519:
		public = made.ed25519(seed)
	case dns.ECDSAP256SHA256:
		public, err = made.ecdsa(seed, elliptic.P256(), 32)
	case dns.ECDSAP384SHA384:
		public, err = made.ecdsa(seed, elliptic.P384(), 48)
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		public = made.rsa(seed, bits)
	default:
		err = errors.New("no such algorithm")
	}
	if err != nil {
		return nil, fmt.Errorf("key of %q, algorithm %d: %w", owner, algorithm, err)
	}
	made.record.PublicKey = base64.StdEncoding.EncodeToString(public)
	return made, nil
}

func (k *key) ed25519(seed *stream) []byte {
	octets := make([]byte, ed25519.SeedSize)
	seed.fill(octets)
	private := ed25519.NewKeyFromSeed(octets)
	k.sign = func(data []byte, _ crypto.Hash) ([]byte, error) { return ed25519.Sign(private, data), nil }
	return private.Public().(ed25519.PublicKey)
}

func (k *key) ecdsa(seed *stream, curve elliptic.Curve, size int) ([]byte, error) {
	octets := make([]byte, size)
	seed.fill(octets)
	octets[0] &= 0x7f // below the order of both curves
	private, err := ecdsa.ParseRawPrivateKey(curve, octets)
	if err != nil {
		return nil, err
	}
	k.sign = func(digest []byte, _ crypto.Hash) ([]byte, error) {
		encoded, err := private.Sign(rand.Reader, digest, nil)
		if err != nil {
			return nil, err
		}
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(encoded, &pair); err != nil {
			return nil, err
		}
		return append(pair.R.FillBytes(make([]byte, size)), pair.S.FillBytes(make([]byte, size))...), nil
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return public[1:], nil // RFC 6605, section 4: without the octet that says "uncompressed"
}

// prefixes of a digest in PKCS #1 v1.5 (RFC 8017, section 9.2, note 1).
var prefixes = map[crypto.Hash]string{
	crypto.SHA1:   "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	crypto.SHA256: "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	crypto.SHA512: "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

// rsa makes keys of any size, also those that crypto/rsa is right to refuse.
func (k *key) rsa(seed *stream, bits int) []byte {
	exponent := big.NewInt(65537)
	p, q := seed.prime(bits/2, exponent), seed.prime(bits-bits/2, exponent)
	modulus := new(big.Int).Mul(p, q)
	one := big.NewInt(1)
	order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	private := new(big.Int).ModInverse(exponent, order)
	size := (modulus.BitLen() + 7) / 8
	k.sign = func(digest []byte, hash crypto.Hash) ([]byte, error) {
		tail := prefixes[hash] + string(digest)
		if len(tail)+11 > size {
			return nil, errors.New("key too small for the digest")
		}
		padded := make([]byte, size)
		for i := range padded {
			padded[i] = 0xff
		}
		padded[0], padded[1], padded[size-len(tail)-1] = 0, 1, 0
		copy(padded[size-len(tail):], tail)
		return new(big.Int).Exp(new(big.Int).SetBytes(padded), private, modulus).FillBytes(padded), nil
	}
	return append([]byte{3, 1, 0, 1}, modulus.Bytes()...) // RFC 3110, section 2
}

// stream is octets that follow from a text.
type stream struct {
	state string
	block []byte
}

func (s *stream) fill(into []byte) {
	for i := range into {
		if len(s.block) == 0 {
			sum := sha512.Sum512([]byte(s.state))
			s.state, s.block = string(sum[:32]), sum[32:]
		}
		into[i], s.block = s.block[0], s.block[1:]
	}
}

// prime has its two upper bits set, so that a product has twice the bits.
func (s *stream) prime(bits int, exponent *big.Int) *big.Int {
	octets := make([]byte, (bits+7)/8)
	for {
		s.fill(octets)
		candidate := new(big.Int).SetBytes(octets)
		candidate.And(candidate, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)))
		candidate.SetBit(candidate, bits-1, 1).SetBit(candidate, bits-2, 1).SetBit(candidate, 0, 1)
		less := new(big.Int).Sub(candidate, big.NewInt(1))
		if candidate.ProbablyPrime(10) && new(big.Int).GCD(nil, nil, less, exponent).IsInt64() && new(big.Int).Mod(less, exponent).Sign() != 0 {
			return candidate
		}
	}
}
