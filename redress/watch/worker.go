package watch

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// round is the time between two looks.
const round = time.Minute

// Worker tells watchers what changed. Several nodes may each have one.
type Worker struct {
	office   *Office
	blocking func(wire.Name) []string
	logger   *slog.Logger
	seen     map[string]string // by watch, what blocked its name at the last look, where that was new
}

// NewWorker makes a worker. Blocking gives the lists, none of them secret, that block a name now.
func NewWorker(office *Office, blocking func(wire.Name) []string, logger *slog.Logger) *Worker {
	return &Worker{office: office, blocking: blocking, logger: logger, seen: make(map[string]string)}
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	for {
		if err := w.Round(ctx); err != nil && ctx.Err() == nil {
			w.logger.Error("watched names were not looked at; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Round looks at every watched name once, and erases what nobody confirmed.
func (w *Worker) Round(ctx context.Context) error {
	if err := w.office.erase(ctx, time.Now()); err != nil {
		return err
	}
	var changed []row
	seen := make(map[string]string)
	err := store.Each(ctx, w.office.db, func(rows *sql.Rows) error {
		one, err := scan(rows)
		if err != nil {
			return err
		}
		now := joined(w.blocking(one.name))
		if now == one.lists {
			return nil
		}
		if before, known := w.seen[one.id]; known && before == now {
			changed = append(changed, one)
		}
		seen[one.id] = now
		return nil
	}, `SELECT `+columns+` FROM watches WHERE confirmed_at IS NOT NULL`)
	if err != nil {
		return fmt.Errorf("read watches: %w", err)
	}
	w.seen = seen
	for _, one := range changed {
		if err := w.office.tell(ctx, one, seen[one.id]); err != nil {
			return err
		}
		delete(w.seen, one.id)
	}
	return nil
}

// tell writes what blocks the name now, unless another node did.
func (o *Office) tell(ctx context.Context, one row, lists string) error {
	mailbox, err := o.seal.Open(one.contact, placeOf(one.id))
	if err != nil {
		return fmt.Errorf("tell watch: %w", err)
	}
	err = o.db.Tx(ctx, func(tx *store.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE watches SET lists = ?, told = told + 1 WHERE id = ? AND lists = ? AND told = ?`, lists, one.id, one.lists, one.told)
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); err != nil || changed == 0 {
			return err
		}
		message := o.letters.Watched(one.language, one.name.String(), strings.Fields(lists), o.leavePath(one.id))
		message.To, message.Key = notify.Mail(string(mailbox)), fmt.Sprintf("watch/%s/%d", one.id, one.told+1)
		return notify.Queue(ctx, tx, message)
	})
	if err != nil {
		return fmt.Errorf("tell watch: %w", err)
	}
	return nil
}

// erase takes away watches that nobody confirmed in time, and those whose mail came back.
func (o *Office) erase(ctx context.Context, now time.Time) error {
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM watches WHERE confirmed_at IS NULL AND at < ?
			OR EXISTS (SELECT 1 FROM notices n WHERE n.bounced_at IS NOT NULL AND n.key IN ('watch/' || watches.id || '/confirm', 'watch/' || watches.id || '/' || watches.told))`, now.Add(-openLife).UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("erase watches: %w", err)
	}
	return nil
}
