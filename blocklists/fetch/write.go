package fetch

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// writeFile puts a whole new file in the place of the old one, or leaves the old one.
func writeFile(path string, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	aside, err := os.CreateTemp(dir, writing+"*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name()) // gone already when it was renamed
	buffered := bufio.NewWriter(aside)
	err = write(buffered)
	for _, step := range []func() error{buffered.Flush, aside.Sync} {
		if err == nil {
			err = step()
		}
	}
	if closed := aside.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename last over a loss of power.
func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
