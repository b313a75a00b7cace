package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/blocklists/turns"
)

// keeper is the work on one list, between two notes.
type keeper struct {
	store    *Store
	memory   *memory
	dir      string
	manifest *blocklists.Manifest
	note     *note
	asked    error // why the source cannot be used, if it was asked
}

// Known is what an origin may build on: the marks of the newest octets from the very same
// source, and the octets. The zero value is nothing.
type Known struct {
	*Version
	Open func() (io.ReadCloser, error)
}

// Brought is what an origin says of the octets that it wrote.
type Brought struct {
	Marks
	// Wait is how long the source wants to be left alone.
	Wait time.Duration
}

// Unchanged is the error of an origin whose source has what is known already.
var Unchanged = errors.New("the source has nothing new") //nolint:staticcheck // it is an answer rather than a failure, as io.EOF is

// Later is the error of an origin whose source says when to ask again, or that no
// change is to be expected before.
type Later struct {
	Wait time.Duration
	Err  error
}

func (l *Later) Error() string { return l.Err.Error() }

// Unwrap gives what the source was asked in vain for.
func (l *Later) Unwrap() error { return l.Err }

// errNotKept marks that the octets could not be written, which is no fault of the source.
var errNotKept = errors.New("no copy could be kept")

// ask has the source asked, and makes what it has a candidate.
func (s *Store) ask(ctx context.Context, m *blocklists.Manifest) error {
	memory := s.lists.memory(m.ID)
	memory.asking.Lock()
	defer memory.asking.Unlock()
	if m.Source.File != "" {
		defer s.lists.oneFile(ctx)()
	}
	errand, err := s.prepare(m)
	if err == nil {
		defer errand.end()
		errand.going = &s.lists.going
		err = errand.run(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k, done, wrong := s.keeper(m)
	if wrong != nil {
		return wrong
	}
	defer done()
	memory.aside = ""
	return k.finish(errand, err)
}

// errand is one asking of one source. It holds no lock.
type errand struct {
	manifest *blocklists.Manifest
	origin   Origin
	known    Known
	aside    *os.File
	version  Version
	wait     time.Duration
	says     bool          // what is found to be the same is said anew
	going    *turns.Shared // hashing at the same time
}

func (s *Store) prepare(m *blocklists.Manifest) (*errand, error) {
	k, done, err := s.keeper(m)
	if err != nil {
		return nil, err
	}
	defer done()
	origin, err := k.origin()
	if err != nil {
		return nil, err
	}
	says := true
	if m.Source.File != "" { // before it is read, so that a change meanwhile is seen afterwards
		now := s.look(m)
		says = k.memory.stamped && !k.memory.stamp.equal(now)
		k.memory.stamp, k.memory.stamped = now, true
	}
	if err := os.MkdirAll(k.dir, 0o750); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKept, err)
	}
	aside, err := os.CreateTemp(k.dir, incoming+"*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKept, err)
	}
	k.memory.aside = filepath.Base(aside.Name())
	return &errand{manifest: m, origin: origin, known: k.known(), aside: aside, says: says}, nil
}

func (e *errand) end() {
	e.aside.Close()
	_ = os.Remove(e.aside.Name()) // gone already when it was kept
}

// finish takes down how an errand went.
func (k *keeper) finish(e *errand, err error) error {
	if err == nil {
		err = k.keep(e.aside, e.version, e.wait)
	}
	switch {
	case errors.Is(err, Unchanged):
		if newest := k.note.newest(); newest != nil && e.says {
			newest.SaidAt = now()
		}
		return k.confirm(e.wait)
	case err != nil:
		return k.fail(err)
	}
	return nil
}

func (k *keeper) origin() (Origin, error) {
	for _, origin := range k.store.origins {
		if origin.Serves(&k.manifest.Source) {
			return origin, nil
		}
	}
	return nil, fmt.Errorf("source: nothing here brings %q", k.manifest.Source.String())
}

// run has the octets written and says what they are. That the source has nothing new is
// [Unchanged].
func (e *errand) run(ctx context.Context) error {
	brought, err := e.origin.Bring(ctx, e.manifest, e.known, e.aside)
	e.wait = brought.Wait
	var later *Later
	if errors.As(err, &later) || errors.Is(err, Unchanged) {
		return err
	}
	if err == nil {
		err = checkAge(e.known.Version, brought.SignedAt)
	}
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	work := e.going.Begin()
	sum, size, err := hashOf(ctx, e.aside, work)
	work.End()
	if err != nil {
		return fmt.Errorf("%w: %w", errNotKept, err)
	}
	e.version = Version{SHA256: sum, Size: size, FetchedAt: now(), Source: e.manifest.Source.String(), Format: e.manifest.Format,
		From: identity(e.manifest), Marks: brought.Marks}
	return nil
}

// known is what the source may be asked against: what it had last, be it refused.
func (k *keeper) known() Known {
	if refused := k.memory.refused; refused != nil && refused.version.From == identity(k.manifest) {
		version := refused.version
		return Known{Version: &version, Open: func() (io.ReadCloser, error) { return nil, os.ErrNotExist }}
	}
	newest := k.note.newest()
	if newest == nil || newest.From != identity(k.manifest) || !k.isWhole(newest) {
		return Known{}
	}
	version := *newest
	return Known{Version: &version, Open: func() (io.ReadCloser, error) { return os.Open(k.path(&version)) }}
}

