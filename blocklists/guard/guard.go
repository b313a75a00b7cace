package guard

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// shared is the address ranges that many owners share.
//
//go:embed shared.txt
var shared string

// Prefixes shorter than these take in too many.
const (
	leastBits4 = 24
	leastBits6 = 48
)

// Config is what the safeguards know beside what is built in.
type Config struct {
	// Off lets lists through as they are.
	Off       bool
	Protected []Protected // the operator's own, beside those that are built in
	Popular   *Ranks      // nil: no name is popular
	HoldAbove uint32      // ranks up to this one are held; 0: none is
	Limits    blocklists.Limits
	Licences  []Licence
	Ledger    *Ledger // nil: nothing was released
	// Afresh are lists that are taken anew although a rollback fixed them or their serial
	// went back.
	Afresh map[blocklists.ListID]bool
}

// Guard holds entries back. It is immutable and safe for any number of callers.
type Guard struct {
	config Config
	marks  map[wire.Name]mark
	// reaching has a bit for every name whose protection reaches below it, by which most
	// of an entry's ancestors are known to be none.
	reaching [sieveBits / 64]uint64
	ranges   *bart.Table[string]
}

// mark is what is known of one name.
type mark struct {
	rank  uint32    // its own, 0 for none
	reach reach     // 0: not protected
	under wire.Name // a protected name below it; "" for none
	// suffix is a public suffix below it, where it is none itself; "" for none.
	suffix wire.Name
	// best is the most popular name at or below this one, with its rank.
	best     wire.Name
	bestRank uint32
}

// New makes a guard.
func New(config Config) *Guard {
	g := &Guard{config: config, marks: make(map[wire.Name]mark, 2*config.Popular.Len()), ranges: new(bart.Table[string])}
	for _, protected := range append(builtinNames(), config.Protected...) {
		g.protect(protected)
	}
	aboveSuffixes(func(name, suffix wire.Name) {
		own := g.marks[name]
		own.suffix = suffix
		g.marks[name] = own
	})
	for line := range strings.Lines(shared) {
		text, _, _ := strings.Cut(line, "#")
		if prefix, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			g.ranges.Insert(prefix, "shared by many owners")
		}
	}
	if config.Popular != nil {
		for name, rank := range config.Popular.byName {
			g.rank(name, rank)
		}
	}
	return g
}

// With is the same guard with what people have released since, and the lists that are
// taken anew.
func (g *Guard) With(ledger *Ledger, afresh ...blocklists.ListID) *Guard {
	other := *g
	other.config.Ledger, other.config.Afresh = ledger, make(map[blocklists.ListID]bool, len(afresh))
	for _, list := range afresh {
		other.config.Afresh[list] = true
	}
	return &other
}

func (g *Guard) protect(p Protected) {
	if p.Prefix.IsValid() {
		g.ranges.Insert(p.Prefix, "protected by the operator")
		return
	}
	own := g.marks[p.Name]
	own.reach = max(own.reach, p.reach)
	g.marks[p.Name] = own
	if own.reach > alone {
		bit := sieve(p.Name)
		g.reaching[bit/64] |= 1 << (bit % 64)
	}
	for above := p.Name.Parent(); above != ""; above = above.Parent() {
		m := g.marks[above]
		// The least of several, so that the same configuration always says the same.
		if m.under == "" || p.Name < m.under {
			m.under = p.Name
			g.marks[above] = m
		}
	}
}

func (g *Guard) rank(name wire.Name, rank uint32) {
	own := g.marks[name]
	own.rank = rank
	g.marks[name] = own
	for at := name; at != "" && at != wire.Root; at = at.Parent() {
		m := g.marks[at]
		if m.bestRank == 0 || rank < m.bestRank || rank == m.bestRank && name < m.best {
			m.best, m.bestRank = name, rank
			g.marks[at] = m
		}
	}
}

const sieveBits = 4096

// sieve is a number for a name that costs next to nothing.
func sieve[octets wire.Name | []byte](name octets) uint {
	return (uint(len(name))*37 + uint(name[0])*5 + uint(name[min(1, len(name)-1)])*131) % sieveBits
}

// Ledger is what was held and released; nil where nothing was.
func (g *Guard) Ledger() *Ledger {
	if g == nil {
		return nil
	}
	return g.config.Ledger
}

// Pinned says that a rollback fixed the list, until somebody applies it anew.
func (g *Guard) Pinned(list blocklists.ListID) bool {
	return !g.config.Afresh[list] && !g.config.Ledger.List(list).Pinned.IsZero()
}

