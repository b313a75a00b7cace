package policy_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ask puts one question to a filter with nothing below.
func ask(t failer, s *policy.Snapshot, q *resolver.Query) *resolver.Answer {
	t.Helper()
	stage, _, _ := filter(s, new(below))
	answer, err := stage.Resolve(context.Background(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.Question.Name, err)
	}
	return answer
}

func TestBlockedAnswers(t *testing.T) {
	for _, test := range []struct {
		reply  blocklists.Reply
		qtype  uint16
		rcode  int
		answer net.IP // nil: none
		start  bool   // an SOA record
	}{
		{blocklists.NXDomain, dns.TypeA, dns.RcodeNameError, nil, true},
		{blocklists.NXDomain, dns.TypeHTTPS, dns.RcodeNameError, nil, true},
		{blocklists.NoData, dns.TypeA, dns.RcodeSuccess, nil, true},
		{blocklists.NoData, dns.TypeSOA, dns.RcodeSuccess, nil, true},
		{blocklists.Refused, dns.TypeA, dns.RcodeRefused, nil, false},
		{blocklists.Zero, dns.TypeA, dns.RcodeSuccess, net.IPv4zero, false},
		{blocklists.Zero, dns.TypeAAAA, dns.RcodeSuccess, net.IPv6zero, false},
		{blocklists.Zero, dns.TypeHTTPS, dns.RcodeSuccess, nil, true},
		{blocklists.Zero, dns.TypeSVCB, dns.RcodeSuccess, nil, true},
		{blocklists.Zero, dns.TypeANY, dns.RcodeSuccess, nil, true},
		{blocklists.Zero, dns.TypeTXT, dns.RcodeSuccess, nil, true},
		{blocklists.Page, dns.TypeA, dns.RcodeNameError, nil, true},
	} {
		name := test.reply.String() + " " + dns.TypeToString[test.qtype]
		s := snapshot(t, compile(t, nil, []list{law("l", "x.example").with(func(m *blocklists.Manifest) { m.Answer = test.reply })}))
		q := query(italian, "www.x.example", test.qtype)
		q.Flags |= wire.FlagCD
		answer := ask(t, s, q)
		message, err := answer.Unpack()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if message.Rcode != test.rcode || message.Authoritative || message.AuthenticatedData || !message.RecursionAvailable || !message.Response {
			t.Errorf("%s: header %+v", name, message.MsgHdr)
		}
		if answer.Message() != nil || len(answer.Signed.TTLs) != len(answer.Plain.TTLs) || answer.Memo != nil {
			t.Errorf("%s: not packed, or with a memo", name)
		}
		if answer.TTL.Seconds() > 60 || !answer.Stored.Equal(today) || answer.Security == resolver.Secure {
			t.Errorf("%s: TTL %v, stored %v, security %v", name, answer.TTL, answer.Stored, answer.Security)
		}
		checkRecords(t, name, message, test.answer, test.start)
	}
}

func checkRecords(t *testing.T, name string, message *dns.Msg, address net.IP, start bool) {
	t.Helper()
	switch {
	case address == nil && len(message.Answer) != 0, address != nil && len(message.Answer) != 1:
		t.Errorf("%s: answer %v", name, message.Answer)
	case address != nil:
		header := message.Answer[0].Header()
		if header.Ttl > 60 || header.Name != "www.x.example." || !strings.HasSuffix(message.Answer[0].String(), address.String()) {
			t.Errorf("%s: answer %v", name, message.Answer)
		}
	}
	if len(message.Extra) != 0 {
		t.Errorf("%s: additional %v", name, message.Extra)
	}
	if !start {
		if len(message.Ns) != 0 {
			t.Errorf("%s: authority %v", name, message.Ns)
		}
		return
	}
	soa, ok := message.Ns[0].(*dns.SOA)
	if !ok || len(message.Ns) != 1 || soa.Hdr.Name != "x.example." || soa.Hdr.Ttl != soa.Minttl || soa.Minttl > 60 {
		t.Errorf("%s: authority %v", name, message.Ns)
	}
}

