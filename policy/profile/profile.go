package profile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Profile is what one client asked for. It is immutable.
type Profile struct {
	ID          string
	Categories  []string       // of user lists
	Services    []*Service     // withheld
	Search      rewrite.Choice // engines in their safe form
	Allow       []wire.Name    // sorted, each with what lies below it
	Deny        []wire.Name    // likewise
	NoPasses    bool           // past blocks of security
	Pause       Pause          // the zero value is none
	Extra       time.Time      // until when offline hours do not hold
	Lent        Lent           // what is allowed for a while
	RequestedBy string
	RequestedAt time.Time

	hours   *hours
	engines *rewrite.Table
	kept    atomic.Pointer[span]
}

// Lent is names that are allowed for a while, with what lies below them.
type Lent struct {
	Names []wire.Name // sorted
	Until []time.Time // of each
	last  time.Time   // the latest of them
}

// span is a phase with a time from which it held.
type span struct {
	from time.Time
	Phase
}

// Pause ends by itself.
type Pause struct {
	Of    string    `json:"of"` // what pauses: filters or internet
	Until time.Time `json:"until"`
}

// What a pause stops: what the profile withholds, or all that it does not.
const (
	PauseFilters  = "filters"
	PauseInternet = "internet"
)

// Phase is what the profile does at a time, and until when. Nobody's profile, nil, does the
// usual for ever. The last one is remembered: a schedule is a matter of hours.
func (p *Profile) Phase(at time.Time) Phase {
	if p == nil || p.hours == nil && !at.Before(p.Pause.Until) && !at.Before(p.Extra) && !at.Before(p.Lent.last) {
		return Phase{}
	}
	if kept := p.kept.Load(); kept != nil && !at.Before(kept.from) && (kept.Until.IsZero() || at.Before(kept.Until)) {
		return kept.Phase
	}
	made := p.phase(at)
	p.kept.Store(&span{from: at, Phase: made})
	return made
}

func (p *Profile) phase(at time.Time) Phase {
	off, offline, until := p.hours.at(at)
	sooner(&until, p.Pause.Until, at)
	sooner(&until, p.Extra, at)
	for _, end := range p.Lent.Until { // what is answered meanwhile must not outlast it
		sooner(&until, end, at)
	}
	paused := at.Before(p.Pause.Until)
	now := Phase{Until: until}
	switch {
	case paused && p.Pause.Of == PauseInternet:
		now.State = Paused
	case offline && !at.Before(p.Extra):
		now.State = Offline
	case off || paused:
		now.State = Resting
	}
	return now
}

// ExtraUntil is when the time ends that somebody grants before bedtime or in it: it counts
// from where the offline hours begin or, in them, from now on. False: there are none.
func (p *Profile) ExtraUntil(at time.Time, length time.Duration) (time.Time, bool) {
	from := at
	if at.Before(p.Extra) {
		from = p.Extra
	} else if _, offline, _ := p.hours.at(at); !offline {
		from = p.hours.nextOffline(at)
	}
	return from.Add(length), !from.IsZero()
}

// Chose says whether the profile asked for the category; nobody's profile, nil, asked for none.
func (p *Profile) Chose(category string) bool {
	return p != nil && slices.Contains(p.Categories, category)
}

// Allows finds the profile's own name that lets a name pass at a time.
func (p *Profile) Allows(name wire.Name, at time.Time) (wire.Name, bool) {
	if p == nil {
		return "", false
	}
	if owner, found := covering(p.Allow, name); found || !at.Before(p.Lent.last) {
		return owner, found
	}
	for above := name; above != ""; above = above.Parent() {
		if i, found := slices.BinarySearch(p.Lent.Names, above); found && at.Before(p.Lent.Until[i]) {
			return p.Lent.Names[i], true
		}
	}
	return "", false
}

// Denies finds the profile's own name that withholds a name.
func (p *Profile) Denies(name wire.Name) (wire.Name, bool) {
	if p == nil {
		return "", false
	}
	return covering(p.Deny, name)
}

// Withholds finds the service that withholds a name, and its own name that does.
func (p *Profile) Withholds(name wire.Name) (*Service, wire.Name) {
	if p == nil {
		return nil, ""
	}
	for _, service := range p.Services {
		if owner, found := covering(service.Names, name); found {
			return service, owner
		}
	}
	return nil, ""
}

// Searches finds what a search engine's host is answered with instead.
func (p *Profile) Searches(host wire.Name) (rewrite.Target, bool) {
	if p == nil {
		return rewrite.Target{}, false
	}
	return p.engines.Find(p.Search, host)
}

