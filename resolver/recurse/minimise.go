package recurse

import (
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Minimisation is how much of a name is told to servers that only know the way
// (RFC 9156).
type Minimisation uint8

// The ways to minimise. Relaxed is the zero value.
const (
	// Relaxed asks for the whole name where a server chokes on a part of it.
	Relaxed Minimisation = iota
	// Strict never does: privacy before reach.
	Strict
	// Whole asks every server for the whole name.
	Whole
)

// Bounds on how many questions minimising may cost (RFC 9156, section 2.3).
const (
	maxMinimised = 10 // MAX_MINIMISE_COUNT
	oneLabel     = 4  // MINIMISE_ONE_LAB: the first so many go down one label each
	insideFor    = time.Hour
	chokesFor    = 10 * time.Minute
)

// minimiser chooses how much of a name the next servers are asked.
type minimiser struct {
	name    wire.Name
	labels  int
	off     bool
	asked   int
	reached wire.Name // the longest part that is known to be no zone cut
}

func (r *resolution) minimiser(name wire.Name) *minimiser {
	return &minimiser{name: name, labels: name.Labels(), off: r.config.Minimisation == Whole, reached: wire.Root}
}

// next is the part of the name to ask the zone's servers for, the whole at the
// end. Names that are known to be no zone cuts cost nothing.
func (m *minimiser) next(zone *delegation, isInside func(wire.Name) bool, now time.Time) wire.Name {
	if m.off || zone.disguise(now) == asItself {
		return m.name
	}
	base := zone.zone
	if m.reached.IsBelow(base) {
		base = m.reached
	}
	for {
		left := m.labels - base.Labels()
		step := m.step(left)
		if step >= left {
			return m.name
		}
		part := ancestor(m.name, left-step)
		if !isInside(part) && part[1] != '_' { // section 2.3: underscores are hardly ever cut at
			return part
		}
		base = part
	}
}

// step is by how many labels the next question goes down: one for each of the
// first, then what is left in equal shares.
func (m *minimiser) step(left int) int {
	switch {
	case m.asked < oneLabel:
		return 1
	case m.asked >= maxMinimised:
		return left
	}
	shares := maxMinimised - m.asked
	return max(1, (left+shares-1)/shares)
}

// ancestor is the name without its first labels.
func ancestor(name wire.Name, labels int) wire.Name {
	for range labels {
		name = name.Parent()
	}
	return name
}

// learn takes in what came of a part: no zone cut, since else there were a
// referral. It gives the outcome where that settles the whole name too.
func (r *resolution) learn(m *minimiser, zone *delegation, part wire.Name, out *outcome) *outcome {
	m.asked++
	m.reached = part
	switch {
	case out.rcode == dns.RcodeNameError && r.coversBelow(zone, out):
		return out
	case out.rcode != dns.RcodeSuccess:
		// RFC 8020 says that nothing is below; servers that deny empty non-terminals say
		// otherwise. So the whole name is asked.
		m.off = true
	case len(out.targets) > 0 && !ownedBy(out.records, part): // a DNAME above: all below is renamed
		m.off = true
	default:
		r.inside.Add(part, r.query.Now.Add(insideFor))
	}
	return nil
}

// coversBelow says whether the denial of a part of the name is one of the whole
// name (RFC 8020, section 2). In the relaxed way only one that can be proved is
// taken, and never when an answer did not validate.
func (r *resolution) coversBelow(zone *delegation, out *outcome) bool {
	if !r.config.BelowNXDomain || len(out.soa) == 0 || len(out.targets) > 0 || r.query.Fresh {
		return false
	}
	return r.config.Minimisation == Strict || zone.isSigned() && len(out.proofs) > 0
}

// ownedBy says whether the first record stands at the name.
func ownedBy(records []dns.RR, name wire.Name) bool {
	if len(records) == 0 {
		return false
	}
	owner, err := wire.ParseName(records[0].Header().Name)
	return err == nil && owner == name
}

// isInside says whether the name is known to be no zone cut. Should it have become
// one, the question for a name below gets the referral all the same.
func (r *resolution) isInside(name wire.Name) bool {
	until, found := r.inside.Get(name)
	return found && r.query.Now.Before(until)
}

// disguise is the type that a part of a name is asked with.
type disguise uint8

// NS is what is wanted, and answered in few octets; but there are servers that
// only know A (RFC 9156, section 2.1), and those that know neither.
const (
	asNS disguise = iota
	asA
	asItself // the whole name and type
)

func (d disguise) qtype() uint16 {
	if d == asA {
		return dns.TypeA
	}
	return dns.TypeNS
}

// choking is what a zone's servers turned out to want, for a while.
type choking struct {
	disguise disguise
	until    time.Time
}

func (d *delegation) disguise(now time.Time) disguise {
	if known := d.choking.Load(); known != nil && now.Before(known.until) {
		return known.disguise
	}
	return asNS
}

// chokedOn notes that the zone's servers fail for parts of names in this disguise.
func (d *delegation) chokedOn(tried disguise, now time.Time) {
	d.choking.Store(&choking{tried + 1, now.Add(chokesFor)})
}
