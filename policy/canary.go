package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Canaries are the names by which programs ask whether the network wants its own resolver
// used, each with a switch. What is not switched on is resolved like any name.
type Canaries struct {
	FirefoxDoH     Switch `yaml:"firefox_doh"`     // Firefox's own resolver, where nobody chose it
	ICloudRelay    Switch `yaml:"icloud_relay"`    // Apple's iCloud Private Relay
	ChromePrefetch Switch `yaml:"chrome_prefetch"` // Chrome's private prefetch proxy
}

// Switch turns one canary on. To answer it is to filter: so it has a purpose, and who it is
// for follows from that as for any list. The zero value is off.
type Switch struct {
	Purpose blocklists.Purpose `yaml:"purpose"`
	Because map[string]string  `yaml:"because"` // why, by language; printed where the policy is
	// Of law, as in the manifest of a list.
	Authority    blocklists.Authority `yaml:"authority"`
	LegalBasis   []blocklists.Basis   `yaml:"legal_basis"`
	OrderRef     string               `yaml:"order_ref"`
	Jurisdiction []string             `yaml:"jurisdiction"`
	Redress      blocklists.Redress   `yaml:"redress"`
	Expires      time.Time            `yaml:"expires"`
}

// On says whether the canary is answered for anybody.
func (s *Switch) On() bool { return s.Purpose != 0 }

// canaryCategory is what a profile asks for that wants canaries of purpose user answered.
const canaryCategory = "doh-bypass"

// CanaryOn is one canary that is switched on.
type CanaryOn struct {
	Key   string // of its switch
	Names []wire.Name
	// Manifest says of it what that of a list does of the list. Its ID is none of a list's.
	Manifest *blocklists.Manifest
	// Because is the operator's reason by language; the manifest has the English one.
	Because map[string]string
}

// canary is what a program looks for, and how it understands *no*.
type canary struct {
	key, set string
	title    string
	names    []wire.Name
	answer   blocklists.Reply
	as       *Switch
}

// all are the canaries, in the order of the file.
//
// Firefox takes any response code but NOERROR for a no; the name has no other use, and a name
// error is what its maker describes. Apple asks for a quick negative answer of either form: its
// names exist, and no data denies no more than is meant. Chrome looks whether the name resolves.
func (c *Canaries) all() []canary {
	return []canary{
		{"firefox_doh", "firefox-doh", "Signal to Firefox: this network wants its own resolver used",
			[]wire.Name{wire.MustName("use-application-dns.net")}, blocklists.NXDomain, &c.FirefoxDoH},
		{"icloud_relay", "icloud-relay", "Signal to Apple devices: no iCloud Private Relay in this network",
			[]wire.Name{wire.MustName("mask.icloud.com"), wire.MustName("mask-h2.icloud.com"), wire.MustName("mask-canary.icloud.com")},
			blocklists.NoData, &c.ICloudRelay},
		{"chrome_prefetch", "chrome-prefetch", "Signal to Chrome: look a site up here before a page fetched by way of its proxy is shown",
			[]wire.Name{wire.MustName("dns-tunnel-check.googlezip.net")}, blocklists.NXDomain, &c.ChromePrefetch},
	}
}

// On are the canaries that are switched on.
func (c *Canaries) On() []CanaryOn {
	var on []CanaryOn
	for _, one := range c.all() {
		if one.as.On() {
			on = append(on, CanaryOn{Key: one.key, Names: one.names, Manifest: one.manifest(), Because: one.as.Because})
		}
	}
	return on
}

func (c *canary) manifest() *blocklists.Manifest {
	s := c.as
	return &blocklists.Manifest{
		ID: bundle.CanaryID(c.set), Purpose: s.Purpose, Category: canaryCategory, Title: map[string]string{"en": c.title}, Answer: c.answer,
		Authority: s.Authority, LegalBasis: s.LegalBasis, OrderRef: s.OrderRef, Jurisdiction: s.Jurisdiction, Redress: s.Redress,
		AtEnforceBy: "enforce", Expires: s.Expires, Match: []string{"question"}, Statement: s.Because["en"],
	}
}

// Own are the names for the bundle.
func (c *Canaries) Own() []bundle.Own {
	var own []bundle.Own
	for _, one := range c.all() {
		if one.as.On() {
			own = append(own, bundle.Own{Kind: bundle.Canary, Set: one.set, Names: one.names, Manifest: one.manifest()})
		}
	}
	return own
}

// Manifests are those of the canaries that are on.
func (c *Canaries) Manifests() []*blocklists.Manifest {
	var manifests []*blocklists.Manifest
	for _, one := range c.On() {
		manifests = append(manifests, one.Manifest)
	}
	return manifests
}

// saidBySwitch are the keys of a manifest that a switch has too.
var saidBySwitch = []string{"authority", "legal_basis", "jurisdiction", "redress"}

// Problems are what keeps the switches from being obeyed, with keys counted from the canaries.
func (c *Canaries) Problems() []blocklists.Problem {
	var found []blocklists.Problem
	for _, one := range c.all() {
		for _, problem := range one.problems() {
			found = append(found, blocklists.Problem{Key: one.key + "." + problem.Key, Text: problem.Text})
		}
	}
	return found
}

func (c *canary) problems() []blocklists.Problem {
	s := c.as
	said := len(s.Because)+len(s.LegalBasis)+len(s.Jurisdiction)+len(s.Redress.Venues) > 0 || s.OrderRef != "" || s.Authority.Name != "" || !s.Expires.IsZero()
	switch {
	case !s.On() && said:
		return []blocklists.Problem{{Key: "purpose", Text: "is missing: to answer a canary is to filter, so say law, security or user"}}
	case !s.On():
		return nil
	case s.Purpose != blocklists.Law && (len(s.LegalBasis)+len(s.Jurisdiction) > 0 || s.Authority.Name != "" || s.OrderRef != ""):
		return []blocklists.Problem{{Key: "purpose", Text: "is " + s.Purpose.String() + ", and authority, legal_basis, order_ref and jurisdiction are of law alone"}}
	case s.Purpose == blocklists.Security && len(s.Because) == 0:
		return []blocklists.Problem{{Key: "because", Text: "is missing: which threat to network or users the signal is against, as {en: ...}; a wish to see all questions is none"}}
	case s.Purpose != blocklists.Law:
		return nil
	}
	return slices.DeleteFunc(c.manifest().Problems(), func(problem blocklists.Problem) bool {
		head, _, _ := strings.Cut(problem.Key, ".")
		head, _, _ = strings.Cut(head, "[")
		return !slices.Contains(saidBySwitch, head)
	})
}
