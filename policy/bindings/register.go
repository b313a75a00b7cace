package bindings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/journal"
	"github.com/recourse-dns/recourse/policy/sealed"
)

// Register is a table that outlives a restart.
type Register struct {
	*Table
	logger *slog.Logger

	mu      sync.Mutex // guards what follows: one Apply at a time, so that the file has its order
	log     *sealed.Log
	written names                    // what the file has of names
	compact int64                    // how large the file was when it was last written anew
	changes *journal.Journal[Change] // nil until somebody follows
}

// names are those that a file has given numbers, in the order in which it names them.
type names struct{ profiles, jurisdictions map[string]uint64 }

func newNames() names {
	return names{profiles: map[string]uint64{"": 0}, jurisdictions: map[string]uint64{"": 0}}
}

// OpenRegister reads what was bound when the file was last written. What cannot be read of a
// damaged file is said and is lost; what could be is in force.
func OpenRegister(path string, key sealed.Key, logger *slog.Logger) (*Register, error) {
	r := &Register{Table: New(), logger: logger, written: newNames()}
	reader := Reader{apply: func(changes []Change) { r.Table.Apply(changes, time.Now()) }}
	log, err := sealed.Open(path, key, reader.Read)
	if log == nil {
		return nil, fmt.Errorf("bindings: %w", err)
	}
	r.log = log
	reader.End()
	r.Sweep(time.Now())
	if err != nil {
		logger.Error("not all bindings of clients could be read; the others are in force, and the file is kept aside", "error", err, "bindings", r.Len())
	}
	if err := r.rewrite(); err != nil {
		return nil, errors.Join(fmt.Errorf("bindings: %w", err), log.Close())
	}
	return r, nil
}

// Apply is that of the table, and written down. The error says that what is in force is not.
func (r *Register) Apply(changes []Change, at time.Time) (refused map[int]error, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused = r.Table.Apply(changes, at)
	w := Writer{names: &r.written, emit: r.log.Append}
	for i := range changes {
		if refused[i] == nil {
			w.Add(&changes[i])
		}
	}
	r.tell(changes, refused)
	return refused, w.End()
}

// intervals of what is done beside.
const (
	sweepEvery = time.Minute
	syncEvery  = 5 * time.Second
)

// Run sweeps, and has the disk keep what was written, until the context ends.
func (r *Register) Run(ctx context.Context) {
	sweep, sync := time.NewTicker(sweepEvery), time.NewTicker(syncEvery)
	defer sweep.Stop()
	defer sync.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-sync.C:
			err = r.sync()
		case at := <-sweep.C:
			r.Sweep(at)
			err = r.tidy()
		}
		if err != nil {
			r.logger.Error("bindings of clients are not on the disk", "error", err)
		}
	}
}

func (r *Register) sync() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Sync()
}

// slack is how much a file may hold of what is out of date, whatever its size.
const slack = 1 << 20

// tidy writes the file anew when most of it is out of date.
func (r *Register) tidy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.log.Size() < 2*r.compact+slack {
		return nil
	}
	return r.rewrite()
}

func (r *Register) rewrite() error {
	fresh := newNames()
	err := r.log.Rewrite(func(emit func([]byte) error) error {
		w := Writer{names: &fresh, emit: emit}
		for subject, binding := range r.All {
			w.Add(&Change{Subject: subject, Profile: binding.Profile, Jurisdiction: binding.Jurisdiction, Until: binding.Until})
		}
		return w.End()
	})
	if err == nil {
		r.written, r.compact = fresh, r.log.Size()
	}
	return err
}

// Close ends the file.
func (r *Register) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.log.Sync(), r.log.Close())
}
