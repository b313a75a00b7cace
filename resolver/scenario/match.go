package scenario

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// fits says whether a query that went out is one that the entry is for.
func (e *Entry) fits(query *dns.Msg, tcp bool) bool {
	m := &e.Match
	if m.Opcode && query.Opcode != e.Opcode || m.TCP && !tcp || m.UDP && tcp {
		return false
	}
	if !e.fitsQuestion(query) || !e.fitsOptions(query) {
		return false
	}
	return !m.Flags || query.RecursionDesired == e.Flags.RD && query.CheckingDisabled == e.Flags.CD && query.AuthenticatedData == e.Flags.AD
}

func (e *Entry) fitsQuestion(query *dns.Msg) bool {
	if len(query.Question) != 1 {
		return false
	}
	m, asked := &e.Match, query.Question[0]
	if m.Upper && asked.Name == strings.ToLower(asked.Name) {
		return false
	}
	if len(e.Question) == 0 {
		return true
	}
	own := e.Question[0]
	switch {
	case m.Qname && !strings.EqualFold(own.Name, asked.Name), m.Qtype && own.Qtype != asked.Qtype,
		m.Case && own.Name != asked.Name,
		m.Subdomain && !dns.IsSubDomain(strings.ToLower(own.Name), strings.ToLower(asked.Name)):
		return false
	}
	return true
}

func (e *Entry) fitsOptions(query *dns.Msg) bool {
	m, opt := &e.Match, query.IsEdns0()
	if m.NoEDNS {
		return opt == nil
	}
	if m.DO && (opt == nil || !opt.Do()) {
		return false
	}
	has := func(code uint16) bool {
		return opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == code })
	}
	for _, code := range m.Option {
		if !has(code) {
			return false
		}
	}
	if slices.ContainsFunc(m.NoOption, has) {
		return false
	}
	if m.Cookie && len(cookieOf(query)) <= 16 { // the client's part alone, in hexadecimal
		return false
	}
	return !m.EDNSData || bytes.Equal(optionsOf(opt), e.Options)
}

// cookieOf is the query's cookie in hexadecimal; "" for none.
func cookieOf(query *dns.Msg) string {
	opt := query.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, option := range opt.Option {
		if cookie, is := option.(*dns.EDNS0_COOKIE); is {
			return cookie.Cookie
		}
	}
	return ""
}

// optionsOf is the data of an OPT record as octets.
func optionsOf(opt *dns.OPT) []byte {
	if opt == nil {
		return nil
	}
	octets, err := packedRecord(opt)
	if err != nil || len(octets) < 11 {
		return nil
	}
	return octets[11:]
}

// differences compares an answer with what a step expects; none where it fits.
func (e *Entry) differences(got *dns.Msg) []string {
	m := &e.Match
	d := &differences{}
	d.note(m.Opcode && got.Opcode != e.Opcode, "opcode %d, want %d", got.Opcode, e.Opcode)
	d.note(m.Rcode && got.Rcode != e.Rcode, "rcode %s, want %s", dns.RcodeToString[got.Rcode], dns.RcodeToString[e.Rcode])
	if len(e.Question) == 1 && len(got.Question) == 1 {
		own, asked := e.Question[0], got.Question[0]
		d.note(m.Qname && !strings.EqualFold(own.Name, asked.Name), "question %q, want %q", asked.Name, own.Name)
		d.note(m.Case && own.Name != asked.Name, "question %q, want %q", asked.Name, own.Name)
		d.note(m.Qtype && own.Qtype != asked.Qtype, "type %s, want %s", dns.Type(asked.Qtype), dns.Type(own.Qtype))
	}
	if m.Flags {
		d.flags(e.Flags, got)
	}
	if m.Answer {
		d.section("answer", e.Answer, got.Answer, m.TTL)
	}
	if m.Authority {
		d.section("authority", e.Authority, got.Ns, m.TTL)
	}
	if m.Additional {
		d.section("additional", e.Additional, got.Extra, m.TTL)
	}
	d.explained(m, got)
	d.kinds(m, got)
	return d.found
}

type differences struct{ found []string }

func (d *differences) note(differs bool, format string, args ...any) {
	if differs {
		d.found = append(d.found, fmt.Sprintf(format, args...))
	}
}

func (d *differences) flags(want Flags, got *dns.Msg) {
	for _, flag := range []struct {
		name      string
		got, want bool
	}{
		{"QR", got.Response, want.QR}, {"AA", got.Authoritative, want.AA}, {"TC", got.Truncated, want.TC}, {"RD", got.RecursionDesired, want.RD},
		{"RA", got.RecursionAvailable, want.RA}, {"AD", got.AuthenticatedData, want.AD}, {"CD", got.CheckingDisabled, want.CD},
	} {
		d.note(flag.got != flag.want, "flag %s is %t", flag.name, flag.got)
	}
}

// section compares records in any order. Signatures and denials are looked at only
// where the entry has some of that type: nobody writes them by hand.
func (d *differences) section(name string, want, got []dns.RR, ttl bool) {
	expected, present := texts(want, ttl), texts(got, ttl)
	for text := range expected {
		d.note(!present[text], "%s: missing %s", name, text)
	}
	for _, rr := range got {
		kind := rr.Header().Rrtype
		if kind == dns.TypeOPT || expected[textOf(rr, ttl)] {
			continue
		}
		listed := slices.ContainsFunc(want, func(other dns.RR) bool { return other.Header().Rrtype == kind })
		proof := kind == dns.TypeRRSIG || kind == dns.TypeNSEC || kind == dns.TypeNSEC3
		d.note(listed || !proof, "%s: unexpected %s", name, textOf(rr, ttl))
	}
}

func texts(records []dns.RR, ttl bool) map[string]bool {
	all := make(map[string]bool)
	for _, rr := range records {
		all[textOf(rr, ttl)] = true
	}
	return all
}

func textOf(rr dns.RR, ttl bool) string {
	copied := dns.Copy(rr)
	if !ttl {
		copied.Header().Ttl = 0
	}
	return strings.ToLower(strings.ReplaceAll(copied.String(), "\t", " "))
}

// explained compares Extended DNS Errors: those named must be there.
func (d *differences) explained(m *Match, got *dns.Msg) {
	var codes []uint16
	if opt := got.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, is := option.(*dns.EDNS0_EDE); is {
				codes = append(codes, ede.InfoCode)
			}
		}
	}
	for _, code := range m.EDE {
		d.note(!slices.Contains(codes, code), "extended errors %d, want %d", codes, code)
	}
	d.note(m.AnyEDE && len(codes) == 0, "no extended error")
	d.note(m.NoEDE && len(codes) > 0, "extended errors %d, want none", codes)
}

func (d *differences) kinds(m *Match, got *dns.Msg) {
	has := func(kind uint16) bool {
		return slices.ContainsFunc(slices.Concat(got.Answer, got.Ns), func(rr dns.RR) bool { return rr.Header().Rrtype == kind })
	}
	for _, kind := range m.Has {
		d.note(!has(kind), "no %s record", dns.Type(kind))
	}
	for _, kind := range m.Lacks {
		d.note(has(kind), "a %s record", dns.Type(kind))
	}
}
