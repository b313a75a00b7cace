package blocklists

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// ListID names a list for as long as it exists: a to z, 0 to 9 and hyphens.
type ListID string

// Manifest says what a list is: its purpose, who stands behind it and on what
// ground, where it comes from, what it covers, and how a person contests it. The
// yaml tags are the keys of the configuration; a key marked later is known, but
// its feature is not in this version.
type Manifest struct {
	ID           ListID            `yaml:"id"`
	Purpose      Purpose           `yaml:"purpose"`
	Category     string            `yaml:"category"`
	Title        map[string]string `yaml:"title"` // by language
	Publisher    Publisher         `yaml:"publisher"`
	Authority    Authority         `yaml:"authority"`
	LegalBasis   []Basis           `yaml:"legal_basis"`
	OrderRef     string            `yaml:"order_ref"`
	Jurisdiction []string          `yaml:"jurisdiction"` // ISO 3166 codes; where a law list is in force
	Disclosure   Disclosure        `yaml:"disclosure"`
	Redress      Redress           `yaml:"redress"`
	Published    Published         `yaml:"published"`
	AtEnforceBy  string            `yaml:"at_enforce_by"` // hold or enforce
	Source       Source            `yaml:"source"`
	Format       string            `yaml:"format"`
	Scope        Scope             `yaml:"scope"`
	ReviewEvery  time.Duration     `yaml:"review_every"`
	Expires      time.Time         `yaml:"expires"`
	Answer       Reply             `yaml:"answer"`
	// How what the list brings is taken in; see blocklists/guard.
	Limits Limits `yaml:"limits"`
	Stage  Stage  `yaml:"stage"`
	Shadow bool   `yaml:"shadow"` // counted, without effect
	// Removal is how the list takes an entry away: absence, dated or tombstone.
	Removal Removal `yaml:"removal"`
	// Header is how a line near the list's beginning must begin; "" for any.
	Header string `yaml:"header"`
	// Statement says on what ground a list of category dga-nrd blocks.
	Statement string `yaml:"statement"`
	// How the text is read: of tables which columns, by number from 1 or by heading; the
	// encoding, and the zone of dates that name none.
	Columns  map[string]string `yaml:"columns"`
	Encoding string            `yaml:"encoding"`
	Timezone string            `yaml:"timezone"`
	// Match is what the list judges: question, alias, address, hint, nameserver. Empty:
	// what its purpose and its entries say.
	Match []string `yaml:"match"`
	// Override takes the place of what every entry does: a word of [Action], cname (to
	// OverrideTarget), or disabled. Empty or given: nothing does.
	Override       string `yaml:"override"`
	OverrideTarget string `yaml:"override_target"`

	// Pass is for how long a person may go past a block of the list; 0: not at all.
	Pass          time.Duration `yaml:"pass"`
	EnforceWithin time.Duration `yaml:"enforce_within"`
	// MaxTTL is how long at most clients of the list's jurisdiction may keep any answer, so that
	// an order of little time is felt in time; 0: as long as its owner says.
	MaxTTL time.Duration `yaml:"max_ttl"`
}

// Publisher is who maintains the names.
type Publisher struct {
	Name    string `yaml:"name"`
	Contact string `yaml:"contact"` // a mailto:, tel: or https: address
	URL     string `yaml:"url"`
}

// Authority is who ordered a law list.
type Authority struct {
	Name    string `yaml:"name" json:"name"`
	Kind    string `yaml:"kind" json:"kind,omitempty"` // court, regulator, ministry, police, csirt or private
	Country string `yaml:"country" json:"country,omitempty"`
}

// Basis is the act under which an authority orders.
type Basis struct {
	Act     string `yaml:"act" json:"act"`
	Article string `yaml:"article" json:"article,omitempty"`
	URL     string `yaml:"url" json:"url,omitempty"`
}

// Redress is where a block is contested, until when, in which language, for what.
type Redress struct {
	Venues       []Venue       `yaml:"venues" json:"venues,omitempty"`
	Deadline     time.Duration `yaml:"deadline" json:"deadline,omitempty"`
	DeadlineFrom string        `yaml:"deadline_from" json:"deadline_from,omitempty"` // notification, publication or knowledge
	Languages    []string      `yaml:"languages" json:"languages,omitempty"`
	Cost         string        `yaml:"cost" json:"cost,omitempty"`
}

// Venue is one place that hears a contest.
type Venue struct {
	Kind    string `yaml:"kind" json:"kind"`
	Name    string `yaml:"name" json:"name"`
	URL     string `yaml:"url" json:"url,omitempty"`
	Contact string `yaml:"contact" json:"contact,omitempty"`
	For     string `yaml:"for" json:"for,omitempty"` // merits, implementation or users
}

