package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// Book is what transparency reports are made of: the log of events, counted day by day. It is
// a fold: the same events give the same book, whether in one go or in parts, and who has the log can
// make it anew.
type Book struct {
	Sequence int64                        `json:"sequence"` // of the last event in it
	Hash     string                       `json:"hash"`     // of the last event in it
	Days     map[int32]*Day               `json:"days"`     // since 1970, UTC
	Open     map[redress.CaseID]*standing `json:"open"`     // cases that somebody has something to do about
	Waiting  map[redress.CaseID]*standing `json:"waiting"`  // and those that are closed, and whose decision is not in force yet
	Lists    map[string]known             `json:"lists"`    // those that are not secret
	Staff    []staffFrom                  `json:"staff"`

	past Past
	kept map[redress.CaseID]*standing // of a book that has no past to ask: cases that are closed
}

// Past gives the events of a case up to a sequence, the oldest first: those of a case that is
// closed and that something happens to again.
type Past func(id redress.CaseID, before int64) ([]redress.Event, error)

// Day is what happened on one day.
type Day struct {
	Counts map[string]int64           `json:"counts,omitempty"` // by key
	Gauges map[string]int64           `json:"gauges,omitempty"` // as they were last on the day
	Times  map[string]map[int32]int64 `json:"times,omitempty"`  // how often something took so many minutes
}

// known is what versions of a list said of it last.
type known struct {
	Purpose  string `json:"purpose"`
	Category string `json:"category,omitempty"`
	Scope    string `json:"scope,omitempty"`
}

// NewBook makes an empty book. Without a past it keeps all cases in memory.
func NewBook(past Past) *Book {
	b := &Book{Days: map[int32]*Day{}, Open: map[redress.CaseID]*standing{}, Waiting: map[redress.CaseID]*standing{}, Lists: map[string]known{}, past: past}
	if past == nil {
		b.kept = map[redress.CaseID]*standing{}
	}
	return b
}

// ReadBook reads what Encode wrote.
func ReadBook(octets []byte, past Past) (*Book, error) {
	b := NewBook(past)
	if err := json.Unmarshal(octets, b); err != nil {
		return nil, fmt.Errorf("book of the report: %w", err)
	}
	return b, nil
}

// Encode is the one form of a book. The same events give the same octets.
func (b *Book) Encode() ([]byte, error) { return json.Marshal(b) }

// Digest is the SHA-256 of the book's one form.
func (b *Book) Digest() (string, error) {
	octets, err := b.Encode()
	digest := sha256.Sum256(octets)
	return hex.EncodeToString(digest[:]), err
}

// Add takes the next event.
func (b *Book) Add(event *redress.Event) error {
	if event.Sequence <= b.Sequence {
		return fmt.Errorf("event %d is in the report already, which goes up to %d", event.Sequence, b.Sequence)
	}
	b.Sequence = event.Sequence
	if event.Hash != (redress.Hash{}) { // which who reads only what is counted does not read
		b.Hash = event.Hash.String()
	}
	if slices.Contains(Quiet(), event.Kind) {
		return nil
	}
	var err error
	switch {
	case event.Case != "":
		err = b.ofCase(event)
	case event.Order != 0:
		b.ofOrder(event)
	default:
		err = b.ofSubject(event)
	}
	if err != nil {
		return fmt.Errorf("event %d: %w", event.Sequence, err)
	}
	return nil
}

// Quiet are the kinds of events that no report counts and that neither open nor close a case: a log has many
// of them, and they need not be read.
func Quiet() []redress.EventKind {
	return []redress.EventKind{
		redress.MessageEvent, redress.AskedEvent, redress.RetestedEvent, redress.OverdueEvent, redress.RemindedEvent, redress.RecoveredEvent,
		redress.PublisherEvent, redress.ReviewEvent, redress.FollowedEvent, redress.HolderEvent,
	}
}

const secondsADay = 24 * 60 * 60

func dayOf(at time.Time) int32 { return int32(at.Unix() / secondsADay) }

// dateOf is the day as reports write it.
func dateOf(day int32) string {
	return time.Unix(int64(day)*secondsADay, 0).UTC().Format(time.DateOnly)
}

func (b *Book) day(day int32) *Day {
	made := b.Days[day]
	if made == nil {
		made = &Day{Counts: map[string]int64{}, Gauges: map[string]int64{}, Times: map[string]map[int32]int64{}}
		b.Days[day] = made
	}
	return made
}

// separator stands between the parts of a key, and in none of them.
const separator = "\x1f"

func keyOf(parts ...string) string {
	for i, part := range parts {
		if strings.Contains(part, separator) {
			parts[i] = strings.ReplaceAll(part, separator, " ")
		}
	}
	return strings.Join(parts, separator)
}

func (b *Book) count(at time.Time, n int64, parts ...string) {
	if n != 0 {
		counts := b.day(dayOf(at)).countsMap()
		counts[keyOf(parts...)] += n
	}
}

func (d *Day) countsMap() map[string]int64 {
	if d.Counts == nil {
		d.Counts = map[string]int64{}
	}
	return d.Counts
}

func (d *Day) gauge(n int64, parts ...string) {
	if d.Gauges == nil {
		d.Gauges = map[string]int64{}
	}
	d.Gauges[keyOf(parts...)] = n
}

func (b *Book) took(at time.Time, length time.Duration, parts ...string) {
	day := b.day(dayOf(at))
	if day.Times == nil {
		day.Times = map[string]map[int32]int64{}
	}
	key := keyOf(parts...)
	if day.Times[key] == nil {
		day.Times[key] = map[int32]int64{}
	}
	day.Times[key][stepOf(length)]++
}

// stepOf is a length in minutes as it is counted: to the minute up to two hours, to the quarter of
// an hour up to three days, to the hour up to thirty days, then to the day. It is rounded up.
func stepOf(length time.Duration) int32 {
	minutes := int64((max(0, length) + time.Minute - 1) / time.Minute)
	step := int64(1)
	switch {
	case minutes > 30*24*60:
		step = 24 * 60
	case minutes > 3*24*60:
		step = 60
	case minutes > 2*60:
		step = 15
	}
	return int32(min((minutes+step-1)/step*step, 100*365*24*60))
}

// undisclosed is the purpose of cases whose log does not say what they are about: those about nothing
// and those about secret lists, which look alike. unlisted is a list of which the log knows nothing more.
const (
	undisclosed = "undisclosed"
	unlisted    = "unknown"
)

func (b *Book) purposeOf(list string) string {
	if list == "" {
		return undisclosed
	}
	if of, found := b.Lists[list]; found && of.Purpose != "" {
		return of.Purpose
	}
	return unlisted
}
