package doh

import "time"

// What a connection may ask of us beside questions. Each such frame costs its sender next
// to nothing, so that their number must be bounded: of those that are merely dealt with,
// and of streams that end before their answer, by whoever's act (CVE-2023-44487,
// CVE-2025-8671). A connection that spends more is ended.
const (
	controlBurst      = 512
	controlPerSecond  = 64
	controlPerRequest = 4 // windows are opened as answers are taken
	resetBurst        = 256
	resetPerSecond    = 16
)

// budget is what is left of such a bound. It comes back with time.
type budget struct {
	left, most int
	perSecond  int
	since      time.Time // what came back until then is in left
}

func newBudget(most, perSecond int, now time.Time) budget {
	return budget{left: most, most: most, perSecond: perSecond, since: now}
}

// spend takes one; false when there is none left.
func (b *budget) spend(now time.Time) bool {
	if b.left == 0 {
		b.earn(int(now.Sub(b.since).Seconds() * float64(b.perSecond)))
		b.since = now
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (b *budget) earn(count int) { b.left = min(b.left+max(count, 0), b.most) }
