package parse

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// table reads records of fields with a separator between them, quoted or not (RFC 4180),
// of which up to three columns count.
type table struct {
	*parser
	separator             byte
	name, listed, removed int // counted from 0, -1 for none
	// A record whose quotes go over several lines.
	record []byte
	first  uint32
	fields [][]byte
}

func readTable(p *parser, in *bufio.Reader) error {
	if p.options.Columns["name"] == "" {
		return fmt.Errorf("%w: columns does not say where the names are, as {name: 1, listed: 2, removed: 3}", ErrColumns)
	}
	t := &table{parser: p}
	if err := p.rawLines(in, maxRecord, t.read); err != nil {
		return err
	}
	if len(t.record) > 0 {
		t.abandon()
	}
	return nil
}

func (t *table) read(line []byte) error {
	if len(t.record) == 0 {
		if len(trimBlanks(line)) == 0 {
			return nil
		}
		if !t.begun && looksLikeMarkup(line) {
			return fmt.Errorf("%w: line %d starts with %q", ErrMarkup, t.line, printable(string(line)))
		}
		t.first = t.line
	}
	if len(t.record) == 0 && bytes.Count(line, []byte{'"'})%2 == 0 {
		return t.whole(line)
	}
	t.record = append(t.record, line...)
	switch {
	case bytes.Count(t.record, []byte{'"'})%2 == 0:
		record := t.record
		last := t.line
		t.line = t.first
		err := t.whole(record)
		t.line, t.record = last, t.record[:0]
		return err
	case len(t.record) > maxRecord:
		t.abandon()
	default:
		t.record = append(t.record, '\n')
	}
	return nil
}

// abandon refuses a record that was begun, at its first line.
func (t *table) abandon() {
	last := t.line
	t.line, t.text = t.first, t.record
	t.refuse("a quote that is not closed")
	t.line, t.record = last, t.record[:0]
}

// whole reads one record. The first may be the headings.
func (t *table) whole(record []byte) error {
	t.text = record
	if !t.begun {
		t.begun = true
		headings, err := t.headings(record)
		if err != nil {
			return err
		}
		if headings {
			t.report.Boilerplate++
			return nil
		}
	}
	t.split(record)
	name := t.field(t.name)
	if len(name) == 0 {
		t.decline("no name in its column")
		return nil
	}
	row := Row{Scope: t.options.Scope}
	if reason := t.dated(&row); reason != "" {
		t.decline(reason)
		return nil
	}
	return t.cell(name, row)
}

// cell takes a cell's text: a name, with a dot before it for all of it, or with a star.
func (t *table) cell(text []byte, row Row) error {
	if rest, starred := bytes.CutPrefix(text, []byte("*.")); starred {
		return t.starred(rest, row)
	}
	if rest, dotted := bytes.CutPrefix(text, []byte(".")); dotted {
		text, row.Scope = rest, blocklists.Subtree
	}
	name, labels, reason := t.parser.name(text)
	switch {
	case reason != "":
		if taken, err := t.address(string(text), row); taken {
			return err
		}
		t.cellRefused(text, reason)
		return nil
	case labels < 2:
		t.refuse("a single label")
		return nil
	}
	row.Name = name
	return t.named(row)
}

// cellRefused counts a cell that is no name; an address of the web is nothing strange in a table.
func (t *table) cellRefused(text []byte, reason string) {
	if bytes.IndexByte(text, '/') >= 0 {
		t.decline(reason)
		return
	}
	t.refuse(reason)
}

// dated puts the dates of the current record into its row.
func (t *table) dated(row *Row) string {
	var reason string
	if row.From, reason = t.date(t.field(t.listed), "listed"); reason != "" {
		return reason
	}
	row.Until, reason = t.date(t.field(t.removed), "removed")
	if int64(row.From) <= t.now {
		row.From = 0 // it has begun
	}
	return reason
}

func (t *table) field(column int) []byte {
	if column < 0 || column >= len(t.fields) {
		return nil
	}
	return t.fields[column]
}

// headings finds the columns, and says whether the first record is their headings.
func (t *table) headings(record []byte) (bool, error) {
	t.separator = separatorOf(record)
	t.split(record)
	byName := false
	for key, into := range map[string]*int{"name": &t.name, "listed": &t.listed, "removed": &t.removed} {
		column, named, err := t.column(t.options.Columns[key])
		if err != nil {
			return false, fmt.Errorf("%w: columns.%s: %w", ErrColumns, key, err)
		}
		*into = column
		byName = byName || named
	}
	if byName {
		return true, nil
	}
	first := t.field(t.name)
	_, labels, _ := t.parser.name(bytes.TrimPrefix(bytes.TrimPrefix(first, []byte("*")), []byte(".")))
	return labels < 2 && !bytes.ContainsAny(first, ".:/"), nil
}

// column finds a column by its number or heading.
func (t *table) column(text string) (index int, named bool, err error) {
	if text == "" {
		return -1, false, nil
	}
	if number, err := strconv.Atoi(text); err == nil {
		return number - 1, false, nil
	}
	var headings []string
	for i, field := range t.fields {
		if strings.EqualFold(string(field), strings.TrimSpace(text)) {
			return i, true, nil
		}
		headings = append(headings, printable(string(field)))
	}
	return 0, false, fmt.Errorf("no column %q; the first line has %s", text, printable(strings.Join(headings, ", ")))
}

// separatorOf is that of a semicolon, a tab and a comma which the record has most of.
func separatorOf(record []byte) byte {
	best, most := byte(','), 0
	for _, c := range []byte{';', '\t', ','} {
		if count := bytes.Count(record, []byte{c}); count > most {
			best, most = c, count
		}
	}
	return best
}

// split cuts a record into its fields, without their quotes and outer white space.
func (t *table) split(record []byte) {
	t.fields = t.fields[:0]
	for more := true; more && len(t.fields) < blocklists.MaxColumns; {
		var field []byte
		field, record, more = t.cut(record)
		t.fields = append(t.fields, field)
	}
}

func (t *table) cut(record []byte) (field, rest []byte, more bool) {
	start := bytes.TrimLeft(record, " ")
	if len(start) == 0 || start[0] != '"' {
		field, rest, more = bytes.Cut(record, []byte{t.separator})
		return bytes.TrimSpace(field), rest, more
	}
	end := 1
	for ; end < len(start); end++ {
		if start[end] != '"' {
			continue
		}
		if end+1 < len(start) && start[end+1] == '"' {
			end++
			continue
		}
		break
	}
	field = start[1:min(end, len(start))]
	if bytes.IndexByte(field, '"') >= 0 {
		field = bytes.ReplaceAll(field, []byte(`""`), []byte(`"`))
	}
	_, rest, more = bytes.Cut(start[min(end+1, len(start)):], []byte{t.separator})
	return bytes.TrimSpace(field), rest, more
}
