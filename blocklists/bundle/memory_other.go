//go:build !linux

package bundle

import (
	"errors"
	"os"
)

// Elsewhere files are read and not mapped: Linux is where servers run.

func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }

func allocate(size int) ([]byte, error) { return make([]byte, size), nil }

func free([]byte) error { return nil }

func readPage(file *os.File, _ uintptr, into *page, at int64) error {
	_, err := file.ReadAt(into[:], at)
	return err
}
