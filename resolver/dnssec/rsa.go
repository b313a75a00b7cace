package dnssec

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/binary"
	"math/big"

	"github.com/miekg/dns"
)

// Bounds of RSA keys. RFC 5702, section 2, allows 512 bits and more; the upper
// bounds keep one verification well below a millisecond.
const (
	minModulus   = 512
	maxModulus   = 4096
	usualModulus = 2048
	maxExponent  = 33 // bits; 3 and 65537 are what zones have
)

// rsaKey verifies PKCS #1 v1.5 signatures (RFC 8017, section 8.2.2) with math/big:
// the standard library refuses keys below 1024 bits, and lowering that would lower
// it for TLS too. Nothing here is secret, so it need not run in constant time.
type rsaKey struct {
	modulus  *big.Int
	exponent *big.Int
	hash     crypto.Hash
}

// rsaKeyOf reads RFC 3110, section 2. Leading zeros are not allowed there.
func rsaKeyOf(octets []byte, hash crypto.Hash) publicKey {
	first, second, ok := splitRSA(octets)
	if !ok || first[0] == 0 || second[0] == 0 {
		return nil
	}
	exponent, modulus := new(big.Int).SetBytes(first), new(big.Int).SetBytes(second)
	bits := modulus.BitLen()
	if bits < minModulus || bits > maxModulus || exponent.BitLen() > maxExponent || exponent.BitLen() < 2 {
		return nil
	}
	return &rsaKey{modulus: modulus, exponent: exponent, hash: hash}
}

// splitRSA gives exponent and modulus, neither of them empty.
func splitRSA(octets []byte) (exponent, modulus []byte, ok bool) {
	if len(octets) < 3 {
		return nil, nil, false
	}
	length, rest := int(octets[0]), octets[1:]
	if length == 0 {
		length, rest = int(binary.BigEndian.Uint16(octets[1:])), octets[3:]
	}
	if length == 0 || length >= len(rest) {
		return nil, nil, false
	}
	return rest[:length], rest[length:], true
}

// verify builds the one encoding that is right and compares: parsing the padding
// instead is where forgeries came from (CVE-2006-4339 and its kin).
func (k *rsaKey) verify(data, signature []byte) bool {
	size := (k.modulus.BitLen() + 7) / 8
	number := new(big.Int).SetBytes(signature)
	if len(signature) != size || number.Cmp(k.modulus) >= 0 {
		return false
	}
	tail := append(digestInfo(k.hash), digest(k.hash, data)...)
	const around = 3 // 00 01 before the padding, 00 behind it
	padding := size - around - len(tail)
	if padding < 8 {
		return false
	}
	wanted := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	wanted = append(append(wanted, 0), tail...)
	found := make([]byte, size)
	number.Exp(number, k.exponent, k.modulus).FillBytes(found)
	return bytes.Equal(found, wanted)
}

// digestInfo is the DER prefix of a hash (RFC 8017, section 9.2, note 1).
func digestInfo(hash crypto.Hash) []byte {
	switch hash {
	case crypto.SHA1:
		return []byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}
	case crypto.SHA256:
		return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	}
	return []byte{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40} // SHA-512
}

// outsized says whether the key is RSA of a size that is not verified. A zone with
// none but such keys is treated as one with an unsupported algorithm.
func outsized(record *dns.DNSKEY) bool {
	switch record.Algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
	default:
		return false
	}
	octets, err := base64.StdEncoding.DecodeString(record.PublicKey)
	if err != nil {
		return false // malformed, not small: it fails by itself
	}
	_, modulus, ok := splitRSA(octets)
	if !ok {
		return false
	}
	bits := new(big.Int).SetBytes(modulus).BitLen()
	return bits < minModulus || bits > maxModulus
}
