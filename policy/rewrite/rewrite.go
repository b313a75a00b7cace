package rewrite

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

//go:embed engines.txt
var engines string

// Target is what a host is answered with: an alias, or an address alone.
type Target struct {
	Engine string
	Alias  wire.Name  // "" where there is an address
	Addr   netip.Addr // invalid where there is an alias
}

// Table is the engines with their hosts. It is immutable.
type Table struct {
	hosts  map[wire.Name]Target
	strict map[string]wire.Name // by engine
}

// NewTable reads the data that is built in.
func NewTable() (*Table, error) { return parse(engines) }

// parse reads engines, each in the line before its hosts.
func parse(text string) (*Table, error) {
	table := &Table{hosts: make(map[wire.Name]Target), strict: make(map[string]wire.Name)}
	var engine Target
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		var err error
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			continue
		case len(words) == 1:
			err = table.addHost(words[0], engine)
		default:
			engine, err = table.readEngine(words)
		}
		if err != nil {
			return nil, fmt.Errorf("search engines, line %d: %w", number, err)
		}
	}
	return table, nil
}

func (t *Table) addHost(text string, engine Target) error {
	host, err := wire.ParseName(text)
	if err != nil {
		return err
	}
	if _, twice := t.hosts[host]; twice || engine.Engine == "" {
		return fmt.Errorf("%q stands here twice, or before any engine", text)
	}
	t.hosts[host] = engine
	return nil
}

func (t *Table) readEngine(words []string) (engine Target, err error) {
	engine.Engine = words[0]
	if !slices.Contains(engineNames(), engine.Engine) {
		return engine, fmt.Errorf("%q is no engine", engine.Engine)
	}
	switch {
	case len(words) == 3 && words[1] == "address":
		engine.Addr, err = netip.ParseAddr(words[2])
		return engine, err
	case len(words) == 5 && words[3] == "strict":
		if t.strict[engine.Engine], err = wire.ParseName(words[4]); err != nil {
			return engine, err
		}
	case len(words) != 3:
		return engine, fmt.Errorf("%q is neither an alias nor an address", words)
	}
	if words[1] != "alias" {
		return engine, fmt.Errorf("%q is neither alias nor address", words[1])
	}
	engine.Alias, err = wire.ParseName(words[2])
	return engine, err
}

// Find gives what a host is answered with for somebody who made this choice.
func (t *Table) Find(choice Choice, host wire.Name) (Target, bool) {
	if t == nil || choice == (Choice{}) {
		return Target{}, false
	}
	target, known := t.hosts[host]
	if !known || !choice.wants(target.Engine) {
		return Target{}, false
	}
	if strict := t.strict[target.Engine]; strict != "" && choice.YouTube == Strict {
		target.Alias = strict
	}
	return target, true
}

// Hosts are those of the engines that a choice has, in order.
func (t *Table) Hosts(choice Choice) []wire.Name {
	wanted := func(host wire.Name) bool { return choice.wants(t.hosts[host].Engine) }
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t.hosts)), func(host wire.Name) bool { return !wanted(host) })
}

// The forms of YouTube.
const (
	Off      = "off"
	Moderate = "moderate"
	Strict   = "strict"
)

// Choice is the engines that somebody wants in their safe form. The zero value is none.
type Choice struct {
	Google     bool   `yaml:"google" json:"google"`
	YouTube    string `yaml:"youtube" json:"youtube" oneof:"off,moderate,strict"` // "" is off
	Bing       bool   `yaml:"bing" json:"bing"`
	DuckDuckGo bool   `yaml:"duckduckgo" json:"duckduckgo"`
	Ecosia     bool   `yaml:"ecosia" json:"ecosia"`
	Pixabay    bool   `yaml:"pixabay" json:"pixabay"`
	Yandex     bool   `yaml:"yandex" json:"yandex"`
	Brave      bool   `yaml:"brave" json:"brave"`
}

// All is every engine.
func All() Choice {
	return Choice{Google: true, YouTube: Moderate, Bing: true, DuckDuckGo: true, Ecosia: true, Pixabay: true, Yandex: true, Brave: true}
}

func engineNames() []string {
	return []string{"google", "youtube", "bing", "duckduckgo", "ecosia", "pixabay", "yandex", "brave"}
}

// wants says whether the choice has an engine.
func (c *Choice) wants(engine string) bool {
	switch engine {
	case "google":
		return c.Google
	case "youtube":
		return c.YouTube == Moderate || c.YouTube == Strict
	case "bing":
		return c.Bing
	case "duckduckgo":
		return c.DuckDuckGo
	case "ecosia":
		return c.Ecosia
	case "pixabay":
		return c.Pixabay
	case "yandex":
		return c.Yandex
	case "brave":
		return c.Brave
	}
	return false
}

// Any says whether anything is chosen.
func (c *Choice) Any() bool { return slices.ContainsFunc(engineNames(), c.wants) }

// Join adds what another chose.
func (c *Choice) Join(other Choice) {
	if other.wants("youtube") {
		c.YouTube = other.YouTube
	}
	c.Google, c.Bing, c.DuckDuckGo, c.Ecosia = c.Google || other.Google, c.Bing || other.Bing, c.DuckDuckGo || other.DuckDuckGo, c.Ecosia || other.Ecosia
	c.Pixabay, c.Yandex, c.Brave = c.Pixabay || other.Pixabay, c.Yandex || other.Yandex, c.Brave || other.Brave
}

// UnmarshalText reads the short form: true is all, false is none.
func (c *Choice) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true":
		*c = All()
	case "false":
		*c = Choice{}
	default:
		return fmt.Errorf("%q is neither true nor false, nor a mapping of engines, as {google: true, youtube: strict}", text)
	}
	return nil
}

// UnmarshalJSON reads the short form or the engines.
func (c *Choice) UnmarshalJSON(text []byte) error {
	if string(text) == "true" || string(text) == "false" {
		return c.UnmarshalText(text)
	}
	type plain Choice // without this method
	var read plain
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	switch read.YouTube {
	case "", Off, Moderate, Strict:
	default:
		return fmt.Errorf("youtube is %q, and not off, moderate or strict", read.YouTube)
	}
	*c = Choice(read)
	return nil
}
