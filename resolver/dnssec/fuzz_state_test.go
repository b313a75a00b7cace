package dnssec_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/dnssec"
)

// FuzzState: a state file may have been cut off or written over anywhere.
func FuzzState(f *testing.F) {
	sound := `{"zones":[{"zone":".","keys":[{"key":"257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=","state":"valid","since":"2026-01-01T00:00:00Z"}]}]}`
	for _, text := range []string{sound, sound[:50], `{}`, `null`, `[]`, `{"zones":[{"zone":"."},{"zone":"."}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		zones, err := dnssec.ParseState(data)
		if err != nil && zones != 0 {
			t.Errorf("%d zones of a damaged file", zones)
		}
	})
}

// FuzzKey: keys and signatures are octets of a stranger. None that was not made
// with the key may hold; to find one by chance would be a break of the algorithm.
func FuzzKey(f *testing.F) {
	for _, algorithm := range []uint8{5, 7, 8, 10, 13, 14, 15, 16} {
		key := newKey(f, "example.", algorithm).record
		octets, err := base64.StdEncoding.DecodeString(key.PublicKey)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(algorithm, octets, []byte("data"), bytes.Repeat([]byte{1}, len(octets)))
		f.Add(algorithm, octets[:len(octets)-1], []byte{}, []byte{})
	}
	f.Add(uint8(8), []byte{0, 0, 1, 3, 9}, []byte("data"), []byte{1})
	f.Fuzz(func(t *testing.T, algorithm uint8, public, data, signature []byte) {
		record := &dns.DNSKEY{Algorithm: algorithm, PublicKey: base64.StdEncoding.EncodeToString(public)}
		first, second := dnssec.VerifyRaw(record, data, signature), dnssec.VerifyRaw(record, append([]byte("other "), data...), signature)
		edwards := algorithm == dns.ED25519 || algorithm == dns.ED448 // whose keys of small order sign anything
		if first && second && !edwards {
			t.Errorf("algorithm %d, key %x: one signature for two texts", algorithm, public)
		}
	})
}
