package rate

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

func client(addr string) Client { return Client{Addr: netip.MustParseAddr(addr)} }

// allowed counts how many of so many queries pass at one moment.
func allowed(q *Queries, c Client, queries int, now time.Time) int {
	passed := 0
	for range queries {
		if q.Allow(c, now) {
			passed++
		}
	}
	return passed
}

func TestBurstAndRate(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 200, Burst: 400}), time.Now()
	c := client("192.0.2.1")
	if got := allowed(q, c, 1000, now); got != 400 {
		t.Errorf("%d at once", got)
	}
	if got := allowed(q, c, 1000, now.Add(time.Second)); got < 199 || got > 200 {
		t.Errorf("%d after a second", got)
	}
	if got := allowed(q, c, 1000, now.Add(time.Hour)); got != 400 {
		t.Errorf("%d after an hour", got)
	}
	if got := allowed(q, client("192.0.2.2"), 1000, now.Add(time.Hour)); got != 400 {
		t.Errorf("%d by a neighbour", got)
	}
	// Steadily at its limit for twenty seconds, from a clock that begins anywhere.
	passed := 0
	for tick := range 20_000 {
		if q.Allow(client("2001:db8::1"), now.Add(72*time.Hour+time.Duration(tick)*time.Millisecond)) {
			passed++
		}
	}
	if passed < 20*200+390 || passed > 20*200+410 {
		t.Errorf("%d of 20,000 in twenty seconds", passed)
	}
}

func TestNoLimit(t *testing.T) {
	if q := NewQueries(Limit{}); allowed(q, client("192.0.2.1"), 100_000, time.Now()) != 100_000 {
		t.Error("no limit limits")
	}
	if !NewReplies(Limit{}).Allow(netip.MustParseAddr("192.0.2.1"), false, Kind{}, time.Now()) {
		t.Error("no limit limits")
	}
}

// Who forges every address of a network gets what the network may have, not the sum of it.
func TestNetworks(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name    string
		address func(i uint32) netip.Addr
		want    int
	}{
		{"/24", func(i uint32) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }, 32 * 20},
		{"/20", func(i uint32) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8 & 0xf), byte(i)}) }, 256 * 20},
		{"/64", func(i uint32) netip.Addr { return numbered("2001:db8::", 12, i) }, 2 * 20},
		{"/56", func(i uint32) netip.Addr { return numbered("2001:db8:1::", 7, i<<24) }, 3 * 20},
		{"/48", func(i uint32) netip.Addr { return numbered("2001:db8:2::", 6, i<<16) }, 4 * 20},
		{"/32", func(i uint32) netip.Addr { return numbered("2001:db9::", 4, i<<16) }, 64 * 20},
	} {
		q, passed := NewQueries(Limit{PerSecond: 10, Burst: 20}), 0
		for i := range uint32(8_000) {
			passed += allowed(q, Client{Addr: test.address(i)}, 1, now)
		}
		if passed != test.want {
			t.Errorf("%s: %d of 8,000, want %d", test.name, passed, test.want)
		}
		proven, first := Client{Addr: test.address(0), Proven: true}, 20
		if got := allowed(q, proven, 100, now); got != first {
			t.Errorf("%s: %d of one that is proven, want %d", test.name, got, first)
		}
	}
}

// numbered writes a number into an address, from an octet on.
func numbered(base string, at int, number uint32) netip.Addr {
	octets := netip.MustParseAddr(base).As16()
	binary.BigEndian.PutUint32(octets[at:], number)
	return netip.AddrFrom16(octets)
}

// A forger cannot use up what the owner of the address may do once he has proved it.
func TestProvenIsApart(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10}), time.Now()
	forged := client("192.0.2.1")
	if got := allowed(q, forged, 100, now); got != 20 {
		t.Errorf("%d", got)
	}
	proven := forged
	if proven.Proven = true; allowed(q, proven, 100, now) != 20 {
		t.Error("the owner of the address pays for its forger")
	}
}

func TestSharedAddresses(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10}), time.Now()
	home := Client{Addr: netip.MustParseAddr("192.0.2.1"), Shared: true}
	if got := allowed(q, home, 10_000, now); got != Shared*20 {
		t.Errorf("%d, want %d", got, Shared*20)
	}
}

func TestReturn(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10}), time.Now()
	c := client("192.0.2.1")
	for range 1000 {
		if !q.Allow(c, now) {
			t.Fatal("what was given back counts")
		}
		q.Return(c, now)
	}
	q.Return(client("192.0.2.77"), now) // who has taken nothing
	if got := allowed(q, c, 1000, now); got != 20 {
		t.Errorf("%d", got)
	}
}

