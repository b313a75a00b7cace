package fleet

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/pass"
)

// A pass of an hour that has not begun by this node's clock waits for it, and one of an hour far off is none.
func TestPassesOfTheNextHour(t *testing.T) {
	late := time.Date(2026, 11, 26, 12, 59, 40, 0, time.UTC)
	book := pass.New(func(pass.Hour) pass.Key { return pass.Key{} }, nil)
	now, taken := late, 0
	f := &PassFollower{take: func(given pass.Pass) bool {
		if book.Take(given, now) {
			taken++
		}
		return true
	}}
	next := pass.Pass{Hour: pass.HourOf(late) + 1, Mark: pass.Mark{1}, Until: late.Add(30 * time.Minute)}
	far := pass.Pass{Hour: pass.HourOf(late) + 2, Mark: pass.Mark{2}, Until: late.Add(30 * time.Minute)}
	f.enforce([]pass.Pass{next, far}, now)
	if taken != 0 || len(f.early) != 1 || f.patience(now) != 21*time.Second && f.patience(now) != MaxWait {
		t.Fatalf("%d are taken, %d wait, and the node for %s", taken, len(f.early), f.patience(now))
	}
	now = late.Add(10 * time.Second)
	if f.enforce(nil, now); taken != 0 || f.patience(now) != 11*time.Second {
		t.Errorf("%d are taken before their hour, and the node waits for %s", taken, f.patience(now))
	}
	now = late.Add(21 * time.Second)
	if f.enforce(nil, now); taken != 1 || len(f.early) != 0 {
		t.Errorf("%d are taken in their hour, and %d wait", taken, len(f.early))
	}
}
