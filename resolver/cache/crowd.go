package cache

import (
	"context"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// What may wait for one resolution. Somebody who claims another's address could else have
// questions wait for a slow answer, so that all replies leave in one burst (DNSBomb,
// CVE-2024-33655).
const (
	// maxCrowd is how many datagrams wait for one resolution.
	maxCrowd = 1000
	// maxLate is how many of these are still answered when it took longer than lateAfter:
	// clients have asked again by then, and find the answer kept.
	maxLate   = 100
	lateAfter = 1900 * time.Millisecond
)

// crowded waits like any other, but that of datagrams, whose senders nobody knows, only so
// many are answered.
func (f *flights) crowded(ctx context.Context, query *resolver.Query, running *flight, kept *node, place int) (*resolver.Answer, error) {
	if query.Client.Door != resolver.UDP {
		return f.wait(ctx, query, running, kept)
	}
	if place > maxCrowd {
		f.stats.Discarded.Add(query.Worker, 1)
		return nil, resolver.Dropped
	}
	began := time.Now()
	answer, err := f.wait(ctx, query, running, kept)
	if place > maxLate && time.Since(began) > lateAfter {
		f.stats.Discarded.Add(query.Worker, 1)
		return nil, resolver.Dropped
	}
	return answer, err
}