// Problem is one thing wrong with a manifest: the key, dotted, and what to do.
type Problem struct {
	Key  string
	Text string
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// categories are the closed vocabulary, by purpose; they map to the illegal-content
// types of the Digital Services Act's reporting template. doh-bypass may also be
// law, where an act says so.
var categories = map[Purpose][]string{
	Law: {"csam", "terrorism", "copyright", "gambling-unlicensed", "gambling", "medicines", "consumer-fraud", "sanctions", "tobacco-drugs",
		"financial-unauthorised", "hate-defamation", "court-other", "doh-bypass"},
	Security: {"phishing", "malware", "botnet-c2", "scam", "dga-nrd", "dns-abuse"},
	User:     {"adult", "gambling", "social", "games", "ads-trackers", "dating", "violence", "safe-search", "doh-bypass", "custom"},
}

// checkMaxTTL keeps the bound to those who have so little time that they need it: each answer
// is then asked for more often, by everybody in the jurisdiction.
func (m *Manifest) checkMaxTTL(found *problems) {
	switch {
	case m.MaxTTL == 0:
	case m.Purpose != Law:
		found.add("max_ttl", "is for lists of purpose law only")
	case m.EnforceWithin == 0:
		found.add("max_ttl", "needs enforce_within: without a time to be in force in, answers may be kept as long as their owners say")
	case m.MaxTTL < time.Second || m.MaxTTL > m.EnforceWithin:
		found.add("max_ttl", "must be from 1s to enforce_within, which is %s", m.EnforceWithin)
	}
}

// Problems lists everything that keeps the list from loading; none is a valid manifest.
func (m *Manifest) Problems() []Problem {
	var found problems
	if !idForm.MatchString(string(m.ID)) {
		found.add("id", "must be 1 to 63 of a-z, 0-9 and hyphens, not %q", m.ID)
	}
	m.checkPurpose(&found)
	if len(m.Title) == 0 {
		found.add("title", "is missing: give at least one language, as {en: Phishing}")
	}
	m.checkSource(&found)
	m.checkIntake(&found)
	m.checkGround(&found)
	m.checkOverride(&found)
	m.checkPass(&found)
	m.checkMaxTTL(&found)
	m.checkPublished(&found)
	if m.ReviewEvery <= 0 && m.Expires.IsZero() {
		found.add("review_every", "is missing: no list without an end or a review date, as 90d")
	}
	return found
}

type problems []Problem

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (m *Manifest) checkPurpose(found *problems) {
	if m.Purpose == 0 {
		found.add("purpose", "is missing: a list without one does not load; say law, security or user")
		return
	}
	if m.Category == "" {
		found.add("category", "is missing: one of %s", strings.Join(categories[m.Purpose], ", "))
	} else if !slices.Contains(categories[m.Purpose], m.Category) {
		found.add("category", "%q is not one of %s's: %s%s", m.Category, m.Purpose, strings.Join(categories[m.Purpose], ", "), misplaced(m.Purpose, m.Category))
	}
	if m.Purpose == Law {
		m.checkLaw(found)
		return
	}
	if m.Publisher.Name == "" {
		found.add("publisher.name", "is missing: who maintains the names")
	}
}

// checkLaw holds a law list to what an order must say (Regulation 2022/2065, Article 9).
func (m *Manifest) checkLaw(found *problems) {
	if m.Authority.Name == "" {
		found.add("authority.name", "is missing: a law list names who ordered it")
	}
	if m.Authority.Country != "" && !countryForm.MatchString(m.Authority.Country) {
		found.add("authority.country", "%q is not an ISO 3166 code of two capitals", m.Authority.Country)
	}
	if len(m.LegalBasis) == 0 {
		found.add("legal_basis", "is missing: a law list names the act that permits the order; a list that is followed by mere agreement, without act or order, does not load as law")
	}
	for i, basis := range m.LegalBasis {
		if basis.Act == "" {
			found.add(fmt.Sprintf("legal_basis[%d].act", i), "is missing")
		}
	}
	if len(m.Jurisdiction) == 0 {
		found.add("jurisdiction", "is missing: where the order is in force, as [IT]")
	}
	for i, code := range m.Jurisdiction {
		if !countryForm.MatchString(code) {
			found.add(fmt.Sprintf("jurisdiction[%d]", i), "%q is not an ISO 3166 code of two capitals", code)
		}
	}
	m.checkRedress(found)
	if m.AtEnforceBy != "hold" && m.AtEnforceBy != "enforce" {
		found.add("at_enforce_by", "must be hold or enforce, not %q: what becomes of a held entry whose time runs out", m.AtEnforceBy)
	}
}

func (m *Manifest) checkRedress(found *problems) {
	if len(m.Redress.Venues) == 0 {
		found.add("redress.venues", "is missing: where the owner of a name contests the order")
	}
	for i, venue := range m.Redress.Venues {
		if venue.Name == "" {
			found.add(fmt.Sprintf("redress.venues[%d].name", i), "is missing")
		}
		if venue.URL != "" && !isWebAddress(venue.URL) {
			found.add(fmt.Sprintf("redress.venues[%d].url", i), "%q is not an http or https address", venue.URL)
		}
	}
	if !slices.Contains(deadlineStarts, m.Redress.DeadlineFrom) {
		found.add("redress.deadline_from", "must be one of %s, not %q: from when the time to contest counts", strings.Join(deadlineStarts, ", "), m.Redress.DeadlineFrom)
	}
}

// deadlineStarts are from when the time to contest may count.
var deadlineStarts = []string{"notification", "publication", "knowledge"}

// overrides are the words of override.
var overrides = []string{"given", "nxdomain", "nodata", "passthru", "drop", "tcp-only", "cname", "disabled"}

func (m *Manifest) checkOverride(found *problems) {
	if m.Override != "" && !slices.Contains(overrides, m.Override) {
		found.add("override", "%q is not one of %s", m.Override, strings.Join(overrides, ", "))
	}
	if m.Override == "passthru" && m.Purpose == Law {
		found.add("override", "passthru would keep an order from being carried out: use disabled for a test, or lift the order")
	}
	switch _, err := wire.ParseName(m.OverrideTarget); {
	case m.Override == "cname" && err != nil:
		found.add("override_target", "must be the name that override: cname leads to, not %q", m.OverrideTarget)
	case m.Override != "cname" && m.OverrideTarget != "":
		found.add("override_target", "is for override: cname alone")
	}
}

func isWebAddress(text string) bool {
	address, err := url.Parse(text)
	return err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != ""
}