// Finding is what a safeguard found in an entry.
type Finding struct {
	Safeguard blocklists.Safeguard
	Name      wire.Name // the protected or popular name that the entry covers, or the suffix
	Rank      uint32    // for PopularName
	Detail    string    // for the others, what the name is
}

// String says which safeguard, which name and its rank.
func (f *Finding) String() string {
	switch f.Safeguard {
	case blocklists.PopularName:
		return fmt.Sprintf("%s %s, rank %d", f.Safeguard, f.Name, f.Rank)
	case blocklists.WidePrefix, blocklists.SharedAddresses:
		return fmt.Sprintf("%s: %s", f.Safeguard, f.Detail)
	}
	return fmt.Sprintf("%s %s: %s", f.Safeguard, f.Name, f.Detail)
}

// Inspect says how far an entry may go, and why if a safeguard has anything to say of
// it; known says that the generation before had it in force. What only lets names
// through is never held. It does not allocate where no safeguard speaks.
func (g *Guard) Inspect(list *blocklists.Manifest, row *parse.Row, known bool) (blocklists.Standing, string) {
	standing, because := g.inspect(list, row, known)
	switch {
	case standing == blocklists.Held:
	case list.Shadow:
		standing = blocklists.Shadow
	case list.Stage.Share > 0 && !known && row.Action != blocklists.Passthru:
		standing = blocklists.Staged
	}
	return standing, because
}

func (g *Guard) inspect(list *blocklists.Manifest, row *parse.Row, known bool) (blocklists.Standing, string) {
	if g.config.Off || row.Action == blocklists.Passthru {
		return blocklists.Active, ""
	}
	finding, found := g.find(row)
	if !found {
		return blocklists.Active, ""
	}
	said := finding.String()
	if finding.Safeguard == blocklists.PopularName && !g.holdsRank(list.Purpose, finding.Rank) {
		return blocklists.Active, said
	}
	if hold := g.config.Ledger.Of(list.ID, rowSubject(row)); hold != nil && hold.Released() {
		return blocklists.Active, said + "; released by " + strings.Join(hold.ReleasedBy(), ", ")
	}
	if hold := g.config.Ledger.Of(list.ID, rowSubject(row)); hold != nil && g.config.Ledger.RanOut(list, hold) && list.AtEnforceBy == "enforce" {
		return blocklists.Active, said + "; in force because its time ran out before anybody decided"
	}
	if known && list.Purpose == blocklists.Law {
		return blocklists.Active, said + "; in force before, and an order in force is lifted by people only"
	}
	return blocklists.Held, said
}

// holdsRank says whether an entry of this purpose is held for a rank: what a household
// asked to filter and what an authority ordered is popular on purpose.
func (g *Guard) holdsRank(purpose blocklists.Purpose, rank uint32) bool {
	return purpose == blocklists.Security && rank <= g.config.HoldAbove
}

func rowSubject(row *parse.Row) blocklists.Subject {
	return blocklists.Subject{Trigger: row.Trigger, Name: wire.Name(row.Name), Scope: row.Scope, Prefix: row.Prefix}
}

// FindEntry asks the safeguards of entries what they find in one, the gravest first.
func (g *Guard) FindEntry(entry *blocklists.Entry) (Finding, bool) {
	if g == nil {
		return Finding{}, false
	}
	return g.find(&parse.Row{Trigger: entry.Trigger, Name: []byte(entry.Name), Scope: entry.Scope, Prefix: entry.Prefix, Action: entry.Action})
}

// FindOrdered asks the safeguards of entries what they find in a name that an order has. An
// order that names a whole top-level domain or another public suffix is looked at by people
// whatever its scope: an authority that means one site seldom names those.
func (g *Guard) FindOrdered(entry *blocklists.Entry) (Finding, bool) {
	if g == nil || g.config.Off {
		return Finding{}, false
	}
	if found, is := g.FindEntry(entry); is && found.Safeguard != blocklists.PopularName {
		return found, true
	}
	if why := suffix([]byte(entry.Name)); why != "" {
		return Finding{Safeguard: blocklists.PublicSuffix, Name: entry.Name, Detail: why}, true
	}
	return Finding{}, false
}

func (g *Guard) find(row *parse.Row) (Finding, bool) {
	if row.Trigger.ByAddress() {
		return g.findPrefix(row.Prefix)
	}
	if g.plain(row.Name, row.Scope) {
		return Finding{}, false
	}
	return g.findName(wire.Name(row.Name), row.Scope)
}

