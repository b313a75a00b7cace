package dnssec_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestReplayedProofs answers each question with pairs of denials that the zones did
// sign, and with every wildcard: none proves what is not so. Each question has each
// denial by itself and every third pair, other ones than the question before it; with
// FULL=1 every pair.
func TestReplayedProofs(t *testing.T) {
	asked := []struct {
		name string
		kind uint16
	}{
		{"www.example.test.", dns.TypeA}, {"www.example.test.", dns.TypeAAAA}, {"example.test.", dns.TypeA}, {"example.test.", dns.TypeDS},
		{"www.example.test.", dns.TypeDS}, {"ent.example.test.", dns.TypeA}, {"no.example.test.", dns.TypeA}, {"alias.example.test.", dns.TypeA},
		{"x.wild.example.test.", dns.TypeTXT}, {"x.wild.example.test.", dns.TypeA}, {"fixed.wild.example.test.", dns.TypeTXT},
		{"a.fixed.wild.example.test.", dns.TypeTXT}, {"wild.example.test.", dns.TypeTXT}, {"x.cw.example.test.", dns.TypeTXT}, {"plain.test.", dns.TypeDS}, {"deep.ent.example.test.", dns.TypeTXT},
		{"host.old.example.test.", dns.TypeA},
	}
	for _, w := range []*world{example(t), hashedExample(t)} {
		w.zone("test.").optOut = false
		v := w.validator(dnssec.Config{})
		proofs := append(w.proofs("example.test."), w.proofs("test.")...)
		accepted := 0
		for number, ask := range asked {
			truth := w.truth(ask.name, ask.kind)
			for _, answer := range w.wildcards(ask.name) {
				for i := range proofs {
					for j := range i + 1 {
						if i != j && (i+j+number)%3 != 0 && os.Getenv("FULL") == "" {
							continue
						}
						for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
							message := &dns.Msg{Answer: answer, Ns: slices.Concat(proofs[i], proofs[j])}
							message.Rcode = rcode
							if w.told(t, v, ask.name, ask.kind, message, truth) {
								accepted++
							}
						}
					}
				}
			}
		}
		if accepted == 0 {
			t.Error("not even the right proofs were taken")
		}
	}
}

// told gives one question one reply; true when it was taken, and rightly.
func (w *world) told(t *testing.T, v *dnssec.Validator, name string, kind uint16, message *dns.Msg, truth []string) bool {
	t.Helper()
	next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Question.Type != kind || query.Question.Name.FQDN() != name || query.CheckingDisabled() {
			return w.Resolve(ctx, query)
		}
		answer := resolver.NewAnswer(message, noon)
		answer.Zone = wire.MustName("example.test.")
		return answer, nil
	})
	answer, err := v.Stage(next).Resolve(t.Context(), question(name, kind))
	if err != nil {
		return false
	}
	if answer.Security != resolver.Secure || !slices.Equal(content(answer), truth) {
		t.Fatalf("%s %s: security %d, %v by\n%v", name, dns.Type(kind), answer.Security, content(answer), message)
	}
	return true
}

func (w *world) truth(name string, kind uint16) []string {
	w.t.Helper()
	answer, err := w.resolve(name, kind)
	if err != nil || answer.Security != resolver.Secure {
		w.t.Fatalf("%s: %v, %v", name, answer, err)
	}
	return content(answer)
}

// proofs lists a zone's signed denials, one at a time.
func (w *world) proofs(name string) [][]dns.RR {
	z := w.zone(name)
	chain := z.chain()
	if z.hashed {
		chain = z.chain3()
	}
	proofs := make([][]dns.RR, len(chain))
	for i, rr := range chain {
		proofs[i] = z.sign([]dns.RR{rr})
	}
	return proofs
}

// wildcards lists what the wildcards of example.test. give for a name, and nothing.
func (w *world) wildcards(name string) [][]dns.RR {
	z := w.zone("example.test.")
	answers := [][]dns.RR{nil}
	for _, rr := range z.records {
		if owner := rr.Header().Name; owner[0] == '*' && dns.IsSubDomain(owner[2:], name) {
			answers = append(answers, z.expand(z.sign([]dns.RR{rr}), name))
		}
	}
	return answers
}