// Config is a profile as the configuration writes it, and as it is kept where somebody
// changed it since.
type Config struct {
	ID         string         `yaml:"id" json:"id"`
	Requested  Requested      `yaml:"requested" json:"requested,omitzero"`
	Categories []string       `yaml:"categories" json:"categories,omitempty"`
	Services   []string       `yaml:"services" json:"services,omitempty"`
	SafeSearch rewrite.Choice `yaml:"safe_search" json:"safe_search,omitzero"`
	Allow      []string       `yaml:"allow" json:"allow,omitempty"`
	Deny       []string       `yaml:"deny" json:"deny,omitempty"`
	Schedule   Schedule       `yaml:"schedule" json:"schedule,omitzero"`
	// Passes is whether the clients may be let past blocks of security: on, also where it is empty, or off.
	Passes string `yaml:"passes" oneof:"on,off" json:"passes,omitempty"`

	// What somebody set for a while is no part of a file.
	Pause Pause     `yaml:"-" json:"pause,omitzero"`
	Extra time.Time `yaml:"-" json:"extra_until,omitzero"`
	Lend  []Lend    `yaml:"-" json:"allowed_until,omitempty"`
}

// Lend is a name that somebody allowed for a while.
type Lend struct {
	Name  string    `json:"name"`
	Until time.Time `json:"until"`
}

// Requested is who asked for a profile, and when.
type Requested struct {
	By string    `yaml:"by" json:"by"`
	At time.Time `yaml:"at" json:"at,omitzero"`
}

// Filters says whether the profile withholds or changes anything, so that somebody must have
// asked for it.
func (c *Config) Filters() bool {
	return len(c.Categories)+len(c.Services)+len(c.Deny)+len(c.Schedule.Offline) > 0 || c.SafeSearch.Any() || c.Passes == passesOff || c.Pause.Of == PauseInternet
}

// problems collects what is wrong, with keys dotted and counted from the top of the
// configuration.
type problems []blocklists.Problem

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, blocklists.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

const (
	// maxProfiles bounds what a file and a database have.
	maxProfiles = 100_000
	// maxOwnNames bounds the names of one profile: they go into the index that all share.
	maxOwnNames = 1000
)

var idForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$`)

// NewProfiles checks the profiles and gives those that have no problem. The
// manifests are all lists that the configuration names, also those that this
// version cannot load: a category that none of them has would filter nothing.
func NewProfiles(configs []Config, manifests []*blocklists.Manifest) ([]*Profile, []blocklists.Problem) {
	var found problems
	if len(configs) > maxProfiles {
		found.add("profiles", "has %d, more than %d", len(configs), maxProfiles)
		return nil, found
	}
	made, err := newMaker(manifests)
	if err != nil { // what is built in is tested
		found.add("profiles", "cannot be read: %s", err)
		return nil, found
	}
	profiles := make([]*Profile, 0, len(configs))
	first := make(map[string]int, len(configs))
	for i := range configs {
		before, key := len(found), fmt.Sprintf("profiles[%d]", i)
		if earlier, twice := first[configs[i].ID]; twice && configs[i].ID != "" {
			found.add(key+".id", "%q is profiles[%d] already", configs[i].ID, earlier)
		} else {
			first[configs[i].ID] = i
		}
		profile := made.compile(&configs[i], key, &found)
		if len(found) == before {
			profiles = append(profiles, profile)
		}
	}
	return profiles, found
}

// Kept gives profiles as they were checked when somebody changed them. A category or a service
// that there is no more since then takes nothing else with it.
func Kept(configs []Config) ([]*Profile, error) {
	made, err := newMaker(nil)
	if err != nil {
		return nil, err
	}
	profiles := make([]*Profile, 0, len(configs))
	for i := range configs {
		profiles = append(profiles, made.compile(&configs[i], "", new(problems)))
	}
	return profiles, nil
}

// ExtraUntil is [Profile.ExtraUntil] of what the configuration says.
func (c *Config) ExtraUntil(at time.Time, length time.Duration) (time.Time, bool) {
	bare := Profile{hours: c.Schedule.compile("", new(problems)), Extra: c.Extra}
	return bare.ExtraUntil(at, length)
}

// maker has what all profiles are made with.
type maker struct {
	manifests []*blocklists.Manifest
	services  []*Service
	engines   *rewrite.Table
}

func newMaker(manifests []*blocklists.Manifest) (*maker, error) {
	services, err := Services()
	if err != nil {
		return nil, err
	}
	engines, err := rewrite.NewTable()
	return &maker{manifests: manifests, services: services, engines: engines}, err
}

func (m *maker) compile(c *Config, key string, found *problems) *Profile {
	if !idForm.MatchString(c.ID) {
		found.add(key+".id", "must be 1 to 63 of a-z, 0-9, hyphens and underscores, not %q", c.ID)
	}
	c.checkCategories(key, m.manifests, found)
	c.checkRequested(key, found)
	return &Profile{
		ID:          c.ID,
		Categories:  c.Categories,
		Services:    m.chosen(key, c.Services, found),
		Search:      c.SafeSearch,
		Allow:       parseNames(key+".allow", c.Allow, found),
		Deny:        parseNames(key+".deny", c.Deny, found),
		NoPasses:    c.Passes == passesOff,
		Pause:       c.Pause,
		Extra:       c.Extra,
		Lent:        lent(key+".allowed_until", c.Lend, found),
		RequestedBy: c.Requested.By,
		RequestedAt: c.Requested.At,
		hours:       c.Schedule.compile(key+".schedule", found),
		engines:     m.engines,
	}
}

// lent are names that are allowed for a while. Of one that stands there twice the longer time holds.
func lent(key string, lends []Lend, found *problems) Lent {
	until := make(map[wire.Name]time.Time, len(lends))
	var made Lent
	for i := range lends {
		for _, name := range parseNames(fmt.Sprintf("%s[%d]", key, i), []string{lends[i].Name}, found) {
			until[name] = later(until[name], lends[i].Until)
			made.last = later(made.last, lends[i].Until)
		}
	}
	made.Names = slices.Sorted(maps.Keys(until))
	for _, name := range made.Names {
		made.Until = append(made.Until, until[name])
	}
	return made
}

func later(one, other time.Time) time.Time {
	if one.After(other) {
		return one
	}
	return other
}

// chosen are services by their words.
func (m *maker) chosen(key string, words []string, found *problems) []*Service {
	var chosen []*Service
	for i, word := range words {
		at := slices.IndexFunc(m.services, func(s *Service) bool { return s.ID == word })
		switch {
		case at < 0:
			found.add(fmt.Sprintf("%s.services[%d]", key, i), "no service is called %q; there are %s", word, serviceWords(m.services))
		case slices.Contains(chosen, m.services[at]):
			found.add(fmt.Sprintf("%s.services[%d]", key, i), "%q stands here a second time", word)
		default:
			chosen = append(chosen, m.services[at])
		}
	}
	return chosen
}

func serviceWords(services []*Service) string {
	words := make([]string, 0, len(services))
	for _, service := range services {
		words = append(words, service.ID)
	}
	return strings.Join(words, ", ")
}

func (c *Config) checkCategories(key string, manifests []*blocklists.Manifest, found *problems) {
	for i, category := range c.Categories {
		serves := func(m *blocklists.Manifest) bool { return m.Purpose == blocklists.User && m.Category == category }
		if !slices.ContainsFunc(manifests, serves) {
			found.add(fmt.Sprintf("%s.categories[%d]", key, i), "no list of purpose user has category %q, so it would filter nothing", category)
		}
	}
}

// checkRequested holds a profile to its request: nothing is filtered but for whom somebody
// asked.
func (c *Config) checkRequested(key string, found *problems) {
	if !c.Filters() {
		return
	}
	if strings.TrimSpace(c.Requested.By) == "" {
		found.add(key+".requested.by", "is missing: a profile that filters says who asked for it")
	}
	if c.Requested.At.IsZero() {
		found.add(key+".requested.at", "is missing: a profile that filters says when it was asked for, as 2026-11-01")
	}
}

func parseNames(key string, texts []string, found *problems) []wire.Name {
	if len(texts) > maxOwnNames {
		found.add(key, "has %d names, more than %d", len(texts), maxOwnNames)
		return nil
	}
	names := make([]wire.Name, 0, len(texts))
	for i, text := range texts {
		name, err := parseName(text)
		if err != nil {
			found.add(fmt.Sprintf("%s[%d]", key, i), "%s", err)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// parseName takes what can be asked for: a host's name in ASCII, not the root.
func parseName(text string) (wire.Name, error) {
	for _, c := range []byte(text) {
		if c >= 0x80 {
			return "", fmt.Errorf("%q: write the name in its ASCII form, as xn--…", text)
		}
		if c <= ' ' {
			return "", fmt.Errorf("%q: has a space or a control character in it", text)
		}
	}
	if rest, wild := strings.CutPrefix(text, "*."); wild {
		return "", fmt.Errorf("%q: write %q, which takes in what lies below", text, rest)
	}
	name, err := wire.ParseName(text)
	if err != nil {
		return "", err
	}
	if name == wire.Root {
		return "", fmt.Errorf("%q: the root is not a name of a profile's own", text)
	}
	return name, nil
}
