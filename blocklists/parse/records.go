package parse

import (
	"fmt"

	"github.com/miekg/dns"
)

// maxData is the longest record that a list may have answered: what fits any message
// beside its question.
const maxData = 4096

// packed writes a record as [blocklists.Entry].Data has it, or says why no list may
// have it answered.
func packed(rr dns.RR) (data []byte, reason string) {
	header := rr.Header()
	if header.Class != dns.ClassINET {
		return nil, "not of class IN"
	}
	if reason := notLocal(header.Rrtype); reason != "" {
		return nil, reason
	}
	message := make([]byte, 11+maxData)
	whole := dns.Copy(rr)
	whole.Header().Name = "." // one octet, so that what follows is type, class, TTL, length and data
	end, err := dns.PackRR(whole, message, 0, nil, false)
	if err != nil || end > len(message) {
		return nil, fmt.Sprintf("has data that is wrong or longer than %d octets", maxData)
	}
	data = append(data, message[1:3]...) // type
	data = append(data, message[5:9]...) // TTL
	return append(data, message[9:end]...), ""
}

// notLocal says why a type is no local data (draft-vixie-dnsop-dns-rpz, section 3.6).
func notLocal(rrtype uint16) string {
	switch rrtype {
	case dns.TypeDNAME, dns.TypeNS, dns.TypeSOA:
		return dns.TypeToString[rrtype] + " is no local data: it would speak for other names"
	case dns.TypeDS, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeCDS, dns.TypeCDNSKEY, dns.TypeDLV, dns.TypeSIG, dns.TypeKEY, dns.TypeNXT:
		return dns.TypeToString[rrtype] + " is no local data: a policy signs nothing"
	case dns.TypeOPT, dns.TypeTSIG, dns.TypeTKEY, dns.TypeIXFR, dns.TypeAXFR, dns.TypeANY, dns.TypeNone:
		return "a type that is no data"
	}
	return ""
}
