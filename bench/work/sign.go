package main

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// signer keeps one key a zone and the signatures made with it.
type signer struct {
	keys       sync.Map // zone to *zoneKey
	signatures sync.Map // signed to *dns.RRSIG
}

// zoneKey signs everything in its zone.
type zoneKey struct {
	record  *dns.DNSKEY
	private crypto.Signer
}

// signed is a set of records by the zone that signs it.
type signed struct {
	zone, name string
	kind       uint16
}

func newSigner() *signer { return &signer{} }

// key gives the key of a zone; two that ask at once get the same one.
func (s *signer) key(zone string) (*zoneKey, error) {
	if kept, ok := s.keys.Load(zone); ok {
		return kept.(*zoneKey), nil
	}
	const zoneKeyAndEntryPoint, protocol, bits = 257, 3, 256
	record := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: ttl},
		Flags: zoneKeyAndEntryPoint, Protocol: protocol, Algorithm: dns.ECDSAP256SHA256,
	}
	var private crypto.PrivateKey
	for record.KeyTag() == 0 || private == nil { // the library signs with no key of tag 0, as one in 65,536 has
		var err error
		if private, err = record.Generate(bits); err != nil {
			return nil, fmt.Errorf("key of %q: %w", zone, err)
		}
	}
	kept, _ := s.keys.LoadOrStore(zone, &zoneKey{record, private.(*ecdsa.PrivateKey)})
	return kept.(*zoneKey), nil
}

// ds is the digest of a zone's key.
func (s *signer) ds(zone string) (*dns.DS, error) {
	key, err := s.key(zone)
	if err != nil {
		return nil, err
	}
	return key.record.ToDS(dns.SHA256), nil
}

// sign signs a set of records, once.
func (s *signer) sign(zone string, set []dns.RR) (*dns.RRSIG, error) {
	header := set[0].Header()
	what := signed{zone, header.Name, header.Rrtype}
	if kept, ok := s.signatures.Load(what); ok {
		return kept.(*dns.RRSIG), nil
	}
	key, err := s.key(zone)
	if err != nil {
		return nil, err
	}
	const leeway, validity = time.Hour, 7 * 24 * time.Hour
	now := time.Now()
	signature := &dns.RRSIG{
		Hdr:       dns.RR_Header{Name: header.Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: header.Ttl},
		Algorithm: key.record.Algorithm, KeyTag: key.record.KeyTag(), SignerName: zone,
		Inception: uint32(now.Add(-leeway).Unix()), Expiration: uint32(now.Add(validity).Unix()),
	}
	if err := signature.Sign(key.private, set); err != nil {
		return nil, fmt.Errorf("signature over %q: %w", header.Name, err)
	}
	kept, _ := s.signatures.LoadOrStore(what, signature)
	return kept.(*dns.RRSIG), nil
}

// presign signs what the resolution of every name needs: keys, delegations, addresses.
func (w *world) presign() error {
	work := make(chan int)
	failed := make(chan error, 1)
	var running sync.WaitGroup
	for range runtime.NumCPU() {
		running.Go(func() {
			for i := range work {
				if err := w.presignZone(i); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range w.zones {
		work <- i
	}
	close(work)
	running.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (w *world) presignZone(i int) error {
	zone := zoneName(i)
	parent, _ := w.cut(zone, tld)
	for _, part := range []signed{
		{".", ".", dns.TypeDNSKEY}, {".", ".", dns.TypeNS}, {".", parent, dns.TypeDS}, {parent, parent, dns.TypeDNSKEY},
		{parent, zone, dns.TypeDS}, {zone, zone, dns.TypeDNSKEY}, {zone, "www." + zone, dns.TypeA},
	} {
		set, err := w.set(part.zone, part.name, part.kind)
		if err != nil {
			return err
		}
		if _, err := w.signer.sign(part.zone, set); err != nil {
			return err
		}
	}
	return nil
}
