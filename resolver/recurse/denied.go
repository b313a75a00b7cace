package recurse

import (
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// denied is what is known to be proved of a name that an alias leads to: that it, or the
// type asked for, does not exist. It is nil where the name must be asked for. Whoever
// doubts what is kept asks, and so does who proves for himself.
func (r *resolution) denied(name wire.Name, qtype uint16) *outcome {
	if r.config.Denied == nil || r.query.Fresh || r.query.CheckingDisabled() || name == r.query.Question.Name {
		return nil
	}
	answer := r.config.Denied(r.query.Sub(name, qtype))
	if answer == nil {
		return nil
	}
	message, err := answer.Unpack()
	if err != nil || len(message.Answer) > 0 {
		return nil
	}
	out := &outcome{zone: answer.Zone, rcode: message.Rcode, negative: true}
	for _, record := range message.Ns {
		if matches(record, dns.TypeSOA) || signs(record, dns.TypeSOA) {
			out.soa = append(out.soa, record)
		} else {
			out.proofs = append(out.proofs, record)
		}
	}
	r.shared.explain(answer.Extended)
	return out
}
