package rate

import (
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// The networks that replies are counted for: what a victim's line serves at the least.
const (
	network4 = 24
	network6 = 56
)

// Replies bounds how many replies of one kind go to one network (response rate limiting),
// so that nobody is buried in what others asked for in its name. It may be used from many
// goroutines.
type Replies struct {
	limit Limit
	table *table
}

// NewReplies makes a bound; the limit is that of one network. Nil, which allows
// everything, for no limit.
func NewReplies(limit Limit) *Replies {
	if limit.PerSecond == 0 {
		return nil
	}
	return &Replies{limit: limit, table: newTable(limit.window())}
}

// Kind is which replies count as alike: of one sort, and about one name.
type Kind struct {
	Sort byte
	Name wire.Name // "" where the sort is all
}

// Allow charges one reply; false when there were too many.
func (r *Replies) Allow(addr netip.Addr, shared bool, kind Kind, now time.Time) bool {
	if r == nil {
		return true
	}
	times := uint64(1)
	if shared {
		times = Shared
	}
	return r.table.take(r.hash(addr, kind), price(uint64(r.limit.PerSecond)*times), r.table.time(now))
}

func (r *Replies) hash(addr netip.Addr, kind Kind) uint64 {
	bits := network6
	if addr.Is4() {
		bits = network4
	}
	return r.table.hash(networkOf(addr, bits), uint64(kind.Sort), r.table.hashName(kind.Name))
}
