package guide

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

//go:embed hosts.json texts
var files embed.FS

// Host is who keeps a name's DNS or its site.
type Host struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Servers end the names of its name servers, and Labels begin a label of theirs.
	Servers []string `json:"servers"`
	Labels  []string `json:"labels"`
	// Targets end the names that its customers' names are aliases of; Networks has their addresses.
	Targets  []string       `json:"targets"`
	Networks []netip.Prefix `json:"networks"`
	// DNS and Site are the way to the page where records, or the home page, are changed.
	DNS  string `json:"dns"`
	Site string `json:"site"`
	// Relative: the form adds the zone's name. Files: a file can be put on the site.
	Relative bool `json:"relative"`
	Files    bool `json:"files"`
	// Source is the host's own help.
	Source string `json:"source"`
}

// Hosts are those that we know.
type Hosts []Host

// Known reads the hosts that are built in.
func Known() (Hosts, error) {
	content, err := files.ReadFile("hosts.json")
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	var hosts Hosts
	if err := json.Unmarshal(content, &hosts); err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	return hosts, nil
}

// ofServers is the host whose name servers these are; nil for one that we do not know.
func (h Hosts) ofServers(names []string) *Host {
	for i := range h {
		for _, name := range names {
			if h[i].DNS != "" && (endsIn(name, h[i].Servers) || hasLabel(name, h[i].Labels)) {
				return &h[i]
			}
		}
	}
	return nil
}

// ofSite is the host of what a name is an alias of, or has the addresses of. Aliases tell more.
func (h Hosts) ofSite(targets []string, addrs []netip.Addr) *Host {
	for i := range h {
		for _, target := range targets {
			if endsIn(target, h[i].Targets) {
				return &h[i]
			}
		}
	}
	for i := range h {
		for _, network := range h[i].Networks {
			for _, addr := range addrs {
				if network.Contains(addr.Unmap()) {
					return &h[i]
				}
			}
		}
	}
	return nil
}

func endsIn(name string, suffixes []string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, suffix := range suffixes {
		if name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

func hasLabel(name string, beginnings []string) bool {
	for label := range strings.SplitSeq(strings.ToLower(name), ".") {
		for _, beginning := range beginnings {
			if strings.HasPrefix(label, beginning) {
				return true
			}
		}
	}
	return false
}
