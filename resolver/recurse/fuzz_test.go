package recurse_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// FuzzReply has every server on the Internet answer with the same bytes behind a
// header and question that fit: whatever they are, there is an answer that can
// be packed or a failure, within the budget.
func FuzzReply(f *testing.F) {
	for _, reply := range []string{
		"www.example. A 192.0.2.1", "example. NS ns.example.\nns.example. A 192.0.2.1", "example. DNAME a.b.c.", "www.example. CNAME www.example.",
		"example. SOA a b 1 2 3 4 5\nx.example. NSEC z.example. A", "example. NS n1.test.\nexample. NS n2.test.\nexample. DS 1 13 2 AA",
	} {
		for section := range 3 {
			message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
			message.Response, message.Authoritative = true, section != 1
			*[]*[]dns.RR{&message.Answer, &message.Ns, &message.Extra}[section] = parse(f, ".", reply)
			packet, err := message.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(packet[2:12], packet[12+17:])
		}
	}
	f.Add([]byte("\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00"), []byte{})
	f.Fuzz(func(t *testing.T, header, rest []byte) {
		exchanger := exchangerFunc(func(_ context.Context, _ resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
			end := 12
			for query[end] != 0 {
				end += 1 + int(query[end])
			}
			question := query[12 : end+5]
			packet := append(append([]byte{}, query[:2]...), header...)
			packet = append(append(packet, question...), rest...)
			if len(packet) <= 1<<16-1 && accept(packet) {
				return packet, nil
			}
			return nil, context.DeadlineExceeded
		})
		r, err := recurse.New(recurse.Config{IPv4: true, IPv6: true, Priming: true}, exchanger, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, qtype := range []uint16{dns.TypeA, dns.TypeDS, dns.TypeANY} {
			q := query("www.example", qtype)
			answer, err := r.Resolve(ctx, q)
			if failure := (*resolver.Failure)(nil); err != nil && !errors.As(err, &failure) {
				t.Errorf("error %v is no failure", err)
			}
			if (answer == nil) == (err == nil) {
				t.Errorf("answer %v and error %v", answer, err)
			}
			if answer != nil {
				_, _ = answer.Pack() // may refuse, must not panic
			}
		}
	})
}
