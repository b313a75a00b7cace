package dnssec

import (
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// The labels by which anybody can see whether a key of the root is trusted here
// (RFC 8509, section 2). A tag of five digits follows.
const (
	isAnchor  = "root-key-sentinel-is-ta-"
	notAnchor = "root-key-sentinel-not-ta-"
)

// sentinel withholds a secure answer to a question of RFC 8509 where what its
// name says is not so. Everything else passes.
func (v *Validator) sentinel(query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	kind := query.Question.Type
	if v.mode != Validate || answer.Security != resolver.Secure || kind != dns.TypeA && kind != dns.TypeAAAA {
		return answer, nil
	}
	tag, wanted, asked := readSentinel(query.Question.Name)
	if !asked || v.trustsRoot(tag) == wanted {
		return answer, nil
	}
	return nil, resolver.Fail(resolver.OtherError, "root key sentinel: key %d is %s", tag, map[bool]string{true: "no trust anchor", false: "a trust anchor"}[wanted])
}

// readSentinel reads the leftmost label.
func readSentinel(name wire.Name) (tag uint16, wanted, asked bool) {
	if name == wire.Root || name == "" {
		return 0, false, false
	}
	label := string(name[1 : 1+int(name[0])])
	digits, wanted := strings.CutPrefix(label, isAnchor)
	if !wanted {
		if digits, asked = strings.CutPrefix(label, notAnchor); !asked {
			return 0, false, false
		}
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || len(digits) != 5 {
		return 0, false, false
	}
	return uint16(number), wanted, true
}

func (v *Validator) trustsRoot(tag uint16) bool {
	for _, ds := range (*v.trusted.Load())[wire.Root] {
		if ds.KeyTag == tag {
			return true
		}
	}
	return false
}
