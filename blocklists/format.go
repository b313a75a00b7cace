package blocklists

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// formats are those that are read. Auto, like none, is told from the first lines.
var formats = []string{"auto", "hosts", "domains", "wildcard", "adblock", "dnsmasq", "unbound", "rpz", "csv", "xml", "json", "jsonl"}

// encodings are what a text may be in, beside what its byte order mark says.
var encodings = []string{"utf-8", "windows-1250", "windows-1252", "windows-1257", "iso-8859-1", "iso-8859-2", "iso-8859-15", "utf-16", "utf-16le", "utf-16be"}

// columnKeys are the columns of a table that are looked at.
var columnKeys = []string{"name", "listed", "removed"}

// matches are the words of `match`: what of a question and its answer a list is held to.
var matches = []string{"question", "alias", "address", "hint", "nameserver", "client"}

// Matches says whether the list's `match` has one of the words. A list without the key
// has none of them, and means question and alias.
func (m *Manifest) Matches(words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(m.Match, word) })
}

// Location is the time zone of the list's dates; UTC where the manifest does not say.
func (m *Manifest) Location() *time.Location {
	if place, err := time.LoadLocation(m.Timezone); err == nil { // Problems has told about another
		return place
	}
	return time.UTC
}

// checkFormat holds the keys that say how the text is read to what the format needs.
func (m *Manifest) checkFormat(found *problems) {
	if m.Source.IsZone() && m.Format != "" && m.Format != "rpz" {
		found.add("format", "%q does not fit a zone that is transferred: leave it out", m.Format)
	} else if m.Format != "" && !slices.Contains(formats, m.Format) {
		found.add("format", "%q is not one of %s", m.Format, strings.Join(formats, ", "))
	}
	if m.Encoding != "" && !slices.Contains(encodings, strings.ToLower(m.Encoding)) {
		found.add("encoding", "%q is not one of %s", m.Encoding, strings.Join(encodings, ", "))
	}
	if _, err := time.LoadLocation(m.Timezone); err != nil {
		found.add("timezone", "%q is no time zone: write it as Europe/Prague", m.Timezone)
	}
	for i, word := range m.Match {
		if !slices.Contains(matches, word) {
			found.add(fmt.Sprintf("match[%d]", i), "%q is not one of %s", word, strings.Join(matches, ", "))
		}
	}
	if _, err := wire.ParseName(m.Source.Zone); err != nil && m.Source.Zone != "" {
		found.add("source.zone", "%s", err)
	}
	if m.Source.Zone != "" && m.Format != "rpz" && m.Format != "auto" && m.Format != "" {
		found.add("source.zone", "is for format rpz, not for %s", m.Format)
	}
	m.checkColumns(found)
}

func (m *Manifest) checkColumns(found *problems) {
	table := m.Format == "csv"
	if len(m.Columns) > 0 && !table && m.Format != "auto" && m.Format != "" {
		found.add("columns", "are for format csv, not for %s", m.Format)
		return
	}
	if m.Columns["name"] == "" && (table || len(m.Columns) > 0) {
		found.add("columns", "has no name: say which column the names are in, by number or heading, as {name: 1, listed: 2, removed: 3}")
	}
	for key, column := range m.Columns {
		number, err := strconv.Atoi(column)
		switch {
		case !slices.Contains(columnKeys, key):
			found.add("columns."+key, "unknown key; here may stand %s", strings.Join(columnKeys, ", "))
		case err == nil && (number < 1 || number > MaxColumns):
			found.add("columns."+key, "%d is no column: they are counted from 1, to %d", number, MaxColumns)
		}
	}
}

// MaxColumns is how many columns of a table are looked at.
const MaxColumns = 256
