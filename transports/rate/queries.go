package rate

import (
	"net/netip"
	"time"
)

// Limit is how often something may happen.
type Limit struct {
	PerSecond uint32 // 0: as often as it likes
	Burst     uint32 // at once, after a while without; 0: what two seconds bring
}

// window is how long a burst takes to be paid off.
func (l Limit) window() time.Duration {
	burst := max(uint64(l.Burst), 1)
	if l.Burst == 0 {
		burst = 2 * uint64(l.PerSecond)
	}
	return time.Duration(float64(burst) / float64(l.PerSecond) * float64(time.Second))
}

// price is what one of so many a second costs, in units.
func price(perSecond uint64) uint64 { return max(uint64(time.Second/unit)/perSecond, 1) }

// width is a length of prefixes, and how many times what an address may do such a network may.
type width struct {
	bits  int
	times uint64
}

// The widths, narrowest first. Those of IPv6 begin at the address, of which anybody has
// plenty, and are close together where the networks of one customer are.
var (
	widths4 = [...]width{{32, 1}, {24, 32}, {20, 256}, {18, 768}}
	widths6 = [...]width{{128, 1}, {64, 2}, {56, 3}, {48, 4}, {32, 64}}
)

const (
	own4 = 1 // of widths4: what is one client's own
	own6 = 2
)

// Shared is how many clients an address with many homes behind it counts for.
const Shared = 64

// Client is whose queries are counted.
type Client struct {
	Addr   netip.Addr
	Shared bool // many homes are behind the address
	Proven bool // it cannot have been forged
}

// Queries bounds the queries of clients and networks. It may be used from many goroutines.
type Queries struct {
	limit Limit
	table *table
}

// NewQueries makes a bound; the limit is that of one address. Nil, which allows
// everything, for no limit.
func NewQueries(limit Limit) *Queries {
	if limit.PerSecond == 0 {
		return nil
	}
	return &Queries{limit: limit, table: newTable(limit.window())}
}

// Allow charges one query; false when there were too many.
func (q *Queries) Allow(client Client, now time.Time) bool {
	if q == nil {
		return true
	}
	at := q.table.time(now)
	for _, width := range widthsOf(client) {
		if !q.table.take(q.hash(client, width), q.price(client, width), at) {
			return false
		}
	}
	return true
}

// Return gives back what Allow charged for a query that will be asked for again.
func (q *Queries) Return(client Client, now time.Time) {
	if q == nil {
		return
	}
	at := q.table.time(now)
	for _, width := range widthsOf(client) {
		q.table.give(q.hash(client, width), q.price(client, width), at)
	}
}

// widthsOf is which networks around a client its queries count for.
func widthsOf(client Client) []width {
	widths, own := widths6[:], own6
	if client.Addr.Is4() {
		widths, own = widths4[:], own4
	}
	if client.Proven {
		return widths[:own]
	}
	return widths
}

func (q *Queries) price(client Client, width width) uint64 {
	times := width.times
	if client.Shared {
		times *= Shared
	}
	return price(uint64(q.limit.PerSecond) * times)
}

// hash keeps what is proven apart, so that nobody can use up the share of another by
// forging its address.
func (q *Queries) hash(client Client, width width) uint64 {
	kind := uint64(0)
	if client.Proven {
		kind = 1
	}
	return q.table.hash(networkOf(client.Addr, width.bits), kind, 0)
}
