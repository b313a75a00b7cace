package redress

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Contested is what a list's publisher is told of a name of whose block something was lifted: which, on
// which day, and how many filings there were. Of who filed it tells nothing.
type Contested struct {
	Name    string
	Scope   string
	Outcome Outcome // of the last decision of the day
	Day     time.Time
	Filings int
}

// toldEvery is the length of time that reversals are told together.
const toldEvery = 24 * time.Hour

// maxContested is the most names of one copy.
const maxContested = 10_000

// toldAt is when the publisher is told of what is decided at a time: when the day, in UTC, is over.
func toldAt(at time.Time) time.Time { return at.UTC().Truncate(toldEvery).Add(toldEvery) }

// tellPublisher sends a list's publisher the reversals of a day, once for all of its cases: the first clock
// that is served writes for all.
func (d *Desk) tellPublisher(ctx context.Context, due DueClock) error {
	one, err := d.store.Case(ctx, due.Case)
	if err != nil {
		return fmt.Errorf("copy to publisher: %w", err)
	}
	day := due.At.Add(-time.Nanosecond).UTC().Truncate(toldEvery)
	notice, told, err := d.copyFor(ctx, one, day)
	if err != nil {
		return fmt.Errorf("copy to publisher: %w", err)
	}
	return d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) {
		change := c.unchanged()
		if told {
			change.Notices = append(change.Notices, notice)
			change.told(PublisherEvent, clerk, at, Content{})
		}
		return change, nil
	})
}

// copyFor writes the copy of a day; false where the publisher has no mailbox or may not be told.
func (d *Desk) copyFor(ctx context.Context, one *Case, day time.Time) (notify.Message, bool, error) {
	match, found := d.match(one.Entry)
	if !found || Secret(&match) {
		return notify.Message{}, false, nil
	}
	address, isMail := strings.CutPrefix(match.Manifest.Publisher.Contact, "mailto:")
	if !isMail {
		return notify.Message{}, false, nil
	}
	if _, err := notify.ParseAddress(address); err != nil {
		return notify.Message{}, false, nil //nolint:nilerr // the manifest's own mistake must not stop the clerk
	}
	list := one.Entry.List
	names, err := d.store.Contested(ctx, list, day, day.Add(toldEvery), maxContested)
	if err != nil || len(names) == 0 {
		return notify.Message{}, false, err
	}
	on := day.Format(time.DateOnly)
	var body strings.Builder
	fmt.Fprintf(&body, "%s decided on %s that these names of your list %s are not to be blocked, or not as they are listed.\n\n%s\n", d.config.Operator, on, list, contestedHead)
	rows := make([]map[string]any, 0, len(names))
	for _, name := range names {
		body.WriteString(name.csv())
		rows = append(rows, map[string]any{"name": name.Name, "scope": name.Scope, "outcome": name.Outcome, "count": name.Filings, "day": on})
	}
	reversals := strings.TrimRight(d.config.Portal, "/") + "/api/v1/lists/" + string(list) + "/reversals"
	fmt.Fprintf(&body, "\nAll reversals with their reasons: %s\nThe names to take off, one a line: %s?format=domains\n", reversals, reversals)
	return notify.Message{
		To: notify.Mail(address), Kind: "list.reversal", Subject: fmt.Sprintf("Reversals against your list %s on %s", list, on), Body: body.String(),
		Data: map[string]any{"list": list, "day": on, "names": rows}, Key: fmt.Sprintf("list/%s/reversals/%s", list, on),
	}, true, nil
}

// contestedHead is the first line of a file of names.
const contestedHead = "day,name,scope,outcome,count"

// csv is the name's line. None of its fields can hold a comma or a quote.
func (c *Contested) csv() string {
	return fmt.Sprintf("%s,%s,%s,%s,%d\n", c.Day.Format(time.DateOnly), c.Name, c.Scope, c.Outcome, c.Filings)
}

// ErrFormat says that there is no such form of a file.
var ErrFormat = errors.New("the format must be csv or domains")

// ContestedFile is what was reversed against a list in the last year, for its publisher's programs: csv has a
// line a day and name with the number of filings, domains the names alone that are to be taken off the list.
func (d *Desk) ContestedFile(ctx context.Context, list blocklists.ListID, format string) (string, error) {
	if format != "csv" && format != "domains" {
		return "", ErrFormat
	}
	if d.config.Entries == nil {
		return "", ErrNotFound
	}
	if _, told := d.config.Entries(list); !told {
		return "", ErrNotFound
	}
	names, err := d.store.Contested(ctx, list, now().AddDate(-1, 0, 0).Truncate(toldEvery), now(), maxContested)
	if err != nil {
		return "", fmt.Errorf("contested names: %w", err)
	}
	var file strings.Builder
	if format == "csv" {
		file.WriteString(contestedHead + "\n")
	}
	taken := make(map[string]bool)
	for i := range names {
		name := &names[i]
		switch {
		case format == "csv":
			file.WriteString(name.csv())
		case name.Outcome == Reverse && !taken[name.Name]:
			taken[name.Name] = true
			file.WriteString(name.Name + "\n")
		}
	}
	return file.String(), nil
}
