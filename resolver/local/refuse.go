package local

import (
	"fmt"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// typeNXNAME stands in the NSEC record of a name that does not exist (RFC 9824).
const typeNXNAME uint16 = 128

// unanswerable answers questions that no resolver has data for; nil for others.
func unanswerable(query *resolver.Query) (*resolver.Answer, error) {
	question := query.Question
	if question.Class != wire.ClassIN {
		// CHAOS names tell who we are and what we run; nobody needs to know (RFC 4892, section 4).
		return refuse(query, dns.RcodeRefused, resolver.NotSupported, "only class IN is served")
	}
	switch kind := question.Type; {
	case kind == wire.TypeAXFR || kind == wire.TypeIXFR:
		return refuse(query, dns.RcodeRefused, resolver.NotSupported, "no zone is transferred here")
	case kind == wire.TypeANY:
		return nil, nil // RFC 8482 is for whoever has the data
	case kind == 0, kind == wire.TypeOPT, kind == typeNXNAME, kind == dns.TypeTKEY, kind == dns.TypeTSIG:
		return refuse(query, dns.RcodeFormatError, resolver.InvalidQueryType, fmt.Sprintf("type %d is no type of data", kind))
	case kind > typeNXNAME && kind < wire.TypeANY: // RFC 6895, section 3.1: Q and meta types
		return refuse(query, dns.RcodeNotImplemented, resolver.NotSupported, fmt.Sprintf("type %d is not implemented", kind))
	}
	return nil, nil
}

func refuse(query *resolver.Query, rcode int, code uint16, text string) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Rcode = rcode
	return finish(query, reply, resolver.Extended{Code: code, Text: text})
}
