package parse

import (
	"net/netip"
	"strings"
)

// domains reads one name a line, with an optional comment after it.
func (p *parser) domains(line string) error {
	line = cutComment(line)
	if strings.HasPrefix(line, "*.") {
		p.refuse("a wildcard: use format wildcard")
		return nil
	}
	return p.bare(line)
}

// bare takes a line that must be one name and nothing else, in the manifest's scope.
func (p *parser) bare(line string) error {
	if i := strings.IndexAny(line, blanks); i >= 0 {
		p.refuse(severalWords(line[:i]))
		return nil
	}
	name, reason := clean(line)
	if reason == "" && name.Labels() < 2 {
		reason = "a single label: a whole top-level domain is *.label in format wildcard"
	}
	if reason != "" {
		p.refuse(reason)
		return nil
	}
	return p.row(name, p.scope)
}

func severalWords(first string) string {
	if _, err := netip.ParseAddr(first); err == nil {
		return "a line of a hosts file: use format hosts"
	}
	return "more than one word"
}
