package dnssec_test

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// TestBeside: of what a server adds to a secure answer only proved sets go on, and
// nothing is asked for their sake.
func TestBeside(t *testing.T) {
	w := example(t)
	z := w.zone("example.test.")
	good := z.sign(z.set("ns.example.test.", dns.TypeA))
	forged := z.sign([]dns.RR{record(t, "forged.example.test. 300 IN A 192.0.2.66")})
	forged[0] = record(t, "forged.example.test. 300 IN A 192.0.2.67")
	wild := z.expand(z.sign([]dns.RR{record(t, "*.example.test. 300 IN A 192.0.2.68")}), "wild.example.test.")
	check(t, w, "www.example.test.", dns.TypeA, isSecure)
	alone := len(w.questions())
	w.edit("www.example.test. A", func(m *dns.Msg) {
		m.Ns = append(m.Ns, z.sign(z.set("example.test.", dns.TypeNS))...)
		m.Ns = append(m.Ns, z.pick(z.chain(), covering("zzz.example.test."))...) // which proves nothing here
		m.Extra = slices.Concat(good, forged, wild, []dns.RR{record(t, "bare.example.test. 300 IN A 192.0.2.69")},
			(&zone{name: "other.", keys: z.keys, inception: z.inception, expires: z.expires}).sign([]dns.RR{record(t, "ns.other. 300 IN A 192.0.2.70")}))
	})
	answer := check(t, w, "www.example.test.", dns.TypeA, isSecure)
	if got := len(w.questions()) - alone; got != alone {
		t.Errorf("%d questions, %d without anything beside the answer", got, alone)
	}
	message := answer.Message()
	if len(message.Ns) != 2 || message.Ns[0].Header().Rrtype != dns.TypeNS || len(message.Extra) != 2 || !dns.IsDuplicate(message.Extra[0], good[0]) {
		t.Errorf("authority %v, additional %v", message.Ns, message.Extra)
	}
}
