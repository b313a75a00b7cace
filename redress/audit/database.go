package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// VerifyDatabase holds the log of a database to its own heads and to those that the checker was
// given before, and every text that was not erased to its event.
func VerifyDatabase(ctx context.Context, db *store.DB, checker *Checker) (Result, error) {
	texts := ""
	err := db.View(ctx, func(view *store.View) error {
		if err := eachLine(ctx, view, func(line Line) error {
			_, err := takeLine(json.RawMessage(line.JSON), checker)
			return err
		}); err != nil {
			return err
		}
		err := cases.EachHashed(ctx, view, 0, func(event *redress.Event, content []byte) error {
			checker.Event(event, content)
			return nil
		})
		if err != nil {
			return err
		}
		err = cases.VerifyTexts(ctx, view)
		if errors.Is(err, cases.ErrChain) {
			texts = strings.TrimPrefix(err.Error(), cases.ErrChain.Error()+": ")
			return nil
		}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("verify the log: %w", err)
	}
	result := checker.End()
	if texts != "" {
		result.Faults = append(result.Faults, Fault{What: Changed, Detail: texts})
	}
	return result, nil
}

// pageOfLines is how many lines are read at once.
const pageOfLines = 1000

func eachLine(ctx context.Context, from store.Querier, do func(Line) error) error {
	for after := int64(0); ; {
		lines, err := Lines(ctx, from, after, pageOfLines)
		if err != nil || len(lines) == 0 {
			return err
		}
		for _, line := range lines {
			if err := do(line); err != nil {
				return fmt.Errorf("published line %d: %w", line.ID, err)
			}
			after = line.ID
		}
	}
}

// Export writes the log as JSON lines: what was published, every event after a sequence, and
// as the last line a head that signs what was written; without a signer there is none.
func Export(ctx context.Context, db *store.DB, to io.Writer, after int64, signer *Signer) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	err := db.View(ctx, func(view *store.View) error {
		err := eachLine(ctx, view, func(line Line) error {
			_, err := io.WriteString(to, line.JSON+"\n")
			return err
		})
		if err != nil {
			return err
		}
		last := after
		err = cases.EachHashed(ctx, view, after, func(event *redress.Event, content []byte) error {
			last = event.Sequence
			return WriteEvent(encoder, event, content)
		})
		if err != nil || signer == nil || last == after {
			return err
		}
		sequence, hash, err := cases.Last(ctx, view)
		if err != nil {
			return err
		}
		return encoder.Encode(signer.Head(sequence, hash, time.Now()))
	})
	if err != nil {
		return fmt.Errorf("export the log: %w", err)
	}
	return nil
}

// VerifyLog holds an exported log to what it says itself, and to the heads that the checker was
// given before.
func VerifyLog(from io.Reader, checker *Checker) (Result, error) {
	err := ReadLog(from, func(item Item) error {
		switch {
		case item.Event != nil:
			checker.Event(item.Event, item.Content)
		case item.Head != nil:
			checker.Head(*item.Head)
		case item.Key != nil:
			checker.Key(item.Key)
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	return checker.End(), nil
}
