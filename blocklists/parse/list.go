package parse

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// MaxBytes is the longest file that is read.
	MaxBytes = 1 << 30
	// MaxEntries is how many rows one list may have.
	MaxEntries = 50_000_000
	// MaxSamples is how many refusals a report keeps with their text.
	MaxSamples = 100

	// A file with more strange lines than this share of its rows is in another format.
	// The least number keeps a short list with a few bad lines loading. Addresses are
	// not strange: proxies block them too, and their lists mix them with names.
	worstShare = 5 // one in five
	leastWrong = 10
)

// Causes for which a whole file is refused.
var (
	ErrMarkup  = errors.New("a web page or XML, not a list")
	ErrPacked  = errors.New("compressed or not UTF-8: unpack or convert it first")
	ErrEmpty   = errors.New("no entries")
	ErrFormat  = errors.New("not of this format")
	ErrTooLong = errors.New("too long")
)

// Row is one entry of a list as its text has it, with the number of its line counted
// from 1. Name and Data are good until emit returns: who keeps them clones them.
//
// Rows of one list with the same trigger, name, scope or prefix and the action
// [blocklists.LocalData] are one entry, whose Data is theirs one after another.
type Row struct {
	Trigger blocklists.Trigger
	Name    []byte // a wire.Name's octets; nil where the trigger is by address
	Scope   blocklists.Scope
	Prefix  netip.Prefix
	Action  blocklists.Action
	Data    []byte // as in blocklists.Entry
	// From and Until are when the entry begins and stops to count, in seconds since 1970, 0 where
	// the list does not say. A row whose Until has passed is reported and not emitted.
	From, Until uint32
	Line        uint32
}

// Refusal is one thing that was no entry. Text is the beginning of its line, with
// what is not printable replaced.
type Refusal struct {
	Line   uint32 `json:"line"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// Report counts what a list held. Samples are the first refusals.
type Report struct {
	Lines       int       `json:"lines"`
	Entries     int       `json:"entries"`
	Comments    int       `json:"comments"`
	Boilerplate int       `json:"boilerplate"`
	Refused     int       `json:"refused"`
	Samples     []Refusal `json:"samples,omitempty"`
}

// List reads a list of the format and calls emit for each entry. Where it returns an
// error, the rows that were emitted do not count; an error of emit is returned as it is.
func List(format string, scope blocklists.Scope, r io.Reader, emit func(Row) error) (Report, error) {
	p := &parser{format: format, scope: scope, emit: emit}
	read, known := map[string]func(string) error{
		"hosts": p.hosts, "domains": p.domains, "wildcard": p.wildcard,
	}[format]
	if !known {
		return Report{}, fmt.Errorf("format %q is not read by this version", format)
	}
	if err := p.lines(r, read); err != nil {
		return p.report, err
	}
	return p.report, p.judge()
}

// parser is one reading of one list.
type parser struct {
	format string
	scope  blocklists.Scope
	emit   func(Row) error
	line   uint32
	text   string // the whole current line, for samples
	begun  bool   // a line that is neither blank nor comment was seen
	// strange are the refusals that speak for another format.
	strange int
	report  Report
}

func (p *parser) row(name wire.Name, scope blocklists.Scope) error {
	if p.report.Entries >= MaxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrTooLong, MaxEntries)
	}
	p.report.Entries++
	return p.emit(Row{Name: []byte(name), Scope: scope, Line: p.line})
}

func (p *parser) refuse(reason string) {
	p.report.Refused++
	if reason != isAddress && reason != isNumber {
		p.strange++
	}
	if len(p.report.Samples) < MaxSamples {
		p.report.Samples = append(p.report.Samples, Refusal{Line: p.line, Reason: reason, Text: printable(p.text)})
	}
}

// judge looks at the file as a whole, once it is read.
func (p *parser) judge() error {
	first := ""
	if len(p.report.Samples) > 0 {
		sample := p.report.Samples[0]
		first = fmt.Sprintf("; line %d: %s: %q", sample.Line, sample.Reason, sample.Text)
	}
	taken := p.report.Entries + p.report.Boilerplate
	if wrong := p.strange; wrong >= leastWrong && wrong*worstShare > wrong+taken {
		return fmt.Errorf("%w: %d of %d are no entries of format %s, is it another format?%s",
			ErrFormat, wrong, wrong+taken, p.format, first)
	}
	if p.report.Entries == 0 {
		return fmt.Errorf("%w in %d lines of format %s%s", ErrEmpty, p.report.Lines, p.format, first)
	}
	return nil
}
