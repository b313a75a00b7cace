package dnssec

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// readAll reads a file of bounded size.
func readAll(path string, longest int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	data, err := io.ReadAll(io.LimitReader(file, longest+1))
	if err == nil && int64(len(data)) > longest {
		err = fmt.Errorf("longer than %d octets", longest)
	}
	return data, err
}

// replaceFile writes aside, syncs and renames, so that the file is there whole,
// old or new, whenever the machine stops.
func replaceFile(path string, data []byte) error {
	aside, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, written := aside.Write(data)
	if err := errors.Join(written, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
