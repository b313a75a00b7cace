package parse

import (
	"bytes"
	"net/netip"
)

const singleLabel = "a single label: a whole top-level domain is *.label in format wildcard"

// domains reads one name a line, with an optional comment after it.
func (p *parser) domains(line []byte) error {
	line = cutComment(line)
	if bytes.HasPrefix(line, []byte("*.")) {
		p.refuse("a wildcard: use format wildcard")
		return nil
	}
	return p.bare(line, Row{Scope: p.options.Scope})
}

// bare takes a text that must be one name and nothing else, into the row.
func (p *parser) bare(text []byte, row Row) error {
	if word, rest := cutWord(text); rest != nil {
		p.refuse(severalWords(string(word)))
		return nil
	}
	name, labels, reason := p.name(text)
	if reason == "" && labels < 2 {
		reason = singleLabel
	}
	if reason == "" {
		row.Name = name
		return p.named(row)
	}
	return p.noName(text, reason, row)
}

// noName takes a text that is no name as an address, if it is one and the list is held
// to addresses, and refuses it otherwise.
func (p *parser) noName(text []byte, reason string, row Row) error {
	if taken, err := p.address(string(text[:min(len(text), maxText)]), row); taken {
		return err
	}
	p.refuse(reason)
	return nil
}

func severalWords(first string) string {
	if _, err := netip.ParseAddr(first); err == nil {
		return "a line of a hosts file: use format hosts"
	}
	return "more than one word"
}
