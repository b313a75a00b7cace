package parse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

const (
	// MaxBytes is the longest file that is read, before it is unpacked and after.
	MaxBytes = 1 << 30
	// MaxEntries is how many rows one list may have.
	MaxEntries = 50_000_000

	// headSize is how much of a list's beginning tells its format.
	headSize = 1 << 16
)

// Causes for which a whole file is refused.
var (
	ErrMarkup  = errors.New("a web page or XML, not a list")
	ErrPacked  = errors.New("not text that can be read")
	ErrEmpty   = errors.New("no entries")
	ErrFormat  = errors.New("not of this format")
	ErrTooLong = errors.New("too long")
	ErrColumns = errors.New("not the table that columns describes")
)

// Options are what a list's manifest says of its text.
type Options struct {
	// Format is one of [blocklists.Manifest]'s; auto or none is told from the first lines.
	Format string
	// Scope is that of names whose line does not say.
	Scope blocklists.Scope
	// Zone is the origin of a response policy zone; none is that of its SOA record.
	Zone string
	// Columns are those of a table: name, listed and removed, each by number or heading.
	Columns map[string]string
	// Encoding is the text's; none is UTF-8, or what a byte order mark says.
	Encoding string
	// Match is what the list is held to, in the words of a manifest.
	Match []string
	// Location is the time zone of dates that name none; nil is UTC.
	Location *time.Location
	// Now is when the list is read: what ended before is no entry. The zero time is the
	// clock's. It is no part of what the manifest says.
	Now time.Time `json:"-"`
}

// OptionsOf gives the options of a manifest.
func OptionsOf(m *blocklists.Manifest) Options {
	return Options{
		Format: m.Format, Scope: m.Scope, Zone: m.Source.Zone, Columns: m.Columns,
		Encoding: m.Encoding, Match: m.Match, Location: m.Location(),
	}
}

// List reads a list and calls emit for each entry. Where it returns an error, the rows
// that were emitted do not count; an error of emit is returned as it is.
func List(options Options, r io.Reader, emit func(Row) error) (Report, error) {
	in, err := open(r, options.Encoding)
	if err != nil {
		return Report{}, err
	}
	p, syntax, err := begin(&options, in, emit)
	if err != nil {
		return Report{}, err
	}
	if err := syntax.read(p, in); err != nil {
		return p.report, err
	}
	return p.report, p.judge()
}

// begin makes the parser and finds the syntax to read the list by.
func begin(options *Options, in *bufio.Reader, emit func(Row) error) (*parser, syntax, error) {
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, syntax{}, fmt.Errorf("at the beginning: %w", err)
	}
	p := newParser(*options, bytes.Clone(head), emit)
	if p.format == "auto" || p.format == "" {
		if p.format = Detect(p.head); p.format == "" {
			return nil, syntax{}, unknown(p.head)
		}
		p.report.Format = p.format
	}
	chosen, known := syntaxOf(p.format)
	if !known {
		return nil, syntax{}, fmt.Errorf("format %q is not read by this version", p.format)
	}
	if p.format == "rpz" && len(options.Match) == 0 {
		p.admits = everyTrigger
	}
	return p, chosen, nil
}

// unknown is the error of a list whose format cannot be told.
func unknown(head []byte) error {
	cause := ErrFormat
	if len(bytes.TrimSpace(head)) == 0 {
		cause = ErrEmpty
	}
	number := 0
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		number++
		text := string(bytes.TrimSpace(line[:min(len(line), maxText)]))
		if text == "" || text[0] == '#' {
			continue
		}
		if text[0] == '<' {
			return fmt.Errorf("%w: line %d starts with %q", ErrMarkup, number, printable(text))
		}
		if _, reason := clean(text); reason != "" {
			return fmt.Errorf("%w: the first lines do not tell which; say it with format; line %d: %s: %q", cause, number, reason, printable(text))
		}
	}
	return fmt.Errorf("%w: the first lines do not tell which format; say it with format", cause)
}

// syntax is how the text of a format is read. Formats of lines have a line function,
// which sees one line that is neither blank nor comment and nothing of the others, if
// apart is set: such a list may be read in pieces.
type syntax struct {
	read  func(*parser, *bufio.Reader) error
	line  func(*parser, []byte) error
	apart bool
}

// byLines is a syntax whose lines stand for themselves.
func byLines(line func(*parser, []byte) error, comment byte) syntax {
	return syntax{apart: true, line: line, read: func(p *parser, in *bufio.Reader) error {
		p.comment = comment
		return p.lines(in, maxLine, func(text []byte) error { return line(p, text) })
	}}
}

func syntaxOf(format string) (syntax, bool) {
	switch format {
	case "hosts":
		return byLines((*parser).hosts, '#'), true
	case "domains":
		return byLines((*parser).domains, '#'), true
	case "wildcard":
		return byLines((*parser).wildcard, '#'), true
	case "adblock":
		return byLines((*parser).adblock, '!'), true
	case "dnsmasq":
		return byLines((*parser).dnsmasq, '#'), true
	case "unbound":
		return syntax{read: readUnbound}, true
	case "rpz":
		return syntax{read: readZone}, true
	case "csv":
		return syntax{read: readTable}, true
	case "xml":
		return syntax{read: readRegister}, true
	case "json":
		return syntax{read: readJSON}, true
	case "jsonl":
		return syntax{read: readJSONLines}, true
	}
	return syntax{}, false
}

// triggers are those that rows may have.
type triggers [blocklists.OnServerAddress + 1]bool

var everyTrigger = triggers{true, true, true, true, true}

// admitted turns a manifest's `match` into triggers. Without it names are matched.
func admitted(match []string) triggers {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(match, word) })
	}
	var t triggers
	t[blocklists.OnName] = len(match) == 0 || has("question", "alias")
	t[blocklists.OnClient] = has("client")
	t[blocklists.OnAddress] = has("address", "hint")
	t[blocklists.OnServer] = has("nameserver")
	t[blocklists.OnServerAddress] = has("nameserver")
	return t
}
