package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
)

// ledger is what safeguards held and people released: in the database, and beside it
// in a file, from which a dry run reads it without taking the state.
type ledger struct {
	database *store.DB
	path     string
	told     discloser
	logger   *slog.Logger

	mu sync.Mutex // one change at a time, so that the newer file is written last
}

// read gives the ledger as of now.
func (l *ledger) read(ctx context.Context, now time.Time) (*guard.Ledger, error) {
	records, err := l.database.Ledger(ctx)
	if store.Unavailable(err) {
		l.logger.Error("the ledger of holds is read from its copy, for the database cannot be used", "error", err)
		return readLedger(l.path, now)
	}
	if err != nil {
		return nil, err
	}
	return guard.NewLedger(records, now), nil
}

// change makes a change in the database, and writes the file anew.
func (l *ledger) change(ctx context.Context, do func(*store.Tx) error) (*guard.Ledger, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.database.Tx(ctx, do); err != nil {
		return nil, err
	}
	fresh, err := l.read(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	if err := writeLedger(l.path, fresh); err != nil { // the database has it; the file is a copy
		l.logger.Warn("the ledger of holds is not on disk beside the database", "error", err)
	}
	return fresh, nil
}

// writeLedger leaves, whenever the machine stops, the old file or the new one.
func writeLedger(path string, ledger *guard.Ledger) error {
	aside, err := os.CreateTemp(filepath.Dir(path), ".holds-*") // mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(ledger.Write(aside), aside.Sync(), aside.Close())
	if err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	return nil
}

// readLedger reads the file of a state that somebody else may hold. Where there is
// none, nothing was ever held.
func readLedger(path string, now time.Time) (*guard.Ledger, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // the nil ledger knows of nothing
	}
	if err != nil {
		return nil, fmt.Errorf("ledger of holds: %w", err)
	}
	defer file.Close()
	ledger, err := guard.ReadLedger(file, now)
	if err != nil {
		return nil, fmt.Errorf("ledger of holds %q: %w", path, err)
	}
	return ledger, nil
}

// release is one person's word on holds of a list.
type release struct {
	List  blocklists.ListID    `json:"list"`
	Name  string               `json:"name,omitempty"`  // a name or a prefix
	Whole blocklists.Safeguard `json:"whole,omitempty"` // or all that the list brings: growth, shrink, spike
	By    string               `json:"by"`
	Note  string               `json:"note,omitempty"`
}

// release writes it, and gives the holds as they are then.
func (l *ledger) release(ctx context.Context, what release, actor string) ([]blocklists.Hold, error) {
	subject, err := subjectText(what.Name)
	if err != nil {
		return nil, err
	}
	var released []blocklists.Hold
	_, err = l.change(ctx, func(tx *store.Tx) error {
		var err error
		released, err = tx.Release(ctx, what.List, subject, what.Whole, blocklists.Release{By: what.By, Note: what.Note, At: time.Now().UTC()}, actor)
		if err != nil {
			return err
		}
		return l.told.noteRelease(ctx, tx, what, released, actor)
	})
	return released, err
}

// subjectText is a name or a prefix as the ledger has it.
func subjectText(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked().String(), nil
	}
	name, err := nameOf(text)
	if err != nil {
		return "", err
	}
	return name.String(), nil
}