// plain says that no safeguard has anything to say of a name, which is so of most.
// It copies nothing of it.
func (g *Guard) plain(name []byte, scope blocklists.Scope) bool {
	if _, marked := g.marks[wire.Name(name)]; marked || len(name) < 6 {
		return false
	}
	if string(name[:4]) == www {
		if _, marked := g.marks[wire.Name(name[4:])]; marked {
			return false
		}
	}
	for i := 1 + int(name[0]); i < len(name) && name[i] != 0; i += 1 + int(name[i]) {
		if bit := sieve(name[i:]); g.reaching[bit/64]&(1<<(bit%64)) != 0 {
			return false
		}
	}
	return scope == blocklists.Exact || suffix(name) == ""
}

// www is the label that people put before a name and mean the name.
const www = "\x03www"

func (g *Guard) findPrefix(prefix netip.Prefix) (Finding, bool) {
	least := leastBits6
	if prefix.Addr().Is4() {
		least = leastBits4
	}
	switch {
	case !prefix.IsValid():
		return Finding{}, false
	case prefix.Bits() < least:
		return Finding{Safeguard: blocklists.WidePrefix, Detail: fmt.Sprintf("%s is shorter than /%d", prefix, least)}, true
	}
	if around, why, found := g.ranges.LookupPrefixLPM(prefix); found {
		return Finding{Safeguard: blocklists.SharedAddresses, Detail: fmt.Sprintf("%s lies in %s, %s", prefix, around, why)}, true
	}
	for inside, why := range g.ranges.Subnets(prefix) {
		return Finding{Safeguard: blocklists.SharedAddresses, Detail: fmt.Sprintf("%s has %s in it, %s", prefix, inside, why)}, true
	}
	return Finding{}, false
}

func (g *Guard) findName(name wire.Name, scope blocklists.Scope) (Finding, bool) {
	own, marked := g.marks[name]
	if own.reach != 0 && scope != blocklists.Below || own.reach > alone {
		return Finding{Safeguard: blocklists.ProtectedName, Name: name, Detail: "protected itself"}, true
	}
	if scope != blocklists.Exact {
		if why := suffix([]byte(name)); why != "" {
			return Finding{Safeguard: blocklists.PublicSuffix, Name: name, Detail: why}, true
		}
	}
	if found, is := g.findProtected(name, scope, &own); is {
		return found, true
	}
	if own.suffix != "" && scope != blocklists.Exact {
		return Finding{Safeguard: blocklists.PublicSuffix, Name: own.suffix, Detail: "a public suffix, where names of other owners begin, lies below the entry"}, true
	}
	if marked {
		if popular, rank := own.popular(scope, name); rank > 0 {
			return Finding{Safeguard: blocklists.PopularName, Name: popular, Rank: rank}, true
		}
	}
	// www.NAME is what people mean by a popular NAME.
	if len(name) > 5 && name[:4] == www && scope != blocklists.Below {
		if above := g.marks[name[4:]]; above.rank > 0 {
			return Finding{Safeguard: blocklists.PopularName, Name: name[4:], Rank: above.rank}, true
		}
	}
	return Finding{}, false
}

// popular is the most popular name that an entry at the marked name covers.
func (m *mark) popular(scope blocklists.Scope, name wire.Name) (wire.Name, uint32) {
	switch {
	case scope == blocklists.Exact:
		return name, m.rank
	case scope == blocklists.Below && m.best == name:
		return "", 0
	}
	return m.best, m.bestRank
}

// findProtected finds a protected name that lies below the entry, or reaches down to it.
func (g *Guard) findProtected(name wire.Name, scope blocklists.Scope, own *mark) (Finding, bool) {
	said := func(protected wire.Name, detail string) (Finding, bool) {
		return Finding{Safeguard: blocklists.ProtectedName, Name: protected, Detail: detail}, true
	}
	if own.under != "" && scope != blocklists.Exact {
		return said(own.under, "lies below the entry")
	}
	for above := name.Parent(); above != "" && above != wire.Root; above = above.Parent() {
		bit := sieve(above)
		if g.reaching[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		switch g.marks[above].reach {
		case through:
			return said(above, "the entry lies below it")
		case owners:
			if !belowSuffix(name, above) {
				return said(above, "the entry lies below it")
			}
		}
	}
	return Finding{}, false
}
