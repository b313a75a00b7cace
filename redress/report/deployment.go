package report

import (
	"net/url"
	"slices"
	"strconv"
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
	// Deviations are where this configuration does less than what is usual, in sentences.
	Deviations []string
}

// Door is one way to ask.
type Door struct {
	Name   string
	Detail string
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
func sourceWords(source *blocklists.Source) string {
	words := ""
	switch {
	case source.URL != "":
		words = "the web"
		if address, err := url.Parse(source.URL); err == nil && address.Host != "" {
			words = address.Hostname() + ", over " + strings.ToUpper(address.Scheme)
		}
	case source.RPZ != "":
		words = "the zone " + source.RPZ + ", by zone transfer"
	case source.Catalog != "":
		words = "the zones that the catalog " + source.Catalog + " names, by zone transfer"
	default:
		words = "a file that we keep"
	}
	if !source.Verify.IsZero() {
		words += "; its signature or sum is verified"
	}
	if source.Refresh > 0 {
		words += "; asked every " + often(source.Refresh)
	}
	return words
}

// span is a length of time in words, in the largest unit that fits it whole.
func span(length time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if length < unit.length || length%unit.length != 0 {
			continue
		}
		if count := int(length / unit.length); count != 1 {
			return strconv.Itoa(count) + " " + unit.name + "s"
		}
		return "1 " + unit.name
	}
	return length.String()
}

// often is a span behind the word every.
func often(length time.Duration) string { return strings.TrimPrefix(span(length), "1 ") }

// titleOf is a text in English, or in the first language that it has.
func titleOf(texts map[string]string) string {
	if text := texts["en"]; text != "" {
		return text
	}
	languages := make([]string, 0, len(texts))
	for language := range texts {
		languages = append(languages, language)
	}
	if len(languages) == 0 {
		return ""
	}
	return texts[slices.Min(languages)]
}
