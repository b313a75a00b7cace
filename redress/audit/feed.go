package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Told is what the public may know of a list.
type Told struct {
	Title   string
	Purpose string
	Names   bool // also which names it has
}

// Feed is the news of the desk: what was decided, and the last head of the log. Who filed is
// never in it, and of secret lists nothing.
type Feed struct {
	origin string
	db     *store.DB
	told   func(list string) (Told, bool)

	mu   sync.Mutex // guards what follows
	made []byte
	at   time.Time
}

// NewFeed makes a feed. What may be told of a list is asked anew for each; false: nothing, as
// of a secret list or of one that is configured no more.
func NewFeed(origin string, db *store.DB, told func(list string) (Told, bool)) *Feed {
	return &Feed{origin: strings.TrimRight(origin, "/"), db: db, told: told}
}

const (
	feedKept  = time.Minute // for how long the feed is not made anew
	feedItems = 50          // decisions that it has
)

// Atom gives the feed (RFC 4287).
func (f *Feed) Atom(ctx context.Context) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made != nil && time.Since(f.at) < feedKept {
		return f.made, nil
	}
	made, err := f.build(ctx)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	octets, err := xml.MarshalIndent(made, "", " ")
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	f.made, f.at = append([]byte(xml.Header), octets...), time.Now()
	return f.made, nil
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Link    []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title   string   `xml:"title"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (f *Feed) build(ctx context.Context) (*atomFeed, error) {
	made := &atomFeed{
		Title: "Decisions and the audit log", ID: f.origin + "/audit/feed.atom", Author: f.origin, Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Link: []atomLink{{Rel: "self", Href: f.origin + "/audit/feed.atom"}, {Rel: "related", Href: f.origin + "/audit/heads"}},
	}
	err := f.db.View(ctx, func(view *store.View) error {
		head, err := f.head(ctx, view)
		if err != nil {
			return err
		}
		made.Entries = append(made.Entries, head...)
		decisions, err := f.decisions(ctx, view)
		made.Entries = append(made.Entries, decisions...)
		return err
	})
	for i := range made.Entries {
		made.Updated = max(made.Updated, made.Entries[i].Updated)
	}
	return made, err
}

// head is the last one that was published.
func (f *Feed) head(ctx context.Context, from store.Querier) ([]atomEntry, error) {
	var line string
	err := from.QueryRowContext(ctx, `SELECT line FROM heads WHERE sequence IS NOT NULL ORDER BY id DESC LIMIT 1`).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var head redress.Head
	if err == nil {
		err = json.Unmarshal([]byte(line), &head)
	}
	if err != nil {
		return nil, err
	}
	return []atomEntry{{
		Title: fmt.Sprintf("The audit log has %d events", head.Sequence), ID: f.origin + "/audit/heads#" + head.At.Format(redress.HeadTime),
		Updated: head.At.Format(time.RFC3339), Link: atomLink{Rel: "alternate", Href: f.origin + "/audit/heads"}, Content: atomText{Type: "text", Text: line},
	}}, nil
}

// decision is an event with what the case was filed about.
type decision struct {
	sequence int64
	at       time.Time
	kind     redress.EventKind
	content  redress.Content
	about    redress.Content
}

// read is how many decisions are looked at for those that are public.
const read = 4 * feedItems

func (f *Feed) decisions(ctx context.Context, from store.Querier) ([]atomEntry, error) {
	var found []decision
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		one, err := scanDecision(rows)
		found = append(found, one)
		return err
	}, `SELECT d.sequence, d.at, d.kind, d.content, coalesce((SELECT f.content FROM events f WHERE f.case_id = d.case_id ORDER BY f.sequence LIMIT 1), '{}')
		FROM events d WHERE d.kind IN ('decided', 'authority_decided') ORDER BY d.sequence DESC LIMIT ?`, read)
	var entries []atomEntry
	for i := range found {
		if entry, public := f.entry(&found[i]); public && len(entries) < feedItems {
			entries = append(entries, entry)
		}
	}
	return entries, err
}

func scanDecision(rows *sql.Rows) (decision, error) {
	var (
		one            decision
		at             int64
		content, about string
	)
	err := rows.Scan(&one.sequence, &at, &one.kind, &content, &about)
	one.at = time.UnixMicro(at).UTC()
	return one, errors.Join(err, json.Unmarshal([]byte(content), &one.content), json.Unmarshal([]byte(about), &one.about))
}

// entry tells of a decision, if its list may be told of.
func (f *Feed) entry(of *decision) (atomEntry, bool) {
	told, known := f.told(of.about.List)
	if of.about.List == "" || !known {
		return atomEntry{}, false
	}
	what := outcomeWords(of)
	if told.Names && of.about.Entry != "" {
		what = of.about.Entry + ": " + what
	}
	text := fmt.Sprintf("%s. List: %s. Purpose: %s.", what, told.Title, told.Purpose)
	if question := of.content.Question; question != "" {
		text += fmt.Sprintf(" Question: %s.", question)
	}
	return atomEntry{
		Title: what, ID: fmt.Sprintf("%s/audit/events/%d", f.origin, of.sequence), Updated: of.at.Format(time.RFC3339),
		Link: atomLink{Rel: "alternate", Href: f.origin + "/report"}, Content: atomText{Type: "text", Text: text},
	}, true
}

func outcomeWords(of *decision) string {
	if of.kind == "authority_decided" {
		return "the authority has decided"
	}
	switch of.content.Outcome {
	case redress.Uphold:
		return "the block stays"
	case redress.Reverse:
		return "the block was lifted"
	case redress.Narrow:
		return "the block was narrowed"
	}
	return "decided: " + string(of.content.Outcome)
}
