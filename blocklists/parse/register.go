package parse

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	// maxDepth is how deep elements and values may lie in one another.
	maxDepth = 32
	// registerZone is where the register's dates are at home.
	registerZone = "Europe/Warsaw"
)

// register reads the Polish register of gambling domains: `Rejestr` with one
// `PozycjaRejestru` an entry, of which `AdresDomeny` is the name, `DataWpisu` when it was
// entered and `DataWykreslenia` when it was taken out.
type register struct {
	*parser
	source   *bounded
	path     []string
	position map[string]string // the texts of the current entry
	first    uint32
}

func readRegister(p *parser, in *bufio.Reader) error {
	if p.options.Location == nil || p.options.Location == time.UTC {
		if warsaw, err := time.LoadLocation(registerZone); err == nil { // built in: see dates.go
			p.location = warsaw
		}
	}
	r := &register{parser: p, source: &bounded{from: in, limit: maxRecord, line: 1}}
	decoder := xml.NewDecoder(r.source)
	decoder.CharsetReader = charsetReader
	for {
		r.source.rest()
		token, err := decoder.Token()
		r.line, r.report.Lines = r.source.line, int(r.source.line)
		if errors.Is(err, io.EOF) {
			return r.end()
		}
		if err == nil {
			err = r.token(token)
		} else if wrong := (*xml.SyntaxError)(nil); errors.As(err, &wrong) {
			err = fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if r.stopped != nil {
			return r.stopped
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", r.source.line, err)
		}
	}
}

func (r *register) end() error {
	if !r.begun {
		return fmt.Errorf("%w: no element in it", ErrEmpty)
	}
	return nil
}

func (r *register) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.Directive:
		return fmt.Errorf("%w: a register has no document type and no entities of its own", ErrFormat)
	case xml.StartElement:
		return r.open(token.Name.Local)
	case xml.CharData:
		return r.collect(string(token))
	case xml.EndElement:
		r.path = r.path[:len(r.path)-1]
		if len(r.path) == 1 {
			return r.entry()
		}
	}
	return nil
}

// collect keeps the texts of an entry that count.
func (r *register) collect(text string) error {
	if len(r.path) != 3 {
		return nil
	}
	switch element := r.path[2]; element {
	case "AdresDomeny", "DataWpisu", "DataWykreslenia":
		if r.position[element] += text; len(r.position[element]) > maxLine {
			return fmt.Errorf("%w: %s has more than %d octets", ErrTooLong, element, maxLine)
		}
	}
	return nil
}

func (r *register) open(element string) error {
	if !r.begun && element != "Rejestr" {
		return fmt.Errorf("%w: the first element is %q, that of a register is Rejestr", ErrFormat, printable(element))
	}
	r.begun = true
	if len(r.path) >= maxDepth {
		return fmt.Errorf("%w: elements lie more than %d deep", ErrTooLong, maxDepth)
	}
	r.path = append(r.path, element)
	if len(r.path) == 2 {
		r.position, r.first = make(map[string]string), r.line
	}
	return nil
}

// entry takes the element that has just ended.
func (r *register) entry() error {
	r.line = r.first
	name := strings.TrimSpace(r.position["AdresDomeny"])
	r.text = []byte(name)
	if name == "" {
		r.decline("an entry without AdresDomeny")
		return nil
	}
	return r.dated(name, r.position["DataWpisu"], r.position["DataWykreslenia"])
}

// dated takes a name with the texts of its two dates.
func (p *parser) dated(name, listed, removed string) error {
	row := Row{Scope: p.options.Scope}
	var reason string
	if row.From, reason = p.date([]byte(strings.TrimSpace(listed)), "listed"); reason == "" {
		row.Until, reason = p.date([]byte(strings.TrimSpace(removed)), "removed")
	}
	if reason != "" {
		p.decline(reason)
		return nil
	}
	if int64(row.From) <= p.now {
		row.From = 0 // it has begun
	}
	return p.bare([]byte(name), row)
}

// bounded lets a decoder have no more than limit octets from one rest to the next, and
// counts lines. It reads octet by octet, so that the line is that of the decoder.
type bounded struct {
	from  *bufio.Reader
	limit int
	since int
	total int
	line  uint32
	ended bool // the line, by the last octet
}

// rest begins a new piece.
func (b *bounded) rest() { b.since = 0 }

// ReadByte is what the decoder of XML calls.
func (b *bounded) ReadByte() (byte, error) {
	c, err := b.from.ReadByte()
	if err != nil {
		return 0, err
	}
	if b.ended {
		b.line++ // only now, so that who has read a line to its end is still in it
	}
	b.ended = c == '\n'
	b.since++
	b.total++
	if b.since > b.limit || b.total > MaxBytes {
		return 0, fmt.Errorf("%w: one element or value has more than %d octets, or all more than %d", ErrTooLong, b.limit, MaxBytes)
	}
	return c, nil
}

// Read is for decoders that do not know ReadByte.
func (b *bounded) Read(into []byte) (int, error) {
	for n := range into {
		c, err := b.ReadByte()
		if err != nil {
			return n, err
		}
		into[n] = c
		if c == '\n' || c == '}' {
			return n + 1, nil // a decoder that reads ahead would make the line that of another value
		}
	}
	return len(into), nil
}
