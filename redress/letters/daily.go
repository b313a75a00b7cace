package letters

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of receipts: whoever files may name a mailbox that is not theirs.
const (
	perMailbox = 20 // a day
	mailboxes  = 65536
)

// daily counts by mailbox and day. It keeps hashes under a key of the day, in memory alone.
type daily struct {
	mu     sync.Mutex
	key    []byte
	begun  time.Time
	counts map[[32]byte]int
}

func newDaily() *daily { return &daily{counts: make(map[[32]byte]int)} }

// may counts one more, and says whether it is within the bound. Where very many mailboxes are
// named in a day, those that are new get no receipt; the page of the case says the same.
func (d *daily) may(mailbox string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.begun) >= 24*time.Hour {
		d.key, d.begun = make([]byte, 32), now
		_, _ = rand.Read(d.key) // never fails (crypto/rand)
		clear(d.counts)
	}
	key := sha256.Sum256(append(d.key[:32:32], mailbox...))
	if _, known := d.counts[key]; !known && len(d.counts) >= mailboxes {
		return false
	}
	d.counts[key]++
	return d.counts[key] <= perMailbox
}