func TestExtendedErrors(t *testing.T) {
	secret := func(m *blocklists.Manifest) { m.Disclosure = blocklists.Secret }
	for name, test := range map[string]struct {
		list list
		code uint16
		text string // %s is the reason code
	}{
		"law":             {law("l", "x.example"), 16, "Blocked by order of Tribunale di Esempio. %s http://127.0.0.1:8080/r/%s"},
		"security":        {security("l", "x.example"), 15, "Blocked for security by Example Net: phishing. %s http://127.0.0.1:8080/r/%s"},
		"user":            {user("l", "x.example"), 17, "Blocked by a filter that the account holder chose: gambling. %s http://127.0.0.1:8080/r/%s"},
		"secret law":      {law("l", "x.example").with(secret), 16, "Blocked by order of an authority. %s http://127.0.0.1:8080/r/%s"},
		"secret security": {security("l", "x.example").with(secret), 15, "Blocked for security by Example Net. %s http://127.0.0.1:8080/r/%s"},
	} {
		s := snapshot(t, compile(t, nil, []list{test.list}))
		answer := ask(t, s, query(child, "x.example", dns.TypeA))
		code := policy.Judge(s, links("x.example"), who(t, s, child), today).Primary.Code.String()
		want := resolver.Extended{Code: test.code, Text: strings.ReplaceAll(test.text, "%s", code)}
		if len(answer.Extended) != 1 || answer.Extended[0] != want {
			t.Errorf("%s: got %+v, want %+v", name, answer.Extended, want)
		}
	}
}

func TestOwnDenySaysNothingPrivate(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "other.example")}, deny("games.example", "more.example")))
	first, second := ask(t, s, query(child, "games.example", dns.TypeA)), ask(t, s, query(child, "www.more.example", dns.TypeA))
	if first.Extended[0] != second.Extended[0] || first.Extended[0].Code != resolver.Filtered || strings.Contains(first.Extended[0].Text, "kids") {
		t.Errorf("got %+v and %+v", first.Extended, second.Extended)
	}
	stage, _, counts := filter(s, new(below))
	if _, err := stage.Resolve(t.Context(), query(child, "games.example", dns.TypeA)); err != nil || counts.blocks()[policy.OwnList] != 1 {
		t.Errorf("counted %v, %v", counts.blocks(), err)
	}
}

func TestNoPortal(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	s.Operator.Portal = ""
	text := ask(t, s, query(italian, "x.example", dns.TypeA)).Extended[0].Text
	code := policy.Judge(s, links("x.example"), who(t, s, italian), today).Primary.Code.String()
	if text != "Blocked by order of Tribunale di Esempio. "+code {
		t.Errorf("got %q", text)
	}
}

// With the longest portal the address is still there; one octet more, and it is not.
func TestLongestPortal(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	for _, more := range []int{0, 1} {
		s.Operator.Portal = "http://" + strings.Repeat("x", policy.MaxPortal-len("http://")+more)
		text := ask(t, s, query(italian, "x.example", dns.TypeA)).Extended[0].Text
		if strings.Contains(text, "/r/") != (more == 0) || text == "" {
			t.Errorf("%d more: %q", more, text)
		}
	}
}

// Hidden names must not be read from the SOA's owner either.
func TestHiddenListsKeepTheirNames(t *testing.T) {
	for _, disclosure := range []blocklists.Disclosure{blocklists.NoName, blocklists.Secret} {
		s := snapshot(t, compile(t, nil, []list{law("l", "x.example").with(func(m *blocklists.Manifest) { m.Disclosure = disclosure })}))
		message, err := ask(t, s, query(italian, "www.x.example", dns.TypeA)).Unpack()
		if err != nil || message.Ns[0].Header().Name != "www.x.example." {
			t.Errorf("disclosure %s: %v, %v", disclosure, message, err)
		}
	}
}

// Whatever authority and portal are called and whatever the budget: the text stays
// within it, is UTF-8, has no line breaks, and keeps the code before all else.
func TestExplanationFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		authority := rapid.StringN(1, -1, -1).Draw(t, "authority")
		s := snapshot(t, compile(t, nil, []list{law("l", "x.example").with(func(m *blocklists.Manifest) { m.Authority.Name = authority })}))
		s.Operator.Portal = "https://" + rapid.StringMatching(`[a-z]{0,180}`).Draw(t, "portal") + ".example/"
		q := query(italian, "x.example", dns.TypeA)
		q.Budget = rapid.IntRange(0, 300).Draw(t, "budget")
		text := ask(t, s, q).Extended[0].Text
		code := s.CodeOf(blocklists.Entry{List: "l", Name: wire.MustName("x.example"), Scope: blocklists.Subtree}).String()
		if len(text) > min(q.Budget, 200) || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n") {
			t.Fatalf("%d octets: %q", len(text), text)
		}
		address := code + " " + strings.TrimSuffix(s.Operator.Portal, "/") + "/r/" + code
		switch limit := min(q.Budget, 200); {
		case len(address) <= limit && !strings.HasSuffix(text, address):
			t.Fatalf("no address: %q", text)
		case len(code) <= limit && !strings.Contains(text, code):
			t.Fatalf("no code: %q", text)
		}
	})
}
