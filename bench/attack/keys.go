package main

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// key signs; without a private part it only looks as if it did.
type key struct {
	record  dns.DNSKEY
	private crypto.Signer
}

// keys are made once and used by all zones: nobody compares keys across zones.
type keys struct {
	usual *key   // ECDSA P-256
	slow  []*key // ECDSA P-384, all of one tag
	large []*key // RSA of 4,096 bits with the largest exponent that is accepted, all of one tag
}

const (
	zoneKey       = 256
	colliding     = 3
	crowd         = 24
	largestSize   = 4096 / 8
	largeExponent = "\x01\xff\xff\xff\xff" // 33 bits
)

func newKeys() (*keys, error) {
	usual, err := generate(dns.ECDSAP256SHA256, 256)
	if err != nil {
		return nil, err
	}
	all := &keys{usual: usual}
	byTag := map[uint16][]*key{}
	for len(all.slow) < colliding {
		one, err := generate(dns.ECDSAP384SHA384, 384)
		if err != nil {
			return nil, err
		}
		tag := one.record.KeyTag()
		if byTag[tag] = append(byTag[tag], one); len(byTag[tag]) == colliding {
			all.slow = byTag[tag]
		}
	}
	for len(all.large) < crowd {
		all.large = append(all.large, forgedRSA(12345))
	}
	return all, nil
}

func generate(algorithm uint8, bits int) (*key, error) {
	one := &key{record: dns.DNSKEY{Hdr: header(".", dns.TypeDNSKEY), Flags: zoneKey, Protocol: 3, Algorithm: algorithm}}
	for one.private == nil || one.record.KeyTag() == 0 { // the library signs with no key of tag 0
		private, err := one.record.Generate(bits)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		one.private = private.(crypto.Signer)
	}
	return one, nil
}

// forgedRSA is a key that nobody can sign with, of the given tag: a tag is a sum, so
// that one word of the modulus sets it.
func forgedRSA(tag uint16) *key {
	modulus := make([]byte, largestSize)
	_, _ = rand.Read(modulus) // never fails (crypto/rand)
	modulus[0], modulus[largestSize-1] = modulus[0]|0x80, modulus[largestSize-1]|1
	one := &key{record: dns.DNSKEY{Hdr: header(".", dns.TypeDNSKEY), Flags: zoneKey, Protocol: 3, Algorithm: dns.RSASHA512}}
	octets := append([]byte{byte(len(largeExponent))}, largeExponent+string(modulus)...)
	const word = 100
	tagWith := func(value uint16) uint16 {
		binary.BigEndian.PutUint16(octets[word:], value)
		one.record.PublicKey = base64.StdEncoding.EncodeToString(octets)
		return one.record.KeyTag()
	}
	missing := tag - tagWith(0)
	for carry := uint16(0); tagWith(missing-carry) != tag; carry++ {
	}
	return one
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 300}
}

// at is the key's record in a zone.
func (k *key) at(zone string) *dns.DNSKEY {
	record := k.record
	record.Hdr.Name = zone
	return &record
}

func (k *keys) set(zone string, all ...*key) []dns.RR {
	var set []dns.RR
	for _, one := range all {
		set = append(set, one.at(zone))
	}
	return set
}

func (k *keys) ds(zone string, all ...*key) []dns.RR {
	var set []dns.RR
	for _, one := range all {
		ds := one.at(zone).ToDS(dns.SHA256)
		ds.Hdr.Ttl = 300
		set = append(set, ds)
	}
	return set
}

// unsigned is a signature with everything but the octets.
func unsigned(zone string, set []dns.RR, by *key) *dns.RRSIG {
	first, now := set[0].Header(), time.Now()
	return &dns.RRSIG{
		Hdr: header(first.Name, dns.TypeRRSIG), TypeCovered: first.Rrtype, Labels: uint8(dns.CountLabel(first.Name)), OrigTtl: first.Ttl,
		Algorithm: by.record.Algorithm, KeyTag: by.record.KeyTag(), SignerName: zone,
		Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(24 * time.Hour).Unix()),
	}
}

// sign signs a set with a key of the zone.
func (k *keys) sign(zone string, set []dns.RR, by *key) dns.RR {
	signature := unsigned(zone, set, by)
	if err := signature.Sign(by.private, set); err != nil {
		panic(fmt.Sprintf("signature over %s: %v", set[0].Header().Name, err))
	}
	return signature
}

// forge makes signatures that look like ones of the key and are none, all different.
func (k *keys) forge(zone string, set []dns.RR, by *key, count int) []dns.RR {
	size := map[uint8]int{dns.ECDSAP256SHA256: 64, dns.ECDSAP384SHA384: 96, dns.RSASHA512: largestSize}[by.record.Algorithm]
	var all []dns.RR
	for range count {
		signature := unsigned(zone, set, by)
		octets := make([]byte, size)
		_, _ = rand.Read(octets)                                        // never fails
		octets[0], octets[size/2] = octets[0]&0x7f, octets[size/2]&0x7f // below the modulus, or the order
		signature.Signature = base64.StdEncoding.EncodeToString(octets)
		all = append(all, signature)
	}
	return all
}
