//go:build !linux

package bundle

import "os"

func allocate(size int) ([]byte, error) { return make([]byte, size), nil }

func free([]byte) error { return nil }

func readPage(file *os.File, _ uintptr, into *page, at int64) error {
	_, err := file.ReadAt(into[:], at)
	return err
}