// A flood of addresses that ask once does not make those forgotten who ask too much.
func TestFloodForgetsNobodyInDebt(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10}), time.Now()
	heavy := Client{Addr: netip.MustParseAddr("192.0.2.1"), Proven: true}
	allowed(q, heavy, 20, now)
	for i := range uint32(100_000) {
		q.Allow(Client{Addr: numbered("2001:db8::", 0, i), Proven: true}, now)
	}
	if q.Allow(heavy, now) {
		t.Error("it was forgotten")
	}
}

// Two cores whose clocks were read apart agree on who owes too much.
func TestClocksApart(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10}), time.Now()
	c := client("192.0.2.1")
	allowed(q, c, 20, now)
	if q.Allow(c, now.Add(-20*time.Millisecond)) {
		t.Error("an earlier moment owes nothing")
	}
}

// A moment before all that is known of a set of places: they are all in debt beyond the
// burst, and one of them is taken nevertheless.
func TestEarlierThanAllPlaces(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 10, Burst: 10}), time.Now()
	for i := range q.table.sets {
		for k := range q.table.sets[i] {
			q.table.sets[i][k].Store(pack(uint64(k+1)<<timeBits, q.table.time(now)+q.table.window))
		}
	}
	for i := range uint32(1000) {
		if !q.Allow(Client{Addr: numbered("2001:db8::", 0, i), Proven: true}, now.Add(-time.Second)) {
			t.Fatal("who was never here owes something")
		}
	}
}

// A moment before the table was made is one like any other.
func TestEarlierThanTheTable(t *testing.T) {
	for _, before := range []time.Duration{0, time.Second, 3 * time.Second, 10 * time.Second} {
		now := time.Now().Add(-before)
		if got := allowed(NewQueries(Limit{PerSecond: 10}), client("192.0.2.1"), 100, now); got != 20 {
			t.Errorf("%s before: %d", before, got)
		}
	}
}

func TestReplies(t *testing.T) {
	r, now := NewReplies(Limit{PerSecond: 5, Burst: 10}), time.Now()
	count := func(addr string, shared bool, kind Kind) int {
		passed := 0
		for range 1000 {
			if r.Allow(netip.MustParseAddr(addr), shared, kind, now) {
				passed++
			}
		}
		return passed
	}
	kind := Kind{Sort: 3, Name: wire.MustName("example")}
	if got := count("192.0.2.1", false, kind); got != 10 {
		t.Errorf("%d", got)
	}
	for _, test := range []struct {
		addr   string
		shared bool
		kind   Kind
		want   int
	}{
		{"192.0.2.200", false, kind, 0},
		{"192.0.3.1", false, kind, 10},
		{"192.0.2.1", false, Kind{Sort: 3, Name: wire.MustName("example.org")}, 10},
		{"192.0.2.1", false, Kind{Sort: 5}, 10},
		{"2001:db8:0:11::1", false, kind, 10},
		{"2001:db8:0:22::1", false, kind, 0},
		{"2001:db8:0:100::1", false, kind, 10},
		{"198.51.100.1", true, kind, 640},
	} {
		if got := count(test.addr, test.shared, test.kind); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	q, now := NewQueries(Limit{PerSecond: 1000}), time.Now()
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { passed.Add(int64(allowed(q, client("192.0.2.1"), 5000, now))) })
	}
	all.Wait()
	if got := passed.Load(); got < 2000 || got > 3000 { // a lost race lets one more through
		t.Errorf("%d of 20,000 passed, of 2,000 that may", got)
	}
}

func TestLimitsAllocateNothing(t *testing.T) {
	q, r, c, now := NewQueries(Limit{PerSecond: 10}), NewReplies(Limit{PerSecond: 10}), client("2001:db8::1"), time.Now()
	kind := Kind{Sort: 1, Name: wire.MustName("example")}
	if allocs := testing.AllocsPerRun(100, func() {
		q.Allow(c, now)
		q.Return(c, now)
		r.Allow(c.Addr, false, kind, now)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkAllow(b *testing.B) {
	now := time.Now()
	for name, c := range map[string]Client{"unproven": client("192.0.2.1"), "proven": {Addr: netip.MustParseAddr("192.0.2.1"), Proven: true}} {
		q := NewQueries(Limit{PerSecond: 1_000_000})
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				q.Allow(c, now)
			}
		})
	}
}
