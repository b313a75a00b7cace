package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/policy"
)

// state is the state directory, held by this process alone.
type state struct {
	dir  string
	lock *os.File
}

// errHeld says that another process has the state: a server runs on it.
var errHeld = errors.New("another recourse is using it")

// What lies in the state directory.
const (
	lockFile     = "lock"
	keyFile      = "deployment.key"
	databaseFile = "recourse.db"
	overlayFile  = "overlay.json"
	holdsFile    = "holds.json"
	profilesFile = "profiles.json"
	controlFile  = "control.sock"
	listsDir     = "lists"
	bundlesDir   = "bundles"
	publishedDir = "zones"
	anchorsFile  = "anchors.state"
	clockFile    = "clock"
	cookieFile   = "cookie.secret"
	webhookFile  = "webhook.secret"
	fleetFile    = "decided.json"
	fleetKeyFile = "fleet.key"

	auditKeyFile   = "audit.key"
	auditQueueFile = "audit.queue"

	auditMemoryFile = "audit.state"
)

// openState makes the directory if need be and takes its lock. The lock ends with
// the process, however it ends.
func openState(dir string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errHeld
		}
		return nil, fmt.Errorf("state directory %q: %w", dir, err)
	}
	return &state{dir: dir, lock: lock}, nil
}

func (s *state) path(name string) string { return filepath.Join(s.dir, name) }

// Close lets go of the lock.
func (s *state) Close() error { return s.lock.Close() }

// key reads the deployment's key, and makes one when there is none yet. It is the
// root of every reason code: were it lost, every code ever shown would be dead.
func (s *state) key() (policy.Key, error) {
	key, err := s.readKey()
	if err != nil || key != nil {
		return key, err
	}
	return makeKey(s.path(keyFile))
}

// readKey gives no key where none has been made.
func (s *state) readKey() (policy.Key, error) {
	path := s.path(keyFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("deployment key: %w", err)
	}
	if len(key) < policy.MinKey {
		return nil, fmt.Errorf("deployment key %q: has %d octets, not %d; restore it from a backup, or remove it to start with new reason codes", path, len(key), policy.MinKey)
	}
	return key, nil
}

// makeKey writes the key so that it is there whole or not at all.
func makeKey(path string) (policy.Key, error) {
	key := make(policy.Key, policy.MinKey)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if err := writeSecret(path, key); err != nil {
		return nil, fmt.Errorf("deployment key: %w", err)
	}
	return key, nil
}

// writeSecret writes a file that only the owner of the state can read, aside and then in place.
func writeSecret(path string, secret []byte) error {
	aside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, written := aside.Write(secret)
	if err := errors.Join(written, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	return os.Rename(aside.Name(), path)
}
