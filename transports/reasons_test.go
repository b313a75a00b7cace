package transports_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

const (
	wholeReason = `{"c":["mailto:a@b.example"],"j":"long","l":"en","o":"me"}`
	briefReason = `{"c":["mailto:a@b.example"]}`
)

// withheld answers as policy does, with what is for some clients only.
func withheld(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	answer, err := small(ctx, query)
	if err != nil {
		return nil, err
	}
	return answer.Explained(
		resolver.Extended{Code: resolver.Blocked, Text: "plain", Structured: wholeReason, Brief: briefReason},
		resolver.Extended{Code: resolver.ForgedAnswer}), nil
}

// reasonsIn are the Extended DNS Errors of a reply.
func reasonsIn(t testing.TB, reply []byte) string {
	t.Helper()
	var found []string
	if options := unpacked(t, reply).IsEdns0(); options != nil {
		for _, option := range options.Option {
			if one, is := option.(*dns.EDNS0_EDE); is {
				found = append(found, strings.TrimSpace(fmt.Sprintf("%d %s", one.InfoCode, one.ExtraText)))
			}
		}
	}
	return strings.Join(found, "; ")
}

func TestStructuredErrorsAreForWhoAsksForThem(t *testing.T) {
	const code = 65001
	local := func(data ...byte) dns.EDNS0 { return &dns.EDNS0_LOCAL{Code: code, Data: data} }
	plain, structured := "15 plain; 4", "15 "+wholeReason
	for name, test := range map[string]struct {
		options []dns.EDNS0
		want    string
	}{
		"no sign":                 {nil, plain},
		"the option":              {[]dns.EDNS0{local()}, structured},
		"the option with data":    {[]dns.EDNS0{local(1, 2, 3)}, structured},
		"after others":            {[]dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}, local()}, structured},
		"another option":          {[]dns.EDNS0{&dns.EDNS0_LOCAL{Code: code + 1}}, plain},
		"the older sign":          {[]dns.EDNS0{&dns.EDNS0_EDE{}}, structured},
		"both":                    {[]dns.EDNS0{local(), &dns.EDNS0_EDE{}}, structured},
		"an error with a code":    {[]dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 15}}, plain},
		"an error with a text":    {[]dns.EDNS0{&dns.EDNS0_EDE{ExtraText: "x"}}, plain},
		"an error without a code": {[]dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0EDE}}, plain},
	} {
		service := serviceOf(withheld, transports.Limits{}).Structured(code)
		if got := reasonsIn(t, says(t, service, resolver.UDP, "192.0.2.7", with(t, test.options...))); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := reasonsIn(t, says(t, serviceOf(withheld, transports.Limits{}), resolver.UDP, "192.0.2.7", with(t, local()))); got != plain {
		t.Errorf("a service that knows no option took one: %s", got)
	}
}

func TestStructuredErrorsWithinTheRoom(t *testing.T) {
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.SetEdns0(1232, false)
	query, packet := asked(t, message)
	plain, err := small(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := withheld(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	query.Structured = true
	base := len(transports.AppendReply(nil, packet, query, plain, 1232, &transports.Options{}))
	for _, test := range []struct {
		limit     int
		want      string
		truncated bool
	}{
		{1232, "15 " + wholeReason, false},
		{base + 6 + len(wholeReason), "15 " + wholeReason, false},
		{base + 6 + len(wholeReason) - 1, "15 " + briefReason, false},
		{base + 6 + len(briefReason), "15 " + briefReason, false},
		{base + 6 + len(briefReason) - 1, "15", true},
		{base + 6, "15", true},
		{base + 5, "", true},
	} {
		got := transports.AppendReply(nil, packet, query, answer, test.limit, &transports.Options{})
		if text, message := reasonsIn(t, got), unpacked(t, got); text != test.want || message.Truncated != test.truncated || len(message.Answer) != 1 || len(got) > test.limit {
			t.Errorf("in %d octets: %s, truncated %v, %d records, want %s", test.limit, text, message.Truncated, len(message.Answer), test.want)
		}
	}
}

// The older sign as it is sent, an Extended DNS Error with code 0 and no text.
func TestTheOlderSignInOctets(t *testing.T) {
	packet, err := hex.DecodeString("000101000001000000000001" + "03777777076578616d706c6500" + "00010001" + "00002904d0000000000006" + "000f00020000")
	if err != nil {
		t.Fatal(err)
	}
	if got := reasonsIn(t, says(t, serviceOf(withheld, transports.Limits{}), resolver.TLS, "192.0.2.7", packet)); got != "15 "+wholeReason {
		t.Error(got)
	}
}

func TestSignsAllocateNothing(t *testing.T) {
	packet := with(t, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_LOCAL{Code: 65001})
	query := &resolver.Query{Client: resolver.Client{Door: resolver.UDP}}
	answer := answerWith(t, query.Now, "www.example. 300 A 192.0.2.1").Explained(resolver.Extended{Code: 16, Text: "plain", Structured: wholeReason})
	service := serviceOf(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return answer, nil }, transports.Limits{}).Structured(65001)
	dst := make([]byte, 0, 2048)
	if allocs := testing.AllocsPerRun(100, func() {
		if _, _, err := service.Reply(t.Context(), query, packet, dst, 0); err != nil || !query.Structured {
			t.Fatal("the sign was not read", err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
