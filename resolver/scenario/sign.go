package scenario

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" //nolint:gosec // for algorithms 5 and 7, which resolvers still meet
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

var hashOf = map[uint8]crypto.Hash{
	dns.RSASHA1: crypto.SHA1, dns.RSASHA1NSEC3SHA1: crypto.SHA1, dns.RSASHA256: crypto.SHA256, dns.RSASHA512: crypto.SHA512,
	dns.ECDSAP256SHA256: crypto.SHA256, dns.ECDSAP384SHA384: crypto.SHA384,
}

const (
	leeway   = time.Hour
	validity = 30 * 24 * time.Hour
)

// sign makes the signature of a zone over a set, with what is to be wrong about
// it; nil where it is to be missing.
func (z *zone) sign(set []dns.RR, one fault, number int) (*dns.RRSIG, error) {
	by := z.zoneKey
	if set[0].Header().Rrtype == dns.TypeDNSKEY {
		by = z.entryKey
	}
	return z.signBy(by, set, one, number)
}

func (z *zone) signBy(by *key, set []dns.RR, one fault, number int) (*dns.RRSIG, error) {
	header := set[0].Header()
	if by == nil || one.kind == "missing" {
		return nil, nil
	}
	owner, err := wire.ParseName(header.Name)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	sig := &dns.RRSIG{
		Hdr:         dns.RR_Header{Name: header.Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: header.Ttl},
		TypeCovered: header.Rrtype, Algorithm: by.record.Algorithm, Labels: labelsOf(owner), OrigTtl: header.Ttl,
		Expiration: uint32(now.Add(validity).Unix()), Inception: uint32(now.Add(-leeway).Unix()),
		KeyTag: by.record.KeyTag(), SignerName: z.origin.FQDN(),
	}
	base := now
	if one.kind == "lasts" {
		base = z.began
	}
	one.bend(sig, base.Unix())
	data, err := signedData(sig, set, owner)
	if err != nil {
		return nil, err
	}
	hash := hashOf[by.record.Algorithm]
	if hash != 0 {
		digest := hash.New()
		digest.Write(data)
		data = digest.Sum(nil)
	}
	octets, err := by.sign(data, hash)
	if err != nil {
		return nil, fmt.Errorf("sign %s of %q: %w", dns.TypeToString[header.Rrtype], header.Name, err)
	}
	if z.fakeAlgorithm != 0 {
		sig.Algorithm = z.fakeAlgorithm
	}
	one.spoil(sig, octets, number)
	sig.Signature = base64.StdEncoding.EncodeToString(octets)
	return sig, nil
}

// labelsOf is the Labels field: the root and a leading asterisk do not count
// (RFC 4034, section 3.1.3).
func labelsOf(name wire.Name) uint8 {
	if strings.HasPrefix(string(name), "\x01*") {
		return uint8(name.Labels() - 1)
	}
	return uint8(name.Labels())
}

// signedData is RFC 4034, section 3.1.8.1: the signature's own fields, then the
// records in canonical form and order.
func signedData(sig *dns.RRSIG, set []dns.RR, owner wire.Name) ([]byte, error) {
	own := *sig
	own.Signature, own.SignerName = "", strings.ToLower(sig.SignerName)
	packed, err := packedRecord(&own)
	if err != nil {
		return nil, err
	}
	data := packed[len(packed)-rdlength(packed):]
	if int(sig.Labels) < int(labelsOf(owner)) {
		for owner.Labels() > int(sig.Labels) {
			owner = owner.Parent()
		}
		if owner, err = owner.Child("*"); err != nil {
			return nil, err
		}
	}
	records := make([][]byte, 0, len(set))
	for _, record := range set {
		canonical := canonical(record, owner, sig.OrigTtl)
		octets, err := packedRecord(canonical)
		if err != nil {
			return nil, err
		}
		records = append(records, octets)
	}
	slices.SortFunc(records, bytes.Compare)
	return append(data, bytes.Join(records, nil)...), nil
}

func packedRecord(record dns.RR) ([]byte, error) {
	buffer := make([]byte, dns.Len(record)+1)
	end, err := dns.PackRR(record, buffer, 0, nil, false)
	return buffer[:end], err
}

// rdlength reads the length of the data of a packed record.
func rdlength(octets []byte) int {
	at := 0
	for octets[at] != 0 {
		at += 1 + int(octets[at])
	}
	return int(octets[at+9])<<8 | int(octets[at+10])
}

// canonical is RFC 4034, section 6.2, for the types that have names in their data
// and are old enough.
func canonical(record dns.RR, owner wire.Name, ttl uint32) dns.RR {
	record = dns.Copy(record)
	record.Header().Name, record.Header().Ttl = owner.FQDN(), ttl
	switch record := record.(type) {
	case *dns.NS:
		record.Ns = strings.ToLower(record.Ns)
	case *dns.CNAME:
		record.Target = strings.ToLower(record.Target)
	case *dns.DNAME:
		record.Target = strings.ToLower(record.Target)
	case *dns.MX:
		record.Mx = strings.ToLower(record.Mx)
	case *dns.PTR:
		record.Ptr = strings.ToLower(record.Ptr)
	case *dns.SRV:
		record.Target = strings.ToLower(record.Target)
	case *dns.SOA:
		record.Ns, record.Mbox = strings.ToLower(record.Ns), strings.ToLower(record.Mbox)
	}
	return record
}
