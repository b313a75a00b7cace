package redress

import (
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Rate is how often something may be done: so many at once, and so many more a minute.
type Rate struct {
	Burst     int
	PerMinute int
}

// Limiter is a table of token buckets by network prefix. It keeps no address: a
// bucket's key is an HMAC of the prefix under a key that is drawn anew every day
// and never leaves the memory. The table is bounded.
type Limiter struct {
	rate Rate

	mu      sync.Mutex
	key     []byte
	drawn   time.Time
	buckets map[prefixKey]bucket
}

type prefixKey [16]byte

type bucket struct {
	left float64
	at   time.Time
}

const (
	maxBuckets = 65536
	keyLife    = 24 * time.Hour
)

// NewLimiter makes a limiter. A burst of zero or less forbids nothing.
func NewLimiter(rate Rate) *Limiter {
	return &Limiter{rate: rate, buckets: make(map[prefixKey]bucket)}
}

// Allow takes one from the bucket of the address's network, a /24 or a /56. Where
// there is none left it says after how long there will be.
func (l *Limiter) Allow(addr netip.Addr) (wait time.Duration, ok bool) {
	return l.AllowKey(NetworkOf(addr))
}

// AllowKey is Allow for a bucket of another kind, as a case's.
func (l *Limiter) AllowKey(text string) (wait time.Duration, ok bool) {
	if l.rate.Burst <= 0 {
		return 0, true
	}
	at := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	key := l.keyOf(text, at)
	current, known := l.buckets[key]
	if !known {
		l.makeRoom(at)
		current = bucket{left: float64(l.rate.Burst), at: at}
	}
	current = l.filled(current, at)
	if current.left >= 1 {
		current.left--
		wait, ok = 0, true
	} else {
		wait = l.until(1 - current.left)
	}
	l.buckets[key] = current
	return wait, ok
}

// Left says how much is left in a bucket of AllowKey, and after how long it is full.
func (l *Limiter) Left(text string) (left int, full time.Duration) {
	at := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	current, known := l.buckets[l.keyOf(text, at)]
	if !known {
		return l.rate.Burst, 0
	}
	current = l.filled(current, at)
	return int(current.left), l.until(float64(l.rate.Burst) - current.left)
}

func (l *Limiter) perSecond() float64 { return float64(max(1, l.rate.PerMinute)) / 60 }

func (l *Limiter) until(missing float64) time.Duration {
	return time.Duration(math.Ceil(missing/l.perSecond())) * time.Second
}

func (l *Limiter) filled(current bucket, at time.Time) bucket {
	gained := at.Sub(current.at).Seconds() * l.perSecond()
	return bucket{left: min(float64(l.rate.Burst), current.left+max(0, gained)), at: at}
}

// keyOf forgets all buckets when it draws a new key: nothing links the days.
func (l *Limiter) keyOf(text string, at time.Time) prefixKey {
	if l.key == nil || at.Sub(l.drawn) >= keyLife {
		l.key, l.drawn = randomBytes(32), at
		clear(l.buckets)
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(text))
	return prefixKey(mac.Sum(nil)[:16])
}

// makeRoom drops buckets that are full again, and where that is not enough any: a
// flood from very many networks then finds fresh buckets, but no more memory.
func (l *Limiter) makeRoom(at time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for key, current := range l.buckets {
		if l.filled(current, at).left >= float64(l.rate.Burst) {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < maxBuckets/2 {
			break
		}
		delete(l.buckets, key)
	}
}

// NetworkOf is the part of an address that limits count by: a /24 or a /56.
func NetworkOf(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	bits := 56
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

// RetryIn is a wait in whole seconds, as Retry-After has it (RFC 9110, section 10.2.3): never shorter than the wait.
func RetryIn(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}

// Rates are how often the public may do what costs us something.
type Rates struct {
	Cases   Rate // filings, by network
	Lookups Rate // lookups, by network
	Proofs  Rate // proofs of control, by case
	Passes  Rate // pages that offer a pass, and passes, by network
}

// DefaultRates let a company behind one address, or a party with very many names,
// pass without noticing them.
func DefaultRates() Rates {
	return Rates{
		Cases:   Rate{Burst: 2000, PerMinute: 600},
		Lookups: Rate{Burst: 600, PerMinute: 600},
		Proofs:  Rate{Burst: 10, PerMinute: 6},
		Passes:  Rate{Burst: 120, PerMinute: 60},
	}
}

// Limits are the limiters of both doors, so that changing the door gains nothing.
type Limits struct {
	Cases   *Limiter
	Lookups *Limiter
	Proofs  *Limiter
	Passes  *Limiter
}

// NewLimits makes the limiters.
func NewLimits(rates Rates) *Limits {
	return &Limits{Cases: NewLimiter(rates.Cases), Lookups: NewLimiter(rates.Lookups), Proofs: NewLimiter(rates.Proofs), Passes: NewLimiter(rates.Passes)}
}
