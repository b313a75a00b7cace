package fetch

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/recourse-dns/recourse/blocklists"
)

// settled is how long a file must rest before it counts as written.
const settled = 500 * time.Millisecond

// watch kicks lists whose files change. It watches folders, since a file that is replaced is
// another file. Where the system cannot watch (a network's file system, too many watches),
// looking at size and time once a minute has to do.
func (r *Refresher) watch(ctx context.Context, lists []*blocklists.Manifest) {
	byPath := make(map[string][]blocklists.ListID)
	for _, m := range lists {
		if m.Source.File != "" && !strings.HasPrefix(m.Source.File, builtinPrefix) {
			path := filepath.Clean(m.Source.File)
			byPath[path] = append(byPath[path], m.ID)
		}
	}
	if len(byPath) == 0 {
		return
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		r.log.Warn("lists: files cannot be watched; they are looked at from time to time", "error", err)
		return
	}
	defer watcher.Close()
	for path := range byPath {
		if err := watcher.Add(filepath.Dir(path)); err != nil {
			r.log.Warn("lists: a folder cannot be watched; its files are looked at from time to time", "folder", filepath.Dir(path), "error", err)
		}
	}
	r.hear(ctx, watcher, byPath)
}

// hear gathers events until a file rests.
func (r *Refresher) hear(ctx context.Context, watcher *fsnotify.Watcher, byPath map[string][]blocklists.ListID) {
	touched := make(map[string]time.Time)
	timer := time.NewTimer(settled)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-watcher.Events:
			if !open {
				return
			}
			if path := filepath.Clean(event.Name); byPath[path] != nil && !event.Has(fsnotify.Chmod) {
				touched[path] = time.Now()
				timer.Reset(settled)
			}
		case err, open := <-watcher.Errors:
			if !open {
				return
			}
			r.log.Warn("lists: a change of a file may have been missed; files are looked at from time to time", "error", err)
		case <-timer.C:
			for path := range touched {
				for _, list := range byPath[path] {
					r.Kick(list)
				}
			}
			clear(touched)
		}
	}
}
