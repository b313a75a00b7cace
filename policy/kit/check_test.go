package kit_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/kit"
)

// blocked is a reply to a case as it should be.
func blocked(one *kit.Case, text string) *dns.Msg {
	reply := new(dns.Msg).SetRcode(one.Query(), one.RCode)
	reply.RecursionAvailable = true
	reply.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: one.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60}, Ns: ".", Mbox: ".", Minttl: 60}}
	reply.SetEdns0(1232, false)
	reply.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: one.EDE, ExtraText: text}}
	return reply
}

// Each thing that can be wrong is told, at its level and not before.
func TestWhatIsWrongIsTold(t *testing.T) {
	made := read(t)
	one := &made.Cases[0]
	for what, test := range map[string]struct {
		spoil func(*dns.Msg)
		level kit.Level
		want  string
	}{
		"nothing":           {func(*dns.Msg) {}, kit.EDE, ""},
		"another question":  {func(m *dns.Msg) { m.Question[0].Name = "other.example." }, kit.RCode, "is no reply"},
		"casing is changed": {func(m *dns.Msg) { m.Question[0].Name = strings.ToUpper(m.Question[0].Name) }, kit.RCode, "is no reply"},
		"rcode":             {func(m *dns.Msg) { m.Rcode = dns.RcodeSuccess }, kit.RCode, "NOERROR instead of NXDOMAIN"},
		"records": {func(m *dns.Msg) {
			record, _ := dns.NewRR(one.Name + " 60 IN A 192.0.2.1")
			m.Answer = append(m.Answer, record)
		}, kit.RCode, `["192.0.2.1"] instead of none`},
		"no error":      {func(m *dns.Msg) { m.IsEdns0().Option = nil }, kit.EDE, "Extended DNS Error 0 instead of 16"},
		"another error": {func(m *dns.Msg) { m.IsEdns0().Option[0].(*dns.EDNS0_EDE).InfoCode = 15 }, kit.EDE, "15 instead of 16"},
		"a long text": {func(m *dns.Msg) {
			m.IsEdns0().Option[0].(*dns.EDNS0_EDE).ExtraText = strings.Repeat("x", 201)
		}, kit.EDE, "201 octets"},
		"flags":         {func(m *dns.Msg) { m.AuthenticatedData = true }, kit.EDE, "AD true"},
		"kept too long": {func(m *dns.Msg) { m.Ns[0].Header().Ttl = 300 }, kit.EDE, "for 300 s"},
		"no start":      {func(m *dns.Msg) { m.Ns = nil }, kit.EDE, "0 SOA records"},
		"a signature":   {func(m *dns.Msg) { m.Ns = append(m.Ns, &dns.RRSIG{Hdr: dns.RR_Header{Rrtype: dns.TypeRRSIG}}) }, kit.EDE, "a signature"},
	} {
		reply := blocked(one, "")
		test.spoil(reply)
		said := strings.Join(one.Check(test.level, reply), "; ")
		if (said == "") != (test.want == "") || !strings.Contains(said, test.want) {
			t.Errorf("%s: %q", what, said)
		}
		if test.level == kit.EDE && len(one.Check(kit.RCode, reply)) > 0 {
			t.Errorf("%s: is told at a level below", what)
		}
	}
}

func TestStructuredErrorsAreHeldToTheirMembers(t *testing.T) {
	made := read(t)
	one := &made.Cases[0]
	const good = `{"c":["mailto:a@example.net"],"j":"Blocked by order of Court of Example: Copyright.","o":"Example Net","l":"en"}`
	for text, want := range map[string]string{
		good:                                    "",
		"Blocked by order of Court of Example.": "no I-JSON object",
		strings.Replace(good, `"l":"en"`, `"l":"it"`, 1):              "member l",
		strings.Replace(good, "Court of Example", "a court", 1):       "member j",
		strings.Replace(good, `"o":`, `"s":1,"o":`, 1):                "member s",
		strings.Replace(good, `"c":["mailto:a@example.net"],`, "", 1): "member c",
	} {
		said := strings.Join(made.CheckStructured(one, blocked(one, text)), "; ")
		if (said == "") != (want == "") || !strings.Contains(said, want) {
			t.Errorf("%s: %q", text, said)
		}
	}
}
