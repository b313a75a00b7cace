package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

var (
	errDamaged = errors.New("the last good copy is damaged")
	errNoCopy  = errors.New("nothing good was ever had from its source")
	errUnasked = errors.New("its source has not been asked yet")
	// ErrStale says that a list stopped, because its source has been silent for too long.
	ErrStale = errors.New("its source has been silent for longer than max_age, and on_stale is stop")
)

// readFetched reads after a fetch, and settles. Where the disk takes no copy, a file is
// read as it stands.
func (k *keeper) readFetched(ctx context.Context, read func(io.Reader) error) (Status, error) {
	if ctx.Err() != nil {
		return Status{List: k.manifest.ID, State: Missing, Err: ctx.Err()}, ctx.Err()
	}
	if errors.Is(k.asked, errNotKept) && k.manifest.Source.File != "" {
		k.store.log.Warn("list: no copy is kept", "list", k.manifest.ID, "error", k.asked)
		return k.fromFile(ctx, read)
	}
	before := k.note.Good
	status, err := k.readStored(ctx, read)
	if ctx.Err() != nil {
		return status, err
	}
	if settled := k.settle(status); settled != nil {
		k.store.log.Warn("list: no copy is kept", "list", k.manifest.ID, "error", settled)
	}
	if k.note.Trouble != nil {
		status.Since = k.note.Trouble.Since
	}
	status.Changed = status.State == OK && (before == nil || before.SHA256 != status.SHA256)
	return status, err
}

// preview brings the octets to a place that does not last.
func (k *keeper) preview(ctx context.Context, read func(io.Reader) error) (Status, error) {
	if _, err := k.origin(); err != nil { // nobody here asks such sources: what is stored, then
		return k.readStored(ctx, read)
	}
	status, err := k.previewSource(ctx, read)
	if err == nil || ctx.Err() != nil {
		return status, err
	}
	if errors.Is(err, Unchanged) {
		return k.readStored(ctx, read)
	}
	k.note.Candidate, k.note.Trouble = nil, &trouble{Error: err.Error()}
	status, missing := k.readStored(ctx, read)
	status.Err = errors.Join(err, missing)
	return status, missing
}

func (k *keeper) previewSource(ctx context.Context, read func(io.Reader) error) (Status, error) {
	origin, err := k.origin()
	if err != nil {
		return Status{}, err
	}
	aside, err := os.CreateTemp("", "recourse-"+incoming+"*")
	if err != nil {
		return Status{}, err
	}
	errand := &errand{manifest: k.manifest, origin: origin, known: k.known(), aside: aside}
	defer errand.end()
	if err := errand.run(ctx); err != nil {
		return Status{}, err
	}
	if err := read(&guarded{ctx, aside, parse.MaxBytes, nil}); err != nil {
		return Status{}, err
	}
	status := k.statusOf(OK, &errand.version)
	status.Changed = k.note.Good == nil || k.note.Good.SHA256 != errand.version.SHA256
	return status, nil
}

// fromFile reads a file of this machine itself.
func (k *keeper) fromFile(ctx context.Context, read func(io.Reader) error) (Status, error) {
	status, err := k.previewSource(ctx, read)
	if err != nil {
		status = Status{List: k.manifest.ID, State: Missing, Err: err}
	}
	return status, err
}

// readStored reads the newest version that can be read.
func (k *keeper) readStored(ctx context.Context, read func(io.Reader) error) (Status, error) {
	if since := k.staleSince(time.Now()); !since.IsZero() && k.stops() {
		status := k.statusOf(Stopped, nil)
		status.Err, status.StaleSince = ErrStale, since
		return status, ErrStale
	}
	attempt := attempt{cause: k.cause()}
	versions := k.versions()
	for _, version := range versions {
		err := k.readVersion(ctx, version, read)
		if ctx.Err() != nil {
			return Status{List: k.manifest.ID, State: Missing, Err: ctx.Err()}, ctx.Err()
		}
		if err == nil {
			return attempt.mark(k.readAs(version, attempt.cause)), nil
		}
		attempt.failed(version, err, version == k.note.Candidate)
	}
	if k.isUnasked() {
		return k.statusOf(Unasked, nil), errUnasked
	}
	if len(versions) == 0 {
		attempt.cause = errors.Join(attempt.cause, errNoCopy)
	}
	status := attempt.mark(k.statusOf(Missing, nil))
	status.Err = attempt.cause
	return status, attempt.cause
}

