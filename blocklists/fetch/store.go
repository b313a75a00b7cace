package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// State is what became of a list at its last load.
type State string

// The states: read from its source; read from the last good copy, or kept as it
// was; not to be had at all; of a kind that this version does not read.
const (
	OK          State = "ok"
	Kept        State = "last good kept"
	Missing     State = "missing"
	Unsupported State = "not supported"
)

// Status is how a load of one list went. The octets that were read are those of
// SHA256, Size and FetchedAt.
type Status struct {
	List  blocklists.ListID `json:"list"`
	State State             `json:"state"`
	// Err says why the source was not used; nil when it was. Since is the first load
	// at which that was so.
	Err       error     `json:"-"`
	Since     time.Time `json:"since,omitzero"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	SHA256    string    `json:"sha256,omitempty"`
	Size      int64     `json:"size,omitempty"`
	// Changed says that the octets are not those of the last good copy before.
	Changed bool `json:"changed"`
}

// Store is the folder of all lists. Its methods may be called at the same time for
// different lists.
type Store struct {
	dir     string
	builtin fs.FS
	log     *slog.Logger
	// writes is whether loads leave a trace; sources, whether they look at sources at all.
	writes, sources bool

	mu     sync.Mutex
	stamps map[blocklists.ListID]stamp // of the sources as they were last loaded
}

// New makes a store below the folder. The lists that come with the program are read
// from builtin, by a file name of the form builtin:NAME; it may be nil.
func New(dir string, builtin fs.FS, log *slog.Logger) *Store {
	return &Store{dir: dir, builtin: builtin, log: log, writes: true, sources: true, stamps: make(map[blocklists.ListID]stamp)}
}

// Preview is the same store for a dry run: it loads as the store would and writes nothing.
func (s *Store) Preview() *Store {
	return &Store{dir: s.dir, builtin: s.builtin, log: s.log, sources: true, stamps: make(map[blocklists.ListID]stamp)}
}

// LastGood is the same store without the sources: it loads the last good copies, so
// what a server that runs on this state has in force, and writes nothing.
func (s *Store) LastGood() *Store {
	return &Store{dir: s.dir, builtin: s.builtin, log: s.log, stamps: make(map[blocklists.ListID]stamp)}
}

// errNotAsked is the reason of a store that looks at last good copies only.
var errNotAsked = errors.New("the source was not asked")

// Load has the list read: from its source or, where that fails, from its last good
// copy. read may be called several times and starts anew each time; what counts is its
// last call, and only if Load returns no error. An error means that nothing good was to be had.
func (s *Store) Load(ctx context.Context, m *blocklists.Manifest, read func(io.Reader) error) (Status, error) {
	if !filepath.IsLocal(string(m.ID)) {
		err := fmt.Errorf("list %q: not an id", m.ID)
		return Status{List: m.ID, State: Missing, Err: err}, err
	}
	k := &keeper{store: s, dir: filepath.Join(s.dir, string(m.ID)), manifest: m}
	k.good = k.readGood()
	status, err := Status{}, errNotAsked
	if s.sources {
		status, err = k.fromSource(ctx, read)
	}
	if err == nil {
		k.clearTrouble()
		return status, nil
	}
	if ctx.Err() != nil {
		return Status{List: m.ID, State: Missing, Err: ctx.Err()}, ctx.Err()
	}
	return k.fallBack(ctx, err, read)
}

func (k *keeper) fallBack(ctx context.Context, cause error, read func(io.Reader) error) (Status, error) {
	status := Status{List: k.manifest.ID, State: Kept, Err: cause}
	if k.store.sources {
		status.Since = k.noteTrouble(cause)
	}
	if err := k.fromGood(ctx, read); err != nil {
		status.State = Missing
		return status, errors.Join(cause, err)
	}
	status.FetchedAt, status.SHA256, status.Size = k.good.FetchedAt, k.good.SHA256, k.good.Size
	return status, nil
}
