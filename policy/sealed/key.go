package sealed

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is what files are sealed with.
type Key [32]byte

// LoadKey reads the key at a path, or from the systemd credential of a name where there is
// one, and makes one where there is none.
func LoadKey(path, credential string) (Key, error) {
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		key, err := readKey(filepath.Join(folder, credential))
		if !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
	}
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	return makeKey(path)
}

func readKey(path string) (Key, error) {
	octets, err := os.ReadFile(path) //nolint:gosec // the folder is the one that systemd names for this service
	if err != nil {
		return Key{}, err
	}
	if len(octets) != len(Key{}) {
		return Key{}, fmt.Errorf("%s has %d octets, and a key has %d: put the right one back, or take it away to begin anew without what it sealed", path, len(octets), len(Key{}))
	}
	return Key(octets), nil
}

// makeKey leaves a whole key or none.
func makeKey(path string) (Key, error) {
	var key Key
	rand.Read(key[:])
	aside := path + ".new"
	if err := os.WriteFile(aside, key[:], 0o600); err != nil {
		return Key{}, err
	}
	return key, os.Rename(aside, path)
}
