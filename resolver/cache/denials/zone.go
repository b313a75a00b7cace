package denials

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/cache/sieve"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// span is the time in which something may be used, in nanoseconds since 1970.
type span struct{ from, until int64 }

// slack is how far a clock may lie before the time at which a record came: queries
// that waited carry the time at which they began. What lies further ahead was stored
// by a clock that has been set back since, and is not believed.
const slack = int64(time.Minute)

func (s span) length() time.Duration { return time.Duration(s.until - s.from) }

func (s span) holds(now int64) bool { return now < s.until && now >= s.from-slack }

// proof is one NSEC or NSEC3 record, or a wildcard's set, with its signatures. It is
// immutable but for its place.
type proof struct {
	sieve.Place[proof]

	key     string // the owner in canonical order, or its hash
	next    string // likewise
	owner   wire.Name
	after   wire.Name // the next name; "" for NSEC3
	types   []uint16
	kind    uint16 // of a wildcard's set; else zero
	optOut  bool
	records []dns.RR
	life    span
	size    int64
}

// zone is what one signer proved. The store's lock guards it.
type zone struct {
	sieve.Place[zone]

	name  wire.Name
	plain chain
	// hashed are the NSEC3 records of one salt and iteration count.
	hashed     chain
	salt       string
	iterations uint16
	// absent are names that do not exist, with their proofs.
	absent map[wire.Name]*proof
	// wildcards are the sets that wildcards stood in with.
	wildcards map[source]*proof
	queue     sieve.Queue[proof, *proof]

	soa      []dns.RR // with signatures
	soaLife  span
	negative time.Duration // what the SOA allows a denial to live
	soaSize  int64
	size     int64
}

func newZone(name wire.Name) *zone {
	return &zone{name: name, absent: make(map[wire.Name]*proof), wildcards: make(map[source]*proof), size: zoneOverhead}
}

// chain is records in the order of their owners.
type chain []*proof

func (c chain) search(key string) (int, bool) {
	return slices.BinarySearchFunc(c, key, func(e *proof, key string) int { return strings.Compare(e.key, key) })
}

// at is the record of an owner that can be used now; nil where there is none.
func (c chain) at(key string, now int64) *proof {
	i, found := c.search(key)
	if !found || !c[i].life.holds(now) {
		return nil
	}
	return c[i]
}

// before is the record nearest before a key that none has, nil where there is none
// that can be used. A chain goes round: the last stands before the first.
func (c chain) before(key string, now int64) *proof {
	i, found := c.search(key)
	if found || len(c) == 0 {
		return nil
	}
	nearest := c[(i+len(c)-1)%len(c)]
	if !nearest.life.holds(now) {
		return nil
	}
	return nearest
}

// put adds a record in the place of an older one. The newer record also ends those
// that it says are not there: owners inside its gap.
func (z *zone) put(into *chain, fresh *proof) {
	c := *into
	i, found := c.search(fresh.key)
	if found {
		z.discard(c[i])
		c = slices.Delete(c, i, i+1)
	}
	end := len(c)
	if fresh.key < fresh.next {
		end, _ = c.search(fresh.next)
	}
	for _, stale := range c[i:end] {
		z.discard(stale)
	}
	c = slices.Delete(c, i, end)
	z.queue.Add(fresh)
	z.size += fresh.size
	*into = slices.Insert(c, i, fresh)
}

// discard takes a record's share of the bound away; its chain is the caller's.
func (z *zone) discard(gone *proof) {
	z.queue.Remove(gone)
	z.size -= gone.size
}

// evict gives one record up; false when there is none left.
func (z *zone) evict() bool {
	gone := z.queue.Victim()
	if gone == nil {
		return false
	}
	z.discard(gone)
	if z.absent[gone.owner] == gone {
		delete(z.absent, gone.owner)
		return true
	}
	if from := (source{wildcard: gone.owner, kind: gone.kind}); z.wildcards[from] == gone {
		delete(z.wildcards, from)
		return true
	}
	for _, c := range []*chain{&z.plain, &z.hashed} {
		if i, found := c.search(gone.key); found && (*c)[i] == gone {
			*c = slices.Delete(*c, i, i+1)
		}
	}
	return true
}

// limit is how long a proof may live, by the newest SOA record if one was ever seen.
func (z *zone) limit(ttl time.Duration) time.Duration {
	if z.negative > 0 {
		return min(ttl, z.negative)
	}
	return ttl
}

// apply sets the SOA record; the newest wins.
func (z *zone) apply(records []dns.RR, negative time.Duration, life span) {
	z.size -= z.soaSize
	z.soa, z.negative, z.soaLife, z.soaSize = records, negative, life, octets(records)
	z.size += z.soaSize
}

// rehash starts anew when the zone changed its salt: a proof across two chains is
// none (RFC 5155, section 8.2).
func (z *zone) rehash(salt string, iterations uint16) {
	if z.salt == salt && z.iterations == iterations {
		return
	}
	for _, old := range z.hashed {
		z.discard(old)
	}
	z.hashed, z.salt, z.iterations = nil, salt, iterations
}

// recordOverhead is what a record costs in memory beside its octets.
const recordOverhead = 256

func octets(records []dns.RR) int64 {
	size := 0
	for _, record := range records {
		size += recordOverhead + 2*dns.Len(record)
	}
	return int64(size)
}
