package report

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Books keeps the book of a database's log up to date: what was counted is written down now and
// then, so that a report reads only what happened since.
type Books struct {
	db     *store.DB
	logger *slog.Logger

	once    sync.Once
	counted chan struct{} // closed when the log was counted once

	mu   sync.Mutex // guards what follows
	book *Book
}

// NewBooks makes books over a database that may be open to read alone.
func NewBooks(db *store.DB, logger *slog.Logger) *Books {
	return &Books{db: db, logger: logger, counted: make(chan struct{})}
}

// patience is how long somebody waits for the log to be counted for the first time.
const patience = 5 * time.Second

// Counted is Report for somebody who must not wait for long: while [Books.Run] counts the log for the first
// time there is none.
func (b *Books) Counted(ctx context.Context, operator, portal string, period Period) (*Transparency, error) {
	waited := time.NewTimer(patience)
	defer waited.Stop()
	select {
	case <-b.counted:
		return b.Report(ctx, operator, portal, period)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-waited.C:
		return nil, ErrCounting
	}
}

func (b *Books) past(ctx context.Context) Past {
	return func(id redress.CaseID, before int64) ([]redress.Event, error) {
		return cases.CaseEvents(ctx, b.db, id, before)
	}
}

// Report makes the report of a period from the log as it is now.
func (b *Books) Report(ctx context.Context, operator, portal string, period Period) (*Transparency, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.catchUp(ctx); err != nil {
		return nil, err
	}
	return b.book.Make(operator, portal, period)
}

// Recounted is Report from the whole log, whatever was written down.
func (b *Books) Recounted(ctx context.Context, operator, portal string, period Period) (*Transparency, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.book = NewBook(b.past(ctx))
	if err := b.catchUp(ctx); err != nil {
		return nil, err
	}
	return b.book.Make(operator, portal, period)
}

// catchUp counts what happened since. What was counted and is not what the log says any more is
// thrown away, and all is counted anew.
func (b *Books) catchUp(ctx context.Context) error {
	if b.book == nil {
		if err := b.restore(ctx); err != nil {
			return err
		}
	}
	b.book.past = b.past(ctx)
	defer b.once.Do(func() { close(b.counted) })
	last, hash, err := cases.Last(ctx, b.db)
	if err == nil {
		err = b.sameLog(ctx)
	}
	if err == nil {
		err = cases.EachUpTo(ctx, b.db, b.book.Sequence, last, Quiet(), b.book.Add)
	}
	if err != nil {
		b.book = nil // it may have a part of what failed
		return fmt.Errorf("count the log: %w", err)
	}
	if last > 0 { // what came last may say nothing that is counted
		b.book.Sequence, b.book.Hash = last, hash.String()
	}
	return nil
}

// sameLog throws away what was counted of another log than there is now.
func (b *Books) sameLog(ctx context.Context) error {
	if b.book.Sequence == 0 {
		return nil
	}
	hash, err := cases.HashAt(ctx, b.db, b.book.Sequence)
	if err != nil || hash.String() == b.book.Hash {
		return err
	}
	b.logger.Error("ALARM: the log is another than the one that was counted for the report; all of it is counted again")
	b.book = NewBook(b.past(ctx))
	return nil
}

// restore reads what was written down last.
func (b *Books) restore(ctx context.Context) error {
	var octets []byte
	err := b.db.QueryRowContext(ctx, `SELECT book FROM report_books ORDER BY sequence DESC LIMIT 1`).Scan(&octets)
	if errors.Is(err, sql.ErrNoRows) {
		b.book = NewBook(b.past(ctx))
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the book of the report: %w", err)
	}
	text, err := unpack(octets)
	if err == nil {
		b.book, err = ReadBook(text, b.past(ctx))
	}
	if err != nil { // the log has it all
		b.logger.Error("ALARM: what was counted for the report cannot be read; the log is counted again", "error", err)
		b.book = NewBook(b.past(ctx))
	}
	return nil
}

const (
	booksKept = 2    // how many are written down
	enough    = 1000 // events that make it worth while to write
)

// Keep counts what happened since and writes the book down, if enough did.
func (b *Books) Keep(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := int64(0)
	err := b.db.QueryRowContext(ctx, `SELECT coalesce(max(sequence), 0) FROM report_books`).Scan(&before)
	if err == nil {
		err = b.catchUp(ctx)
	}
	if err != nil || b.book.Sequence-before < enough {
		return err
	}
	text, err := b.book.Encode()
	if err != nil {
		return err
	}
	octets, err := pack(text)
	if err != nil {
		return err
	}
	return b.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO report_books (sequence, hash, book) VALUES (?, ?, ?) ON CONFLICT (sequence) DO NOTHING`, b.book.Sequence, b.book.Hash, octets)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM report_books WHERE sequence NOT IN (SELECT sequence FROM report_books ORDER BY sequence DESC LIMIT ?)`, booksKept)
		return err
	})
}

// Run keeps the book until the context ends.
func (b *Books) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := b.Keep(ctx); err != nil && ctx.Err() == nil {
			b.logger.Error("the book of the report is not up to date", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// VerifyBooks counts the whole log and says whether what was written down is what comes of it.
func VerifyBooks(ctx context.Context, db *store.DB) ([]audit.Fault, error) {
	written := map[int64]string{}
	var faults []audit.Fault
	err := store.Each(ctx, db, func(rows *sql.Rows) error {
		var sequence int64
		var octets []byte
		if err := rows.Scan(&sequence, &octets); err != nil {
			return err
		}
		text, err := unpack(octets)
		if err != nil {
			faults = append(faults, audit.Fault{Sequence: sequence, What: audit.Changed, Detail: "what was counted for the report up to here cannot be read"})
			return nil //nolint:nilerr // it is told
		}
		written[sequence] = string(text)
		return nil
	}, `SELECT sequence, book FROM report_books ORDER BY sequence`)
	if err != nil || len(written) == 0 {
		return faults, err
	}
	fresh := NewBooks(db, slog.New(slog.DiscardHandler))
	fresh.book = NewBook(fresh.past(ctx))
	for _, sequence := range slices.Sorted(maps.Keys(written)) {
		same, err := fresh.sameAt(ctx, sequence, written[sequence])
		if err != nil {
			return nil, err
		}
		if !same {
			faults = append(faults, audit.Fault{Sequence: sequence, What: audit.Changed, Detail: "what was counted for the report up to here is not what the log says"})
		}
	}
	return faults, nil
}

// sameAt counts on up to an event, and says whether that comes to what was written down.
func (b *Books) sameAt(ctx context.Context, sequence int64, written string) (bool, error) {
	hash, err := cases.HashAt(ctx, b.db, sequence)
	if err == nil {
		err = cases.EachUpTo(ctx, b.db, b.book.Sequence, sequence, Quiet(), b.book.Add)
	}
	if err != nil {
		return false, fmt.Errorf("count the log: %w", err)
	}
	b.book.Sequence, b.book.Hash = sequence, hash.String()
	text, err := b.book.Encode()
	return string(text) == written, err
}
