package parse

import (
	"bytes"

	"github.com/recourse-dns/recourse/blocklists"
)

// wildcard reads `*.name`, which is all below the name and not the name itself (as
// RFC 4592, section 2.1.1 has it), and bare names.
func (p *parser) wildcard(line []byte) error {
	line = cutComment(line)
	if !bytes.HasPrefix(line, []byte("*.")) {
		return p.bare(line, Row{Scope: p.options.Scope})
	}
	return p.starred(line[2:], Row{})
}

// starred takes the name after a star into the row: all below it.
func (p *parser) starred(text []byte, row Row) error {
	if _, rest := cutWord(text); rest != nil || len(text) > 0 && isBlank(text[0]) {
		p.refuse("more than one word")
		return nil
	}
	name, _, reason := p.name(text)
	if reason != "" {
		p.refuse(reason)
		return nil
	}
	row.Name, row.Scope = name, blocklists.Below
	return p.named(row)
}
