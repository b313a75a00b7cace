package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Profile is what one client asked for. It is immutable.
type Profile struct {
	ID          string
	Categories  []string    // of user lists
	Allow       []wire.Name // each with what lies below it
	Deny        []wire.Name // likewise
	NoPasses    bool        // past blocks of security
	RequestedBy string
	RequestedAt time.Time
}

// Chose says whether the profile asked for the category; nobody's profile, nil, asked for none.
func (p *Profile) Chose(category string) bool {
	return p != nil && slices.Contains(p.Categories, category)
}

// Config is a profile as the configuration writes it. A key marked later is known,
// but its feature is not in this version.
type Config struct {
	ID         string    `yaml:"id"`
	Requested  Requested `yaml:"requested"`
	Categories []string  `yaml:"categories"`
	Allow      []string  `yaml:"allow"`
	Deny       []string  `yaml:"deny"`
	Passes     string    `yaml:"passes" oneof:"on,off"` // whether its clients may go past blocks of security; on where it does not say

	Services   []string `yaml:"services" later:"services"`
	SafeSearch bool     `yaml:"safe_search" later:"safe search"`
	Schedule   Schedule `yaml:"schedule" later:"schedules"`
}

// Requested is who asked for a profile, and when.
type Requested struct {
	By string    `yaml:"by"`
	At time.Time `yaml:"at"`
}

// Schedule is when a profile's filters rest and when its devices do.
type Schedule struct {
	Timezone string   `yaml:"timezone"`
	Off      []Window `yaml:"off"`
	Offline  []Window `yaml:"offline"`
}

// Window is a time of day on some days of the week.
type Window struct {
	Days []string `yaml:"days"`
	From string   `yaml:"from"`
	To   string   `yaml:"to"`
}

// problems collects what is wrong, with keys dotted and counted from the top of the
// configuration.
type problems []blocklists.Problem

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, blocklists.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

const (
	// maxProfiles keeps two lists of each profile's own within what a bundle holds.
	maxProfiles = 30_000
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
	profiles := make([]*Profile, 0, len(configs))
	first := make(map[string]int, len(configs))
	for i := range configs {
		before, key := len(found), fmt.Sprintf("profiles[%d]", i)
		if earlier, twice := first[configs[i].ID]; twice && configs[i].ID != "" {
			found.add(key+".id", "%q is profiles[%d] already", configs[i].ID, earlier)
		} else {
			first[configs[i].ID] = i
		}
		profile := configs[i].compile(key, manifests, &found)
		if len(found) == before {
			profiles = append(profiles, profile)
		}
	}
	return profiles, found
}

func (c *Config) compile(key string, manifests []*blocklists.Manifest, found *problems) *Profile {
	if !idForm.MatchString(c.ID) {
		found.add(key+".id", "must be 1 to 63 of a-z, 0-9, hyphens and underscores, not %q", c.ID)
	}
	c.checkCategories(key, manifests, found)
	return &Profile{
		ID:          c.ID,
		Categories:  c.Categories,
		Allow:       parseNames(key+".allow", c.Allow, found),
		Deny:        parseNames(key+".deny", c.Deny, found),
		NoPasses:    c.Passes == "off",
		RequestedBy: c.Requested.By,
		RequestedAt: c.Requested.At,
	}
}

// checkCategories also holds a profile to its request: a user list filters only
// for whom somebody asked.
func (c *Config) checkCategories(key string, manifests []*blocklists.Manifest, found *problems) {
	for i, category := range c.Categories {
		serves := func(m *blocklists.Manifest) bool { return m.Purpose == blocklists.User && m.Category == category }
		if !slices.ContainsFunc(manifests, serves) {
			found.add(fmt.Sprintf("%s.categories[%d]", key, i), "no list of purpose user has category %q, so it would filter nothing", category)
		}
	}
	if len(c.Categories) == 0 {
		return
	}
	if c.Requested.By == "" {
		found.add(key+".requested.by", "is missing: a profile with categories says who asked for it")
	}
	if c.Requested.At.IsZero() {
		found.add(key+".requested.at", "is missing: a profile with categories says when it was asked for, as 2026-11-01")
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
	return names
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
