package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Remember takes in what a database has and the mirror has not, and writes the mirror's file where
// that changes it. A desk so starts without its database, with what was decided before.
func (m *Mirror) Remember(ctx context.Context, from *Source, write func(path string, octets []byte) error) error {
	position, _ := m.Position()
	told, err := from.Since(ctx, position)
	if err != nil {
		return fmt.Errorf("remember what was decided: %w", err)
	}
	if _, err := os.Stat(m.path); told.To == position && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := m.take(told); err != nil {
		return fmt.Errorf("remember what was decided: %w", err)
	}
	return m.keep(write)
}

// Kept says whether there was a file to read.
func (m *Mirror) Kept() bool {
	_, err := os.Stat(m.path)
	return err == nil
}
