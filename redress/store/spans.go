package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

const (
	// span is how many events a reader reads at a time, and readers how many read: what they have read and
	// nobody has taken yet is bounded by both.
	span    = 20_000
	readers = 2
)

// EachUpTo gives the events after a sequence up to another, but for those of some kinds, the oldest first. It
// reads at several places of the log at once, which does not change any more; hashes and commitments to texts are
// not read. An event is valid until do returns. The first error ends it.
func EachUpTo(ctx context.Context, db *policystore.DB, after, last int64, but []redress.EventKind, do func(event *redress.Event) error) error {
	return eachSpan(ctx, db, span, after, last, but, do)
}

func eachSpan(ctx context.Context, db *policystore.DB, span, after, last int64, but []redress.EventKind, do func(event *redress.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	spans := make(chan chan spanRead, readers-1) // in the order of the log
	free := make(chan []redress.Event, readers+1)
	reading.Go(func() {
		defer close(spans)
		for ; after < last && ctx.Err() == nil; after += span {
			read, from := make(chan spanRead, 1), after
			select {
			case spans <- read:
			case <-ctx.Done():
				return
			}
			reading.Go(func() {
				var room []redress.Event
				select {
				case room = <-free: // of a span that was taken
				default:
				}
				read <- readSpan(ctx, db, from, min(from+span, last), but, room)
			})
		}
	})
	for read := range spans {
		one := <-read
		if one.err != nil {
			return one.err
		}
		for i := range one.events {
			if err := do(&one.events[i]); err != nil {
				return err
			}
		}
		select {
		case free <- one.events[:0]:
		default:
		}
	}
	return ctx.Err()
}

// spanRead is a part of the log, or why it cannot be read.
type spanRead struct {
	events []redress.Event
	err    error
}

func readSpan(ctx context.Context, db *policystore.DB, after, last int64, but []redress.EventKind, room []redress.Event) spanRead {
	reader := briefReader{events: room, words: map[string]string{}}
	err := policystore.Each(ctx, db, reader.scan, spanQuery(but), after, last)
	return spanRead{events: reader.events, err: err}
}

// spanQuery names the kinds as they are written in the migration that made the index events_counted: with
// parameters no database would know that it has what is asked for.
func spanQuery(but []redress.EventKind) string {
	query := `SELECT sequence, COALESCE(case_id, ''), COALESCE(order_id, 0), subject, at, kind, actor, role, content FROM events WHERE sequence > ? AND sequence <= ?`
	if len(but) > 0 {
		quoted := make([]string, 0, len(but))
		for _, kind := range but {
			quoted = append(quoted, `'`+strings.ReplaceAll(string(kind), `'`, `''`)+`'`)
		}
		query += ` AND kind NOT IN (` + strings.Join(quoted, ", ") + `)`
	}
	return query + ` ORDER BY sequence`
}

// briefReader reads rows without their hashes. Words that many events have it keeps once.
type briefReader struct {
	events                                 []redress.Event
	words                                  map[string]string
	one, subject, kind, actor, role, texts sql.RawBytes
}

func (b *briefReader) scan(rows *sql.Rows) error {
	b.events = append(b.events, redress.Event{})
	event := &b.events[len(b.events)-1]
	var at int64
	if err := rows.Scan(&event.Sequence, &b.one, &event.Order, &b.subject, &at, &b.kind, &b.actor, &b.role, &b.texts); err != nil {
		return err
	}
	event.Case, event.Subject, event.Kind = redress.CaseID(b.one), b.word(b.subject), redress.EventKind(b.word(b.kind))
	event.At, event.Actor = time.UnixMicro(at).UTC(), redress.Actor{Name: b.word(b.actor), Role: redress.ActorRole(b.word(b.role))}
	if err := readContent(b.texts, &event.Content, b.word); err != nil {
		return fmt.Errorf("event %d: %w", event.Sequence, err)
	}
	return nil
}

// mostWords bounds what is kept of them.
const mostWords = 1000

func (b *briefReader) word(octets []byte) string {
	if kept, is := b.words[string(octets)]; is {
		return kept
	}
	made := string(octets)
	if len(b.words) < mostWords {
		b.words[made] = made
	}
	return made
}
