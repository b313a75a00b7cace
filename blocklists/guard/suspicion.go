package guard

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// suspicion says why an entry takes the names of many owners; empty if it does not.
func suspicion(entry *blocklists.Entry) string {
	if entry.Name == wire.Root {
		return "the root: every name"
	}
	if entry.Scope == blocklists.Exact {
		return ""
	}
	name := entry.Name.String()
	if !strings.Contains(name, ".") {
		return "a whole top-level domain"
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	switch {
	case suffix != name:
		return ""
	case icann:
		return "a public suffix: names of many owners lie below it"
	}
	return "a public suffix of a hosting service: names of many owners lie below it"
}