// isWhole says whether the octets are there, by their size; reading them checks their hash.
func (k *keeper) isWhole(v *Version) bool {
	info, err := os.Stat(k.path(v))
	return err == nil && info.Size() == v.Size
}

func (k *keeper) path(v *Version) string { return filepath.Join(k.dir, v.SHA256+octetsEnd) }

// keep makes the octets a candidate, or says that they are Unchanged.
func (k *keeper) keep(aside *os.File, found Version, wait time.Duration) error {
	if refused := k.memory.refused; refused != nil && refused.version.SHA256 == found.SHA256 {
		refused.version = found
		return Unchanged
	}
	if known := k.note.newest(); known != nil && known.SHA256 == found.SHA256 && k.isSound(known) {
		known.Marks, known.From, known.Source = found.Marks, found.From, found.Source
		k.memory.refused = nil
		return Unchanged
	}
	if err := aside.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errNotKept, err)
	}
	if err := os.Rename(aside.Name(), k.path(&found)); err != nil {
		return fmt.Errorf("%w: %w", errNotKept, err)
	}
	k.memory.refused = nil
	k.note.Candidate = &found
	k.answered(wait)
	return k.saveNote()
}

func (k *keeper) isSound(v *Version) bool {
	file, err := os.Open(k.path(v))
	if err != nil {
		return false
	}
	defer file.Close()
	sum, _, err := hashOf(context.Background(), file, new(turns.Work))
	return err == nil && sum == v.SHA256
}

func (k *keeper) answered(wait time.Duration) {
	at := now()
	k.memory.luck = rand.Float64()
	k.note.AskedAt, k.note.ConfirmedAt, k.note.NotBefore = at, at, time.Time{}
	if wait > 0 {
		k.note.NotBefore = at.Add(wait)
	}
}

// confirm takes down that the source has what it had. If that was refused, the trouble goes on.
func (k *keeper) confirm(wait time.Duration) error {
	if refused := k.memory.refused; refused != nil {
		return k.fail(refused.err)
	}
	k.note.Trouble = nil
	k.answered(wait)
	if err := k.saveNote(); err != nil {
		k.store.log.Warn("list: that its source was asked is not written down", "list", k.manifest.ID, "error", err)
	}
	return nil
}

// fail takes down that the source cannot be used, and returns why.
func (k *keeper) fail(cause error) error {
	k.asked = cause
	at := now()
	k.memory.luck = rand.Float64()
	if k.note.Trouble == nil {
		k.note.Trouble = &trouble{Since: at}
	}
	k.note.Trouble.Error = cause.Error()
	k.note.Trouble.Failures++
	k.note.AskedAt, k.note.NotBefore = at, time.Time{}
	var later *Later
	if errors.As(cause, &later) && later.Wait > 0 {
		k.note.NotBefore = at.Add(later.Wait)
	}
	if err := k.saveNote(); err != nil {
		k.store.log.Warn("list: its trouble is not written down", "list", k.manifest.ID, "error", err)
	}
	return cause
}

// settle takes down what a reading made of the versions.
func (k *keeper) settle(read Status) error {
	dropped := k.drop(read.Damaged)
	candidate := k.note.Candidate
	switch {
	case candidate == nil:
	case read.State == OK && read.SHA256 == candidate.SHA256:
		if k.note.Good != nil && k.note.Good.SHA256 != candidate.SHA256 {
			k.note.Before = k.note.Good
		}
		k.note.Good, k.note.Candidate, k.note.Trouble, k.memory.refused = candidate, nil, nil, nil
		return k.saveNote()
	case read.Refused == candidate.SHA256:
		k.refuse(*candidate, read.Err)
		return nil
	}
	if dropped {
		return k.saveNote()
	}
	return nil
}

// drop forgets versions whose octets are damaged, so that they are brought anew.
func (k *keeper) drop(damaged []string) bool {
	dropped := false
	for _, version := range []**Version{&k.note.Candidate, &k.note.Good, &k.note.Before} {
		if *version != nil && slices.Contains(damaged, (*version).SHA256) {
			*version, dropped = nil, true
		}
	}
	return dropped
}

// refuse drops a candidate that is no list.
func (k *keeper) refuse(version Version, cause error) {
	k.memory.refused = &refused{version: version, err: cause}
	k.note.Candidate = nil
	_ = k.fail(cause) // which it returns
}

// hashOf hashes a file from its start, and leaves it there. The work rests; nil is in a hurry.
func hashOf(ctx context.Context, file *os.File, work *turns.Work) (sum string, size int64, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	size, err = io.Copy(hash, &guarded{ctx, file, parse.MaxBytes, work})
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// now is the time as notes have it.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// guarded ends a reading when the context ends, and one octet after the limit.
type guarded struct {
	ctx  context.Context
	from io.Reader
	left int64
	work *turns.Work // rests between reads
}

func (g *guarded) Read(into []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	g.work.Rest()
	n, err := g.from.Read(into)
	if g.left -= int64(n); g.left < 0 {
		return 0, fmt.Errorf("more than %d octets", parse.MaxBytes)
	}
	return n, err
}
