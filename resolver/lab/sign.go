package lab

import (
	"crypto"
	"fmt"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Signing is how a zone is signed. The zero value is not at all.
type Signing struct {
	Algorithm uint8 // dns.RSASHA256, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384 or dns.ED25519
	Single    bool  // one key signs all; else a key signs keys and another the zone
	Standby   bool  // a second key for keys is published and has a DS, but does not sign
	NSEC3     bool
	OptOut    bool // with NSEC3: insecure delegations have no record in the chain
	// Iterations should be zero (RFC 9276, section 3.1).
	Iterations uint16
	Salt       string // hexadecimal
}

func (s Signing) signs() bool { return s.Algorithm != 0 }

func (s ZoneSource) hasDS() bool { return s.Signing.signs() && !s.Island }

// key is one DNSKEY with its private half.
type key struct {
	record *dns.DNSKEY
	signer crypto.Signer
}

// keyring is all the keys of a zone.
type keyring struct {
	entry   *key // signs the DNSKEY set; the DS is of it
	zone    *key // signs all else
	standby *key // may be nil
}

const (
	zoneFlags  = dns.ZONE
	entryFlags = dns.ZONE | dns.SEP
	keyTTL     = 3600
)

func newKeyring(origin string, signing Signing, fault Fault) (*keyring, error) {
	entry, err := newKey(origin, signing.Algorithm, entryFlags, fault)
	if err != nil {
		return nil, err
	}
	ring := &keyring{entry: entry, zone: entry}
	if !signing.Single {
		if ring.zone, err = newKey(origin, signing.Algorithm, zoneFlags, fault); err != nil {
			return nil, err
		}
	}
	if signing.Standby {
		if ring.standby, err = newKey(origin, signing.Algorithm, entryFlags, fault); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

func newKey(origin string, algorithm uint8, flags uint16, fault Fault) (*key, error) {
	record := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: keyTTL},
		Flags: flags, Protocol: 3, Algorithm: algorithm,
	}
	bits := 256
	switch algorithm {
	case dns.RSASHA256:
		bits = 2048
	case dns.ECDSAP384SHA384:
		bits = 384
	}
	var private crypto.PrivateKey
	for private == nil || record.KeyTag() == 0 { // the library signs with no key of tag 0, as one in 65,536 has
		var err error
		if private, err = record.Generate(bits); err != nil {
			return nil, fmt.Errorf("key of %q, algorithm %d: %w", origin, algorithm, err)
		}
	}
	fault.spoilKey(record)
	return &key{record: record, signer: private.(crypto.Signer)}, nil
}

// records is the DNSKEY set.
func (k *keyring) records() []dns.RR {
	records := []dns.RR{k.entry.record}
	if k.zone != k.entry {
		records = append(records, k.zone.record)
	}
	if k.standby != nil {
		records = append(records, k.standby.record)
	}
	return records
}

// delegationSigners is the DS set that a parent has for the zone.
func (z *zone) delegationSigners() ([]dns.RR, error) {
	keys, err := z.keys()
	if err != nil {
		return nil, err
	}
	digest := dns.SHA256
	if z.source.Signing.Algorithm == dns.ECDSAP384SHA384 {
		digest = dns.SHA384 // RFC 6605, section 6
	}
	signer := keys.entry.record.ToDS(uint8(digest))
	z.source.Fault.spoilDS(signer)
	signers := []dns.RR{signer}
	if keys.standby != nil {
		signers = append(signers, keys.standby.record.ToDS(uint8(digest)))
	}
	return signers, nil
}

// seals keeps signatures. Two goroutines may make the same one; that is harmless.
type seals struct {
	mutex sync.Mutex
	made  map[setID]*seal
}

// setID names a set of records within a zone.
type setID struct {
	owner wire.Name
	kind  uint16
}

type seal struct {
	at        time.Time
	signature *dns.RRSIG
}

const (
	validity = 14 * 24 * time.Hour
	leeway   = 24 * time.Hour // how far a signature reaches back
	renewal  = 12 * time.Hour // how long a signature is used, in either direction of the clock
)

// signature gives the RRSIG over a set. It is nil where the zone signs nothing.
func (c *contents) signature(set []dns.RR) (*dns.RRSIG, error) {
	header, now := set[0].Header(), c.zone.now()
	if !c.zone.source.Signing.signs() || c.zone.source.Fault.leavesUnsigned(header.Rrtype) {
		return nil, nil
	}
	which := setID{nameOf(set[0]), header.Rrtype}
	c.seals.mutex.Lock()
	made := c.seals.made[which]
	c.seals.mutex.Unlock()
	if made != nil && now.Sub(made.at).Abs() < renewal {
		return made.signature, nil
	}
	signature, err := c.zone.sign(set, now)
	if err != nil {
		return nil, err
	}
	c.seals.mutex.Lock()
	defer c.seals.mutex.Unlock()
	if c.seals.made == nil {
		c.seals.made = make(map[setID]*seal)
	}
	c.seals.made[which] = &seal{now, signature}
	return signature, nil
}

func (z *zone) sign(set []dns.RR, now time.Time) (*dns.RRSIG, error) {
	keys, err := z.keys()
	if err != nil {
		return nil, err
	}
	by := keys.zone
	if set[0].Header().Rrtype == dns.TypeDNSKEY {
		by = keys.entry
	}
	from, until := z.source.Fault.period(now)
	signature := &dns.RRSIG{
		Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
		Algorithm: z.source.Signing.Algorithm, KeyTag: by.record.KeyTag(), SignerName: z.origin.FQDN(),
		Inception: uint32(from.Unix()), Expiration: uint32(until.Unix()),
	}
	if err := signature.Sign(by.signer, set); err != nil {
		return nil, fmt.Errorf("sign %s of %q: %w", dns.TypeToString[set[0].Header().Rrtype], set[0].Header().Name, err)
	}
	z.source.Fault.spoil(signature)
	return signature, nil
}
