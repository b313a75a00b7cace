package cache

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxLinks is how many aliases one answer may lead over.
const maxLinks = 11

// link is a kept alias, and the names that it leads from and to.
type link struct {
	*node
	from, to wire.Name
}

// path is the kept aliases that a question leads over.
type path struct {
	links []link
	end   wire.Name // where the question goes on
	done  bool      // it goes on nowhere: rcode is the answer's
	rcode int
}

// aliasable leaves out the types that an alias does not stand in for: those that may
// stand beside it (RFC 4034, section 2; RFC 4035, section 2.5) or mean all of them.
func aliasable(question wire.Question) bool {
	switch question.Type {
	case dns.TypeCNAME, dns.TypeANY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeKEY, dns.TypeDS, dns.TypeNSEC3:
		return false
	}
	return question.Class == wire.ClassIN
}

// redirectable leaves out the types that mean whatever stands at a name. All others a
// DNAME redirects: below its owner there is nothing (RFC 6672, section 2.3).
func redirectable(question wire.Question) bool {
	return question.Type != dns.TypeANY && question.Type != dns.TypeRRSIG && question.Class == wire.ClassIN
}

// ask resolves, where it may from the end of the name's kept aliases, which it puts
// in front of what comes.
func (f *flights) ask(ctx context.Context, query *resolver.Query, anew bool, flushes uint64) (*resolver.Answer, error) {
	if anew || query.CheckingDisabled() {
		return f.whole(ctx, query, flushes)
	}
	way := f.path(query)
	if len(way.links) == 0 {
		return f.whole(ctx, query, flushes)
	}
	rest, err := f.rest(ctx, query, way, flushes)
	if err != nil {
		return nil, err
	}
	if joined, ok := join(query, way.links, rest); ok {
		f.stats.Aliased.Add(query.Worker, 1)
		return joined, nil
	}
	return f.whole(ctx, query, flushes)
}

// whole asks the question as it is, and keeps the sets that it meets.
func (f *flights) whole(ctx context.Context, query *resolver.Query, flushes uint64) (*resolver.Answer, error) {
	answer, err := f.next.Resolve(ctx, query)
	if err == nil && !query.Fresh && f.flushes.Load() == flushes {
		f.keepSets(query, answer)
	}
	return answer, err
}

// path follows kept aliases. Where they lead in a circle, too far, or from a private
// name to another, they are not used: what the zones say now will tell. No flight waits
// for another on this path, so that no two can wait for each other.
func (f *flights) path(query *resolver.Query) path {
	way := path{end: query.Question.Name}
	for {
		next, found := f.link(query, way.end)
		if !found {
			return way
		}
		if len(way.links) == maxLinks || next.to != "" && !f.together(way.end, next.to) {
			return path{}
		}
		way.links, way.end = append(way.links, next), next.to
		if next.to == "" {
			way.done, way.rcode = true, dns.RcodeYXDomain
			return way
		}
		if query.Question.Type == dns.TypeCNAME { // the CNAME that was made is the answer
			way.done = true
			return way
		}
	}
}

// link finds the kept alias that leads on from a name: the CNAME at it or else the
// nearest DNAME above it that was proved. Where the DNAME makes a name that is too long
// (RFC 6672, section 2.2) it leads to "".
func (f *flights) link(query *resolver.Query, name wire.Name) (link, bool) {
	now, class := query.Now.UnixNano(), query.Question.Class
	if aliasable(query.Question) {
		kept := f.find(key{name: name, qtype: wire.TypeCNAME, class: class})
		if target := kept.target(now); target != "" {
			return link{node: kept, from: name, to: target}, true
		}
	}
	if !redirectable(query.Question) {
		return link{}, false
	}
	for above := name.Parent(); above != ""; above = above.Parent() {
		kept := f.find(key{name: above, qtype: dns.TypeDNAME, class: class})
		if target := kept.target(now); target != "" && kept.answer.Security == resolver.Secure {
			return link{node: kept, from: name, to: substitute(name, above, target)}, true
		}
	}
	return link{}, false
}

// substitute puts the target of a DNAME in the place of its owner; "" where the name
// gets too long.
func substitute(name, owner, target wire.Name) wire.Name {
	made := name[:len(name)-len(owner)] + target
	if len(made) > wire.MaxName {
		return ""
	}
	return made
}

// lasting says whether more than a tenth of the TTL is left: a link near its end
// would give all that is joined to it a short life.
func (n *node) lasting(now int64) bool { return n.fresh(now) && n.expires-now > n.ttl/10 }

// target is where a kept alias leads, a CNAME's or a DNAME's as was asked; "" where
// there is none that lasts. The record must be the name's own: the answer to a question
// for a DNAME below another DNAME begins with that other one.
func (n *node) target(now int64) wire.Name {
	if n == nil || n.failure != nil || !n.lasting(now) {
		return ""
	}
	for record, err := range wire.Records(n.answer.Signed.Wire) {
		if err != nil || record.Section != wire.AnswerSection {
			return ""
		}
		if record.Type != n.key.qtype {
			continue
		}
		var owners, targets [wire.MaxName]byte
		owner, _, err := wire.ReadName(n.answer.Signed.Wire, record.NameOffset, &owners)
		if err != nil || owner != n.key.name {
			return ""
		}
		target, _, err := wire.ReadName(n.answer.Signed.Wire, record.DataOffset, &targets)
		if err != nil {
			return ""
		}
		return target
	}
	return ""
}

// rest answers the question at the end of the aliases: kept, proved, or resolved and kept.
func (f *flights) rest(ctx context.Context, query *resolver.Query, way path, flushes uint64) (*resolver.Answer, error) {
	if way.done {
		message := query.Message()
		message.Rcode = way.rcode
		nothing := resolver.NewAnswer(message, query.Now)
		nothing.Security, nothing.TTL = resolver.Secure, f.config.MaxTTL
		return nothing, nil
	}
	watch := query.Watch
	query = query.Sub(way.end, query.Question.Type)
	query.Watch = watch
	if kept := f.find(keyOf(query)); kept != nil && kept.fresh(query.Now.UnixNano()) {
		return kept.result()
	}
	if answer := f.denials.Answer(query); answer != nil {
		return answer, nil
	}
	answer, err := f.whole(ctx, query, flushes)
	if err == nil && !refused(answer) {
		return f.keep(query, answer, flushes)
	}
	// The next alias that leads to a dead end must not cost all its work again.
	if failure := (*resolver.Failure)(nil); errors.As(err, &failure) && f.flushes.Load() == flushes {
		f.keepFailure(query, failure)
	}
	return answer, err
}