// readAs is the status of a version that was read whole. A candidate is what the source
// has, whatever trouble there was with it before.
func (k *keeper) readAs(version *Version, cause error) Status {
	if cause == nil || version == k.note.Candidate {
		status := k.statusOf(OK, version)
		status.Since = time.Time{}
		return status
	}
	status := k.statusOf(Kept, version)
	status.Err = cause
	return status
}

// attempt is what was found out about versions on the way to one that can be read.
type attempt struct {
	cause   error
	refused string
	damaged []string
}

func (a *attempt) failed(version *Version, err error, candidate bool) {
	switch {
	case errors.Is(err, errDamaged):
		a.damaged = append(a.damaged, version.SHA256)
		a.cause = errors.Join(a.cause, err)
	case candidate:
		a.refused, a.cause = version.SHA256, err
	default:
		a.cause = errors.Join(a.cause, err)
	}
}

func (a *attempt) mark(status Status) Status {
	status.Refused, status.Damaged = a.refused, a.damaged
	return status
}

// cause is why the source is not what will be read, if it is not.
func (k *keeper) cause() error {
	switch {
	case k.store.mode == lastGood:
		return errNotAsked
	case k.asked != nil:
		return k.asked
	case k.note.Trouble != nil && k.note.Candidate == nil:
		return errors.New(k.note.Trouble.Error)
	}
	return nil
}

// versions are those that this store reads, in the order of trying.
func (k *keeper) versions() []*Version {
	all := []*Version{k.note.Candidate, k.note.Good, k.note.Before}
	if k.store.mode == lastGood {
		all = all[1:]
	}
	var there []*Version
	for _, version := range all {
		if version != nil {
			there = append(there, version)
		}
	}
	return there
}

// readVersion reads octets and makes sure that they are what was kept. The hash comes
// first: nobody should act on octets that are not.
func (k *keeper) readVersion(ctx context.Context, v *Version, read func(io.Reader) error) error {
	file, err := os.Open(k.path(v))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer file.Close()
	sum, _, err := hashOf(ctx, file, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if sum != v.SHA256 {
		return errDamaged
	}
	return read(&guarded{ctx, file, parse.MaxBytes, nil})
}

// status is how the list stands, before anything is read.
func (k *keeper) status(at time.Time) Status {
	version := k.note.newest()
	status := k.statusOf(OK, version)
	status.Err = k.cause()
	status.Changed = k.note.Candidate != nil
	status.StaleSince = k.staleSince(at)
	switch {
	case k.isUnasked():
		status.State = Unasked
	case version == nil:
		status.State, status.Err = Missing, errors.Join(status.Err, errNoCopy)
	case !status.StaleSince.IsZero() && k.stops():
		status.State, status.Err = Stopped, errors.Join(status.Err, ErrStale)
	case status.Err != nil:
		status.State = Kept
	}
	return status
}

// isUnasked says whether the source was never asked: a start does not wait for the network.
func (k *keeper) isUnasked() bool {
	return k.manifest.Source.File == "" && k.note.newest() == nil && k.cause() == nil
}

func (k *keeper) statusOf(state State, v *Version) Status {
	status := Status{List: k.manifest.ID, State: state, ConfirmedAt: k.note.ConfirmedAt, StaleSince: k.staleSince(time.Now())}
	if k.note.Trouble != nil && k.store.mode != lastGood {
		status.Since = k.note.Trouble.Since
	}
	if v != nil {
		status.FetchedAt, status.SHA256, status.Size, status.SignedAt, status.SaidAt = v.FetchedAt, v.SHA256, v.Size, v.SignedAt, v.SaidAt
		if v.Zone != nil {
			status.Serial = v.Zone.Serial
		}
	}
	return status
}
