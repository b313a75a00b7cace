package orders

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/redress"
)

// Submission is an order as it is sent. Times are RFC 3339.
type Submission struct {
	Ref          string               `json:"ref"`
	List         blocklists.ListID    `json:"list,omitempty"`
	Authority    blocklists.Authority `json:"authority"`
	LegalBasis   []blocklists.Basis   `json:"legal_basis"`
	Reasons      map[string]string    `json:"reasons,omitempty"`
	Jurisdiction []string             `json:"jurisdiction"`
	Language     string               `json:"language,omitempty"`
	Document     blocklists.Document  `json:"document,omitzero"`
	Entries      []Name               `json:"entries"`
	Received     string               `json:"received,omitempty"`
	Effective    string               `json:"effective,omitempty"`
	EnforceBy    string               `json:"enforce_by,omitempty"`
	Expires      string               `json:"expires,omitempty"`
	Redress      Redress              `json:"redress,omitzero"`
	Published    blocklists.Published `json:"published,omitzero"`
}

// Redress is where the order is contested, with the term as 30d.
type Redress struct {
	Venues       []blocklists.Venue `json:"venues,omitempty"`
	Deadline     string             `json:"deadline,omitempty"`
	DeadlineFrom string             `json:"deadline_from,omitempty"`
	Languages    []string           `json:"languages,omitempty"`
	Cost         string             `json:"cost,omitempty"`
}

// Name is one name of an order. It may be written as its text alone.
type Name struct {
	Name  string `json:"name"`
	Scope string `json:"scope,omitempty"` // exact where empty
}

// UnmarshalJSON reads {"name": …, "scope": …} or "name".
func (n *Name) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		return json.Unmarshal(text, &n.Name)
	}
	type plain Name
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plain)(n))
}

// invalid gathers what is wrong, field by field.
type invalid struct{ fields []redress.FieldProblem }

func (i *invalid) add(field, format string, args ...any) {
	i.fields = append(i.fields, redress.FieldProblem{Field: field, Text: fmt.Sprintf(format, args...)})
}

func (i *invalid) err() error {
	if len(i.fields) == 0 {
		return nil
	}
	return &redress.Invalid{Fields: i.fields}
}

// read makes an order of what was sent, as of a time. What cannot be read is told, and left
// empty in the order.
func (s *Submission) read(at time.Time, wrong *invalid) *blocklists.Order {
	order := &blocklists.Order{
		Ref: strings.TrimSpace(s.Ref), List: s.List, Authority: s.Authority, LegalBasis: s.LegalBasis, Reasons: s.Reasons, Jurisdiction: s.Jurisdiction,
		Language: s.Language, Document: s.Document, Published: s.Published,
		Received: readTime("received", s.Received, wrong), Effective: readTime("effective", s.Effective, wrong),
		EnforceBy: readTime("enforce_by", s.EnforceBy, wrong), Expires: readTime("expires", s.Expires, wrong),
		Redress: blocklists.Redress{Venues: s.Redress.Venues, DeadlineFrom: s.Redress.DeadlineFrom, Languages: s.Redress.Languages, Cost: s.Redress.Cost},
	}
	order.Authority.Name = strings.TrimSpace(order.Authority.Name)
	order.Redress.Deadline = readTerm("redress.deadline", s.Redress.Deadline, wrong)
	order.Entries = readNames("entries", s.Entries, wrong)
	switch {
	case order.Received.IsZero():
		order.Received = at.Truncate(time.Second)
	case order.Received.After(at.Add(maxAhead)):
		wrong.add("received", "lies in the future: it is %s here", at.Format(time.RFC3339))
	}
	if order.Effective.IsZero() {
		order.Effective = order.Received
	}
	return order
}

// maxAhead is how far the clock of a sender may be ahead of ours.
const maxAhead = 5 * time.Minute

// readTime reads a time in whole seconds, the next one for a part of one. Empty is zero.
func readTime(field, text string, wrong *invalid) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 2000 || at.Year() > 2100 {
		wrong.add(field, "%.40q is not a time as 2026-11-26T10:00:00Z", text)
		return time.Time{}
	}
	return at.Add(time.Second - 1).Truncate(time.Second).UTC()
}

// readTerm reads 30d or 36h.
func readTerm(field, text string, wrong *invalid) time.Duration {
	if text == "" {
		return 0
	}
	if digits, is := strings.CutSuffix(text, "d"); is {
		if days, err := strconv.ParseUint(digits, 10, 12); err == nil && days > 0 {
			return time.Duration(days) * 24 * time.Hour
		}
	} else if term, err := time.ParseDuration(text); err == nil && term > 0 && term < 4096*24*time.Hour {
		return term
	}
	wrong.add(field, "%.40q is not a term as 30d or 36h", text)
	return 0
}

// readNames reads names, each once.
func readNames(field string, names []Name, wrong *invalid) []blocklists.OrderEntry {
	if len(names) > blocklists.MaxOrderNames { // which Check tells
		return make([]blocklists.OrderEntry, len(names))
	}
	entries := make([]blocklists.OrderEntry, 0, len(names))
	seen := make(map[blocklists.OrderEntry]bool, len(names))
	for i, given := range names {
		entry := blocklists.OrderEntry{Text: given.Name}
		if name, err := parse.Name(strings.TrimSpace(given.Name)); err == nil {
			entry.Name = name
		}
		if given.Scope != "" {
			if err := entry.Scope.UnmarshalText([]byte(given.Scope)); err != nil {
				wrong.add(fmt.Sprintf("%s[%d].scope", field, i), "%.40q is not exact, subtree or below", given.Scope)
			}
		}
		key := entry
		if key.Name != "" {
			key.Text = ""
		}
		if !seen[key] {
			seen[key] = true
			entries = append(entries, entry)
		}
	}
	return entries
}

// fingerprint is of all that was sent, however it was written down.
func (s *Submission) fingerprint(order *blocklists.Order) [32]byte {
	same := *s
	same.Ref, same.Authority = order.Ref, order.Authority
	same.Entries = nil
	for _, entry := range sorted(order.Entries) {
		name := entry.Text
		if entry.Name != "" {
			name = entry.Name.String()
		}
		same.Entries = append(same.Entries, Name{Name: name, Scope: entry.Scope.String()})
	}
	return digestOf(&same)
}

func digestOf(value any) [32]byte {
	text, err := json.Marshal(value)
	if err != nil {
		text = fmt.Append(nil, value) // cannot happen: what was read as JSON can be written
	}
	return sha256.Sum256(text)
}

func sorted(entries []blocklists.OrderEntry) []blocklists.OrderEntry {
	return slices.SortedFunc(slices.Values(entries), func(a, b blocklists.OrderEntry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Scope, b.Scope))
	})
}

// digestOfNames is the SHA-256 of names: sorted, one a line, each with its scope.
func digestOfNames(entries []blocklists.OrderEntry) string {
	lines := make([]string, 0, len(entries))
	for _, entry := range entries {
		lines = append(lines, entry.Name.String()+" "+entry.Scope.String()+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}
