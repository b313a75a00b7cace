package dnssec

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// signedData is what a signature over the set is computed of (RFC 4034, section
// 3.1.8.1): its own fields, then every record in canonical form and order.
func (s *rrset) signedData(sig signature) []byte {
	rdata := s.canonicalRdata()
	if rdata == nil {
		return nil
	}
	record := sig.record
	data := binary.BigEndian.AppendUint16(nil, record.TypeCovered)
	data = append(data, record.Algorithm, record.Labels)
	data = binary.BigEndian.AppendUint32(data, record.OrigTtl)
	data = binary.BigEndian.AppendUint32(data, record.Expiration)
	data = binary.BigEndian.AppendUint32(data, record.Inception)
	data = binary.BigEndian.AppendUint16(data, record.KeyTag)
	data = append(data, sig.signer...)
	head := binary.BigEndian.AppendUint16([]byte(signedOwner(s.name, int(record.Labels))), s.kind)
	head = binary.BigEndian.AppendUint16(head, dns.ClassINET)
	head = binary.BigEndian.AppendUint32(head, record.OrigTtl)
	for _, one := range rdata {
		data = append(data, head...)
		data = binary.BigEndian.AppendUint16(data, uint16(len(one)))
		data = append(data, one...)
	}
	return data
}

// signedOwner is the name that was signed: the wildcard where the signature has
// fewer labels than the name (RFC 4035, section 5.3.2).
func signedOwner(name wire.Name, labels int) wire.Name {
	if labels >= signedLabels(name) {
		return name
	}
	return "\x01*" + ancestor(name, labels)
}

// canonicalRdata gives the data of all records, sorted, each once (RFC 4034,
// sections 6.2 and 6.3); nil where one cannot be packed. It is computed once a set.
func (s *rrset) canonicalRdata() []string {
	if s.canonical != nil {
		return s.canonical
	}
	all := make([]string, 0, len(s.records))
	for _, record := range s.records {
		rdata, ok := packedRdata(lowered(record))
		if !ok {
			return nil
		}
		all = append(all, rdata)
	}
	slices.Sort(all)
	s.canonical = slices.Compact(all)
	return s.canonical
}

func packedRdata(record dns.RR) (string, bool) {
	buffer := make([]byte, dns.Len(record)+1)
	end, err := dns.PackRR(record, buffer, 0, nil, false)
	if err != nil {
		return "", false
	}
	var name [wire.MaxName]byte
	_, start, err := wire.ReadName(buffer[:end], 0, &name)
	const fixed = 10 // type, class, TTL, length
	if err != nil || start+fixed > end {
		return "", false
	}
	return string(buffer[start+fixed : end]), true
}

// lowered gives a record with the names in its data in lower case, for the types
// that RFC 4034, section 6.2, lists, without NSEC (RFC 6840, section 5.1). Types
// made later keep their case. Records are shared, so a copy is changed.
func lowered(record dns.RR) dns.RR {
	names := namesIn(record)
	if !slices.ContainsFunc(names, func(name *string) bool { return *name != strings.ToLower(*name) }) {
		return record
	}
	record = dns.Copy(record)
	for _, name := range namesIn(record) {
		*name = strings.ToLower(*name)
	}
	return record
}

func namesIn(record dns.RR) []*string {
	switch record := record.(type) {
	case *dns.NS:
		return []*string{&record.Ns}
	case *dns.MD:
		return []*string{&record.Md}
	case *dns.MF:
		return []*string{&record.Mf}
	case *dns.CNAME:
		return []*string{&record.Target}
	case *dns.SOA:
		return []*string{&record.Ns, &record.Mbox}
	case *dns.MB:
		return []*string{&record.Mb}
	case *dns.MG:
		return []*string{&record.Mg}
	case *dns.MR:
		return []*string{&record.Mr}
	case *dns.PTR:
		return []*string{&record.Ptr}
	case *dns.MINFO:
		return []*string{&record.Rmail, &record.Email}
	case *dns.MX:
		return []*string{&record.Mx}
	case *dns.RP:
		return []*string{&record.Mbox, &record.Txt}
	case *dns.AFSDB:
		return []*string{&record.Hostname}
	case *dns.RT:
		return []*string{&record.Host}
	case *dns.PX:
		return []*string{&record.Map822, &record.Mapx400}
	case *dns.NAPTR:
		return []*string{&record.Replacement}
	case *dns.KX:
		return []*string{&record.Exchanger}
	case *dns.SRV:
		return []*string{&record.Target}
	case *dns.DNAME:
		return []*string{&record.Target}
	}
	return nil
}
