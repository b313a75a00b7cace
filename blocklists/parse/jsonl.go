package parse

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// maxJSONLines bounds what is held until the last line is known to be the last word.
const maxJSONLines = 5_000_000

// jsonLine is a line of our own format. Order and Comment are for people.
type jsonLine struct {
	Name      string            `json:"name"`
	Prefix    string            `json:"prefix"`
	Scope     *blocklists.Scope `json:"scope"`
	Action    blocklists.Action `json:"action"`
	From      time.Time         `json:"from"`
	Until     time.Time         `json:"until"`
	Tombstone bool              `json:"tombstone"`
	Order     string            `json:"order"`
	Comment   string            `json:"comment"`
}

// jsonKey is what makes two lines speak of one entry.
type jsonKey struct {
	name   string
	scope  blocklists.Scope
	prefix netip.Prefix
}

// jsonLines holds the last line of each entry: a later line takes the place of an
// earlier one, and a tombstone takes the entry away.
type jsonLines struct {
	*parser
	rows map[jsonKey]jsonRow
}

type jsonRow struct {
	line        uint32
	action      blocklists.Action
	from, until uint32
	tombstone   bool
}

func readJSONLines(p *parser, in *bufio.Reader) error {
	j := &jsonLines{parser: p, rows: make(map[jsonKey]jsonRow)}
	if err := p.lines(in, maxRecord, j.read); err != nil {
		return err
	}
	byLine := func(a, b jsonKey) int { return cmp.Compare(j.rows[a].line, j.rows[b].line) }
	for _, key := range slices.SortedFunc(maps.Keys(j.rows), byLine) {
		if err := j.emit(key, j.rows[key]); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonLines) read(text []byte) error {
	var line jsonLine
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&line)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = fmt.Errorf("more than one object")
		}
	}
	if err != nil {
		j.refuse("no line of this format: " + printable(err.Error()))
		return nil
	}
	key, reason := j.key(&line)
	if reason != "" {
		j.refuse(reason)
		return nil
	}
	if len(j.rows) >= maxJSONLines {
		return fmt.Errorf("line %d: %w: more than %d entries of format jsonl", j.line, ErrTooLong, maxJSONLines)
	}
	j.rows[key] = jsonRow{line: j.line, action: line.Action, from: instant(line.From), until: instant(line.Until), tombstone: line.Tombstone}
	return nil
}

func (j *jsonLines) key(line *jsonLine) (jsonKey, string) {
	scope := j.options.Scope
	if line.Scope != nil {
		scope = *line.Scope
	}
	switch {
	case (line.Name == "") == (line.Prefix == ""):
		return jsonKey{}, "must have one of name and prefix"
	case line.Action == blocklists.LocalData:
		return jsonKey{}, "action local-data is for response policy zones"
	case !line.Until.IsZero() && !line.Until.After(line.From):
		return jsonKey{}, "until is not after from"
	case line.Prefix != "":
		prefix, ok := parsePrefix(line.Prefix)
		if !ok || line.Scope != nil {
			return jsonKey{}, "prefix is no address prefix, or has a scope"
		}
		return jsonKey{prefix: prefix}, ""
	}
	name, _, reason := j.name([]byte(line.Name))
	return jsonKey{name: string(name), scope: scope}, reason
}

// emit gives out an entry whose line is the last.
func (j *jsonLines) emit(key jsonKey, row jsonRow) error {
	if row.tombstone {
		j.report.Removed++
		return nil
	}
	j.line = row.line
	made := Row{Action: row.action, Scope: key.scope, From: row.from, Until: row.until}
	if key.name != "" {
		made.Name = []byte(key.name)
		return j.named(made)
	}
	j.text = []byte(key.prefix.String())
	if !j.admits[blocklists.OnAddress] {
		j.decline("an address, and match does not have address")
		return nil
	}
	made.Trigger, made.Prefix = blocklists.OnAddress, key.prefix
	return j.give(&made)
}

// instant is a time as rows have it.
func instant(at time.Time) uint32 {
	if at.IsZero() {
		return 0
	}
	return uint32(min(max(at.Unix(), 1), 1<<32-1))
}
