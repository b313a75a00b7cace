package report

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
)

// Deployment is what a running configuration comes to, as far as anybody outside is told.
type Deployment struct {
	Operator policy.Operator
	Lists    []*blocklists.Manifest
	Canaries []policy.CanaryOn
	Clients  []profile.Client
	Profiles int
	// Authorities send orders by the API.
	Authorities []string
	Doors       []Door
	Resolver    Resolver
	Keeps       Keeps
	// Deviations are where this configuration does less than what is usual.
	Deviations []Deviation
}

// Door is one way to ask.
type Door struct {
	Kind  DoorKind
	Ports []uint16
	// Name is what its certificate says; "" where it has none or is not known.
	Name string
	// Address is where questions by HTTPS go to; "" for others.
	Address string
}

// DoorKind is how questions come by a door.
type DoorKind string

// The kinds of doors, as texts have them.
const (
	PlainDoor DoorKind = "do53" // without encryption
	TLSDoor   DoorKind = "dot"
	HTTPSDoor DoorKind = "doh"
	QUICDoor  DoorKind = "doq"
)

// Deviation is one thing in which a configuration does less than what is usual.
type Deviation struct {
	Kind DeviationKind
	Zone string // of Unsigned alone
}

// DeviationKind is what it does less.
type DeviationKind string

// The kinds of deviations, as texts have them.
const (
	Unvalidated DeviationKind = "unvalidated" // no DNSSEC
	Unanchored  DeviationKind = "unanchored"  // DNSSEC without a trust anchor
	OtherTime   DeviationKind = "othertime"   // signatures judged as of another time
	Unguarded   DeviationKind = "unguarded"   // no safeguards over lists
	Unexplained DeviationKind = "unexplained" // no extended errors
	Snooped     DeviationKind = "snooped"     // some may ask what is in the cache
	Unsigned    DeviationKind = "unsigned"    // a negative trust anchor
)

// DeviationKinds are all kinds of them.
func DeviationKinds() []DeviationKind {
	return []DeviationKind{Unvalidated, Unanchored, OtherTime, Unguarded, Unexplained, Snooped, Unsigned}
}

// Resolver is how questions are resolved.
type Resolver struct {
	Forward      []string // to whom all questions go; empty: to authoritative servers
	Zones        int      // zones with servers or records of the operator's
	Validates    bool
	Minimises    string // relaxed, strict or off
	MixesCase    bool
	NSEC         bool // answers from what is proved not to be there
	Encrypts     bool // to authoritative servers, where they have it
	Local        bool // private zones are answered here
	DNS64        bool
	Rebinding    bool // answers with private addresses are withheld
	ReportsToOwn bool // of broken zones, to the agents that they name
	PassesOn     bool // our policy, to other resolvers of the operator
}

// Keeps is what is kept beside what every deployment keeps.
type Keeps struct {
	CacheOnDisk bool
	Stale       time.Duration // how long an old answer may serve while servers are silent
	ClientRate  bool          // how often each client asks, for a moment
	Bindings    bool          // of addresses to profiles, from the operator's other systems
	Devices     bool          // hardware addresses of the local link
	Mail        bool
	OnCall      bool
	Contacts    time.Duration // what parties wrote, after a case or the time for an appeal has ended
}

// jurisdictions are those that some client is bound to, in order.
func (d *Deployment) jurisdictions() []string {
	found := map[string]bool{}
	for i := range d.Clients {
		if code := d.Clients[i].Jurisdiction; code != "" && code != profile.NoJurisdiction {
			found[code] = true
		}
	}
	codes := make([]string, 0, len(found))
	for code := range found {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// passes says whether some list lets a person go past a block.
func (d *Deployment) passes() bool {
	return slices.ContainsFunc(d.Lists, func(m *blocklists.Manifest) bool { return m.Pass > 0 })
}

// sourceWords say where a list comes from, and nothing that opens it: an address may hold a
// key.
func (t told) sourceWords(source *blocklists.Source) string {
	words := []string{t.from(source)}
	if !source.Verify.IsZero() {
		words = append(words, t.Say("source.verified"))
	}
	if source.Refresh > 0 {
		words = append(words, t.Say("source.asked", "every", t.often(source.Refresh)))
	}
	return strings.Join(words, "; ")
}

func (t told) from(source *blocklists.Source) string {
	switch {
	case source.URL != "":
		if address, err := url.Parse(source.URL); err == nil && address.Host != "" {
			return t.Say("source.host", "host", address.Hostname(), "scheme", strings.ToUpper(address.Scheme))
		}
		return t.Say("source.web")
	case source.RPZ != "":
		return t.Say("source.zone", "zone", source.RPZ)
	case source.Catalog != "":
		return t.Say("source.catalog", "zone", source.Catalog)
	}
	return t.Say("source.file")
}
