package transports_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports"
)

func TestPadQuery(t *testing.T) {
	for length := 1; length < 60; length++ {
		message := new(dns.Msg).SetQuestion(strings.Repeat("a", length)+".example.", dns.TypeA)
		message.SetEdns0(1232, true)
		message.IsEdns0().Option = append(message.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"})
		query, err := message.Pack()
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(query)
		padded := transports.PadQuery(query)
		if len(padded) != 128 || !bytes.Equal(query, before) {
			t.Errorf("%d octets became %d", len(query), len(padded))
		}
		got := unpacked(t, padded)
		options := got.IsEdns0().Option
		if len(options) != 2 || options[1].Option() != dns.EDNS0PADDING || got.Question[0] != message.Question[0] || got.Id != message.Id || !got.IsEdns0().Do() {
			t.Errorf("padded: %v", got)
		}
		if again := transports.PadQuery(padded); !bytes.Equal(again, padded) {
			t.Error("it was padded twice")
		}
	}
}

func TestWhatIsNotPadded(t *testing.T) {
	plain, err := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	signed := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	signed.SetEdns0(1232, false)
	signed.Extra = append(signed.Extra, record(t, "key. 0 CH TXT signature")) // something after OPT
	behind, err := signed.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range [][]byte{nil, {1, 2, 3}, plain, plain[:20], behind, append(slices.Clone(plain), 0)} {
		if got := transports.PadQuery(query); !bytes.Equal(got, query) {
			t.Errorf("%x became %x", query, got)
		}
	}
}

func FuzzPadQuery(f *testing.F) {
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(1232, true)
	query, _ := message.Pack()
	f.Add(query)
	f.Fuzz(func(t *testing.T, query []byte) {
		padded := transports.PadQuery(query)
		if !bytes.Equal(padded, query) && (len(padded)%128 != 0 && len(padded) < 65400 || len(padded) <= len(query)) {
			t.Fatalf("%x became %x", query, padded)
		}
	})
}
