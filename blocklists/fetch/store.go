package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/turns"
)

// State is how a list stands.
type State string

// The states: what its source has; the last good copy, because the source cannot be
// used; nothing any more, because the copy is older than its manifest allows; not to be
// had at all; nothing yet, because the source was not asked so far, which is no trouble.
const (
	OK      State = "ok"
	Kept    State = "last good kept"
	Stopped State = "stopped"
	Missing State = "missing"
	Unasked State = "not asked yet"
)

// Absent says whether nothing of the list was ever had.
func (s State) Absent() bool { return s == Missing || s == Unasked }

// Status is how one list stands. SHA256, Size and FetchedAt are those of the octets that
// were read, or are to be.
type Status struct {
	List  blocklists.ListID `json:"list"`
	State State             `json:"state"`
	// Err says why the source was not used; nil when it was. Since is the first time
	// that this was so.
	Err       error     `json:"-"`
	Since     time.Time `json:"since,omitzero"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	SHA256    string    `json:"sha256,omitempty"`
	Size      int64     `json:"size,omitempty"`
	// Changed says that the octets are not those of the last good copy before.
	Changed bool `json:"changed"`
	// ConfirmedAt is when the source last said that the octets are what it has, and
	// StaleSince since when that is too long ago; zero while it is not.
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	StaleSince  time.Time `json:"stale_since,omitzero"`
	// SaidAt is when the source last said the same again; a file that merely lies there says
	// nothing. Zero where it said so once.
	SaidAt   time.Time `json:"said_at,omitzero"`
	SignedAt time.Time `json:"signed_at,omitzero"` // where a signature says when
	Serial   uint32    `json:"serial,omitempty"`   // of a zone
	// Refused is the hash of octets that were brought and are no list, for the reason that
	// Err gives; Damaged are those of stored octets that are not what they were.
	Refused string   `json:"refused,omitempty"`
	Damaged []string `json:"damaged,omitempty"`
}

// Origin brings the octets of some kind of source.
type Origin interface {
	// Serves says whether the source is of this kind.
	Serves(source *blocklists.Source) bool
	// Bring writes what the source has now into a file, or returns [Unchanged] if that is
	// what is known already. What a [Later] says of time is honoured.
	Bring(ctx context.Context, m *blocklists.Manifest, known Known, into *os.File) (Brought, error)
}

// Store is the folder of all lists. Its methods may be called at the same time; those
// that concern one list take turns.
type Store struct {
	dir     string
	origins []Origin
	log     *slog.Logger
	mode    mode
	lists   *lists
}

// mode is which versions a store reads and whether it writes.
type mode uint8

const (
	whole    mode = iota // asks sources, and keeps what they have
	preview              // asks sources, and keeps nothing
	stored               // reads what was brought, newest first
	lastGood             // reads what is good
)

// New makes a store below the folder. The lists that come with the program are read
// from builtin, by a file name of the form builtin:NAME; it may be nil. Sources that are
// no files need an origin.
func New(dir string, builtin fs.FS, log *slog.Logger, origins ...Origin) *Store {
	all := append([]Origin{&files{builtin: builtin}}, origins...)
	return &Store{dir: dir, origins: all, log: log, lists: newLists()}
}

// Preview is the same store for a dry run: it loads as the store would and writes nothing.
func (s *Store) Preview() *Store { return s.as(preview) }

// Stored is the same store without the sources: it loads what [Store.Fetch] brought and,
// where that cannot be read, the last good copy. It writes nothing.
func (s *Store) Stored() *Store { return s.as(stored) }

// LastGood is the same store without the sources: it loads the last good copies, so
// what a server that runs on this state has in force, and writes nothing.
func (s *Store) LastGood() *Store { return s.as(lastGood) }

func (s *Store) as(mode mode) *Store {
	return &Store{dir: s.dir, origins: s.origins, log: s.log, mode: mode, lists: newLists()}
}

// errNotAsked is the reason of a store that looks at last good copies only.
var errNotAsked = errors.New("the source was not asked")

// lists hands out what is remembered of each list while the process runs.
type lists struct {
	going turns.Shared  // hashing of what was brought
	files chan struct{} // one place, for who copies a file

	mu       sync.Mutex
	memories map[blocklists.ListID]*memory
}

func newLists() *lists {
	return &lists{files: make(chan struct{}, 1), memories: make(map[blocklists.ListID]*memory)}
}

// filePatience is how long a file waits for another to be read: one that lies on a machine that
// does not answer must not hold the others up for ever.
const filePatience = 10 * time.Second

// oneFile waits until no other file is being copied, and gives what ends the turn. The writes and
// the sync of a copy keep a processor from other work until the runtime notices that they wait;
// several at once do so one after the other.
func (l *lists) oneFile(ctx context.Context) (end func()) {
	late := time.NewTimer(filePatience)
	defer late.Stop()
	select {
	case l.files <- struct{}{}:
		return func() { <-l.files }
	case <-late.C:
	case <-ctx.Done():
	}
	return func() {}
}

// memory is what is known of a list between calls, held by whoever works on it. Asking its
// source takes long and changes nothing until it ends, so that has a lock of its own.
type memory struct {
	asking sync.Mutex

	mu      sync.Mutex
	aside   string   // the file that octets are being written to
	stamp   stamp    // of the file as it was last brought
	stamped bool     // whether it ever was
	refused *refused // octets that were brought and are no list
	unsaved *note    // what could not be written down
	luck    float64  // from 0 to 1, drawn at each asking
}

// refused are octets of the source that cannot be read; as long as it has nothing else, they
// are not read again. It is forgotten at the end of the process: the next may know better.
type refused struct {
	version Version
	err     error
}

func (l *lists) memory(id blocklists.ListID) *memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.memories[id] == nil {
		l.memories[id] = new(memory)
	}
	return l.memories[id]
}

// keeper begins work on a list; done ends it.
func (s *Store) keeper(m *blocklists.Manifest) (k *keeper, done func(), err error) {
	if !filepath.IsLocal(string(m.ID)) {
		return nil, nil, fmt.Errorf("list %q: not an id", m.ID)
	}
	memory := s.lists.memory(m.ID)
	memory.mu.Lock()
	k = &keeper{store: s, memory: memory, dir: filepath.Join(s.dir, string(m.ID)), manifest: m}
	if k.note = memory.unsaved; k.note == nil {
		k.note = k.readNote()
	}
	return k, memory.mu.Unlock, nil
}

// Load has the list read: from its source or, where that fails, from its last good
// copy. read may be called several times and starts anew each time; what counts is its
// last call, and only if Load returns no error. An error means that nothing good was to be had.
//
// It is [Store.Fetch], a reading and [Store.Settle] in one.
func (s *Store) Load(ctx context.Context, m *blocklists.Manifest, read func(io.Reader) error) (Status, error) {
	var asked error
	if s.mode == whole {
		asked = s.ask(ctx, m)
	}
	k, done, err := s.keeper(m)
	if err != nil {
		return Status{List: m.ID, State: Missing, Err: err}, err
	}
	defer done()
	switch k.asked = asked; s.mode {
	case whole:
		return k.readFetched(ctx, read)
	case preview:
		return k.preview(ctx, read)
	default:
		return k.readStored(ctx, read)
	}
}

// Fetch asks the list's source and stores what it has, to be read with [Store.Stored]. The
// status says by Changed whether there is anything to be read that was not before. An
// error is the source's; what was good stays.
func (s *Store) Fetch(ctx context.Context, m *blocklists.Manifest) (Status, error) {
	asked := s.ask(ctx, m)
	k, done, err := s.keeper(m)
	if err != nil {
		return Status{List: m.ID, State: Missing, Err: err}, err
	}
	defer done()
	k.asked = asked
	return k.status(time.Now()), asked
}

// Settle takes down what a reading through [Store.Stored] made of the list: what was read
// whole becomes the last good copy, and what could not be is not tried again while the
// source has nothing else.
func (s *Store) Settle(m *blocklists.Manifest, read Status) error {
	k, done, err := s.keeper(m)
	if err != nil {
		return err
	}
	defer done()
	return k.settle(read)
}

// Retry forgets that octets of the list were refused, so that the next [Store.Fetch] brings
// them again: whoever asks for it means to judge them otherwise.
func (s *Store) Retry(m *blocklists.Manifest) {
	memory := s.lists.memory(m.ID)
	memory.mu.Lock()
	defer memory.mu.Unlock()
	memory.refused = nil
}

// Status is how the list stands by what is stored, without asking or reading anything.
func (s *Store) Status(m *blocklists.Manifest) Status {
	k, done, err := s.keeper(m)
	if err != nil {
		return Status{List: m.ID, State: Missing, Err: err}
	}
	defer done()
	return k.status(time.Now())
}
