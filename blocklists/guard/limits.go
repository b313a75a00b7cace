package guard

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// Causes for which a reading of a list is refused as a whole.
var (
	ErrShrunk = errors.New("shrunk beyond the limit")
	ErrHeader = errors.New("its header is another")
	ErrSerial = errors.New("its serial went back")
	ErrCount  = errors.New("has more entries than the list may have")
)

// Head refuses a reading that is headed by something else, or is older than the last one.
func (g *Guard) Head(list *blocklists.Manifest, head []byte) error {
	if g.config.Off {
		return nil
	}
	return g.checkHead(list, head)
}

// Weigh holds what is new where a list grew beyond its limit, and keeps a list as it was
// that lost too much.
func (g *Guard) Weigh(list *blocklists.Manifest, change bundle.Change) bundle.Ruling {
	if g.config.Off {
		return bundle.Ruling{}
	}
	limits := list.Limits.Or(g.config.Limits).Or(blocklists.DefaultLimits())
	if all := change.Kept + change.Added; limits.Entries > 0 && all > limits.Entries {
		return bundle.Ruling{Keep: fmt.Errorf("%w: %d, where limits.entries is %d", ErrCount, all, limits.Entries)}
	}
	if change.Before == 0 {
		return bundle.Ruling{}
	}
	if err := g.checkShrink(list, limits.Shrink, change); err != nil {
		return bundle.Ruling{Keep: err, Shrunk: true}
	}
	return bundle.Ruling{Hold: g.weighGrowth(list, limits.Growth, change)}
}

// checkShrink concerns lists that remove by absence alone: who dates a removal, or says
// it, means it.
func (g *Guard) checkShrink(list *blocklists.Manifest, limit blocklists.Limit, change bundle.Change) error {
	gone := change.Before - change.Kept
	if list.Removes() != blocklists.ByAbsence || !limit.Exceeded(gone, change.Before) {
		return nil
	}
	if hold := g.config.Ledger.OfList(list.ID, blocklists.Shrink); hold != nil && (hold.Released() || g.config.Ledger.Lapsed(list, hold, &change.Source)) {
		return nil
	}
	return fmt.Errorf("%w: %d of %d entries are gone, the limit is %s; the list stays as it was", ErrShrunk, gone, change.Before, limit)
}

// weighGrowth counts from what was in force, or from the size that people have agreed to.
func (g *Guard) weighGrowth(list *blocklists.Manifest, limit blocklists.Limit, change bundle.Change) string {
	added := change.Added
	if !limit.Exceeded(added, change.Before) {
		return ""
	}
	if hold := g.config.Ledger.OfList(list.ID, blocklists.Growth); hold != nil && hold.Released() && !limit.Exceeded(change.Kept+added-hold.Count, hold.Count) {
		return ""
	}
	return fmt.Sprintf("%s: %d entries are new, where %d are in force and the limit is %s", blocklists.Growth, added, change.Before, limit)
}

// checkHead looks for the header that the manifest wants, and at the serial.
func (g *Guard) checkHead(list *blocklists.Manifest, head []byte) error {
	if list.Header != "" && !hasLine(head, list.Header) {
		first, _, _ := strings.Cut(strings.TrimSpace(string(head)), "\n")
		return fmt.Errorf("%w: no line near its beginning starts with %q; the first is %.80q", ErrHeader, list.Header, first)
	}
	before := g.config.Ledger.List(list.ID).Serial
	now, has := parse.Serial(head)
	if before != 0 && has && earlier(now, before) && !g.config.Afresh[list.ID] {
		return fmt.Errorf("%w: from %d to %d; if that is meant, `recourse lists apply --list %s` takes it", ErrSerial, before, now, list.ID)
	}
	return nil
}

func hasLine(head []byte, start string) bool {
	for line := range bytes.Lines(head) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t\xef\xbb\xbf"), []byte(start)) {
			return true
		}
	}
	return false
}

// earlier compares serials. Those of zones wrap around (RFC 1982).
func earlier(now, before uint64) bool {
	if now <= 1<<32-1 && before <= 1<<32-1 {
		return int32(uint32(now)-uint32(before)) < 0
	}
	return now < before
}
