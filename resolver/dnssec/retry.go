package dnssec

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// trial is the proof of one answer in up to three attempts: one server of a zone may
// be broken, and keys may have rolled (RFC 4035, section 4.7, leaves room for it).
type trial struct {
	validator *Validator
	next      resolver.Handler
	query     *resolver.Query
	answer    *resolver.Answer // as it came last
	last      *validation
	judged    *resolver.Answer
	err       error // bogus, or of whoever gave no answer
}

// judge proves an answer. Where it is bogus, what failed is asked for anew, past
// every cache: the keys and delegations if they are at fault, for a sound answer by a
// sound server is not risked for them; else the answer, and after it the keys.
func (v *Validator) judge(ctx context.Context, next resolver.Handler, query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	t := &trial{validator: v, next: next, query: query, answer: answer}
	t.attempt(ctx, v.validation(next, query))
	if !isBogus(t.err) || t.last.settled {
		return t.judged, t.err
	}
	relearnt := t.blamesZones()
	if relearnt && !t.relearn(ctx) {
		return t.judged, t.err
	}
	if t.again(ctx) && !relearnt {
		t.rolled(ctx)
	}
	return t.judged, t.err
}

// attempt says whether the answer is bogus. Where a later attempt ends without a
// verdict, the flaw of the one before counts.
func (t *trial) attempt(ctx context.Context, attempt *validation) bool {
	judged, err := attempt.answer(ctx, t.answer)
	t.last = attempt
	if t.err == nil || err == nil || isBogus(err) {
		t.judged, t.err = judged, err
	}
	return isBogus(err)
}

// blamesZones says whether it was no fault of the answer's own: a zone is broken, or
// its keys as they are remembered lack the one that signed.
func (t *trial) blamesZones() bool {
	var flaw *bogus
	return len(t.last.broken) > 0 || errors.As(t.err, &flaw) && flaw.code == resolver.KeyMissing
}

// maxRelearnt is how many levels of a chain may turn out to be broken one below the
// other.
const maxRelearnt = 3

// relearn tries the same answer with the zones that its proof failed in learnt anew,
// and says whether it is bogus all the same. Zones that are broken below their
// parents' keys come first, and those keys only where that did not help.
func (t *trial) relearn(ctx context.Context) bool {
	for range maxRelearnt {
		faulty, suspects := t.faulty(), t.last.suspects
		if len(faulty) == 0 {
			break
		}
		if !t.attempt(ctx, t.doubting(nil)) {
			return false
		}
		if len(t.last.broken) == 0 || len(suspects) == 0 {
			return true
		}
		if slices.Equal(faulty, t.faulty()) {
			break
		}
	}
	return t.attempt(ctx, t.doubting(t.last.suspects))
}

// faulty are the zones that are broken by themselves, and not only as one above is.
func (t *trial) faulty() []wire.Name {
	var found []wire.Name
	for name, one := range t.last.broken {
		inherited := false
		for above, other := range t.last.broken {
			inherited = inherited || above != name && name.IsBelow(above) && one.flaw == other.flaw
		}
		if !inherited {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// doubting is an attempt that decides the broken zones anew, those at fault and the
// suspects from fresh answers.
func (t *trial) doubting(suspects map[wire.Name]bool) *validation {
	attempt := t.validator.validation(t.next, t.query)
	attempt.lookups, attempt.doubted = t.last.lookups, make(map[wire.Name]bool)
	for name := range t.last.broken {
		attempt.doubted[name] = false
	}
	for _, name := range t.faulty() {
		attempt.doubted[name] = true
	}
	maps.Copy(attempt.doubted, suspects)
	return attempt
}

// rolled learns the zones first, and tries the answer again where any of them is not
// what it was: else the same signatures would be tried with the same keys.
func (t *trial) rolled(ctx context.Context) {
	attempt, changed := t.doubting(t.last.suspects), false
	for name := range t.last.suspects {
		before := t.last.known(name)
		found, err := attempt.zone(ctx, name)
		if err != nil {
			return
		}
		changed = changed || found.trust != broken && (before == nil || !before.equals(found))
	}
	if changed {
		t.attempt(ctx, attempt)
	}
}

func (z *zone) equals(other *zone) bool {
	return z.trust == other.trust && slices.EqualFunc(z.keys, other.keys, func(a, b key) bool { return dns.IsDuplicate(a.record, b.record) })
}

// again tries another answer with what is known of the zones, and says whether that
// one is bogus too.
func (t *trial) again(ctx context.Context) bool {
	sub := t.query.Sub(t.query.Question.Name, t.query.Question.Type)
	sub.Fresh = true
	answer, err := t.next.Resolve(ctx, sub)
	if err != nil {
		return false
	}
	t.answer = answer
	attempt := t.validator.validation(t.next, t.query)
	attempt.lookups = t.last.lookups
	maps.Copy(attempt.zones, t.last.zones)
	return t.attempt(ctx, attempt)
}
