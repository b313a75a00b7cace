//go:build !linux

package neighbours

import (
	"context"
	"errors"
	"log/slog"
)

// Supported says whether this system tells who is on its links.
const Supported = false

// Watcher follows the kernel's table.
type Watcher struct{ *Table }

// Watch cannot: the system has no such table that is followed here.
func Watch(*slog.Logger) (*Watcher, error) {
	return nil, errors.New("hardware addresses of clients are known on Linux alone")
}

// Run ends with the context.
func (w *Watcher) Run(ctx context.Context) { <-ctx.Done() }
