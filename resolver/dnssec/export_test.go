package dnssec

import (
	"github.com/miekg/dns"
)

// ParseState reads a state file and says how many zones are in it.
func ParseState(data []byte) (int, error) {
	zones, err := parseState(data)
	return len(zones), err
}

// VerifyRaw verifies a signature over octets with a key as it came.
func VerifyRaw(record *dns.DNSKEY, data, signature []byte) bool {
	key := publicKeyOf(record)
	return key != nil && key.verify(data, signature)
}
