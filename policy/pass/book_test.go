package pass

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	noon   = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	here   = Client{Addr: netip.MustParseAddr("192.0.2.1")}
	entry  = []byte("phishing\x00\x00\x07example\x05phish")
	others = []struct {
		client Client
		entry  []byte
	}{
		{Client{Addr: netip.MustParseAddr("192.0.2.2")}, entry},
		{Client{Addr: here.Addr, Name: "dns.example"}, entry},
		{Client{Addr: here.Addr, Path: "dns.example"}, entry},
		{here, entry[:len(entry)-1]},
		{here, append(bytes.Clone(entry), 'x')},
	}
)

// keyOf is a fleet's: the same on every node.
func keyOf(hour Hour) Key { return Key{byte(hour), byte(hour >> 8), 7} }

func give(t *testing.T, b *Book, length time.Duration, at time.Time) Pass {
	t.Helper()
	draft, fits := b.Draft(here, entry, at)
	given, ok := b.Give(draft, length, at)
	if !fits || !ok {
		t.Fatalf("no pass is given: %+v", draft)
	}
	return given
}

func TestAPassIsForOneClientAndOneEntry(t *testing.T) {
	b := New(RandomKey, nil)
	if _, has := b.Until(here, entry, noon); has || b.Any() {
		t.Error("there is a pass before any was given")
	}
	given := give(t, b, time.Hour, noon)
	until, has := b.Until(here, entry, noon.Add(59*time.Minute))
	if !has || !until.Equal(noon.Add(time.Hour)) || !until.Equal(given.Until) {
		t.Errorf("the pass lasts until %s, %v", until, has)
	}
	mapped := Client{Addr: netip.AddrFrom16(here.Addr.As16())}
	if _, has := b.Until(mapped, entry, noon); !has {
		t.Error("the same address written as IPv6 has none")
	}
	for _, other := range others {
		if _, has := b.Until(other.client, other.entry, noon); has {
			t.Errorf("%+v has a pass past %q", other.client, other.entry)
		}
	}
	if _, has := b.Until(here, entry, noon.Add(time.Hour)); has {
		t.Error("it outlives its end")
	}
}

func TestAPassEndsWithTheHourAfterItsOwn(t *testing.T) {
	late := noon.Add(59*time.Minute + 30*time.Second)
	b := New(RandomKey, nil)
	draft, _ := b.Draft(here, entry, late)
	given, ok := b.Give(draft, 2*time.Hour, late.Add(time.Minute))
	if !ok || !given.Until.Equal(noon.Add(2*time.Hour)) {
		t.Fatalf("the pass is %+v, %v", given, ok)
	}
	if _, has := b.Until(here, entry, noon.Add(2*time.Hour-time.Second)); !has {
		t.Error("it is not found under the key of the hour before")
	}
	if _, ok := b.Give(draft, time.Hour, noon.Add(2*time.Hour)); ok {
		t.Error("a draft of an hour long over is given")
	}
}

// The hours' keys go when the hours do, though nobody asks.
func TestWhatHasEndedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(RandomKey, nil)
		var running sync.WaitGroup
		running.Go(func() { b.Run(t.Context()) })
		start := time.Now()
		give(t, b, time.Hour, start)
		first := b.hours.Load().this
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if held := b.hours.Load(); held == nil || held.this != nil || held.last != first {
			t.Errorf("after an hour there is %+v", held)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if held := b.hours.Load(); held != nil || b.Any() {
			t.Errorf("after two there is %+v", held)
		}
	})
}

func TestAMarkIsAnHMAC(t *testing.T) {
	key := keyOf(3)
	client := Client{Addr: netip.MustParseAddr("2001:db8::1"), Name: "dns.example", Path: "tablet"}
	got, fits := markOf(&key, client, entry)
	mac := hmac.New(sha256.New, key[:])
	addr := client.Addr.As16()
	mac.Write([]byte{byte(len(client.Name)), byte(len(client.Path))})
	mac.Write(addr[:])
	mac.Write([]byte(client.Name + client.Path))
	mac.Write(entry)
	if !fits || !hmac.Equal(got[:], mac.Sum(nil)) {
		t.Errorf("%x is not the HMAC", got)
	}
	for _, none := range []struct {
		client Client
		entry  []byte
	}{{Client{}, entry}, {here, nil}, {here, make([]byte, MaxEntry+1)}, {Client{Addr: here.Addr, Path: strings.Repeat("x", maxName+1)}, entry}, {Client{Addr: here.Addr, Name: strings.Repeat("x", maxName+1)}, entry}} {
		if _, fits := markOf(&key, none.client, none.entry); fits {
			t.Errorf("%+v with an entry of %d octets has a mark", none.client, len(none.entry))
		}
	}
}

// What one node gives is in force on another when it has been carried there, and says nothing.
func TestPassesAreCarriedToOtherNodes(t *testing.T) {
	var carried []Pass
	one, other := New(keyOf, func(given Pass) { carried = append(carried, given) }), New(keyOf, nil)
	give(t, one, time.Hour, noon)
	if len(carried) != 1 || !other.Take(carried[0], noon) {
		t.Fatalf("carried %+v", carried)
	}
	if _, has := other.Until(here, entry, noon.Add(time.Minute)); !has {
		t.Error("the other node does not know the pass")
	}
	late := noon.Add(61 * time.Minute)
	for about, forged := range map[string]Pass{
		"of an hour to come":   {Hour: HourOf(late) + 1, Until: late.Add(time.Minute)},
		"of an hour long over": {Hour: HourOf(late) - 2, Until: late.Add(time.Minute)},
		"ended":                {Hour: HourOf(late), Until: late},
		"too long":             {Hour: HourOf(late), Until: late.Add(Longest + time.Second)},
	} {
		if other.Take(forged, late) {
			t.Errorf("a pass %s is taken", about)
		}
	}
}

func TestPassesAreBounded(t *testing.T) {
	b := New(keyOf, nil)
	taken := 0
	for i := range maxPasses + 10 {
		given := Pass{Hour: HourOf(noon), Mark: Mark{byte(i), byte(i >> 8), byte(i >> 16)}, Until: noon.Add(time.Minute)}
		if b.Take(given, noon) {
			taken++
		}
	}
	if taken != maxPasses {
		t.Errorf("%d passes are taken, not %d", taken, maxPasses)
	}
}

func TestLookingForAPassAllocatesNothing(t *testing.T) {
	b := New(RandomKey, nil)
	give(t, b, time.Hour, noon)
	if allocated := testing.AllocsPerRun(100, func() { b.Until(others[0].client, entry, noon) }); allocated != 0 {
		t.Errorf("it allocates %v times", allocated)
	}
}

// Readers see a pass whole or not at all, whoever gives others meanwhile.
func TestGivingDisturbsNobody(t *testing.T) {
	b := New(RandomKey, nil)
	give(t, b, time.Hour, noon)
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for j := range 200 {
				b.Take(Pass{Hour: HourOf(noon), Mark: Mark{byte(j), byte(i)}, Until: noon.Add(time.Minute)}, noon)
				if _, has := b.Until(here, entry, noon); !has {
					t.Error("the pass is gone")
				}
			}
		})
	}
	work.Wait()
}

func BenchmarkUntil(bench *testing.B) {
	b := New(RandomKey, nil)
	draft, _ := b.Draft(here, entry, noon)
	b.Give(draft, time.Hour, noon)
	bench.ReportAllocs()
	for bench.Loop() {
		b.Until(others[0].client, entry, noon)
	}
}
