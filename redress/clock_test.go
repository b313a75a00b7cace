package redress

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

func TestDeadlines(t *testing.T) {
	friday := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	entry := func(purpose blocklists.Purpose) *Entry { return &Entry{Purpose: purpose} }
	for _, c := range []struct {
		name     string
		entry    *Entry
		merits   State
		deadline time.Time
		verified time.Time // the deadline once control is proved an hour later
	}{
		{"law", entry(blocklists.Law), Referred, time.Time{}, time.Time{}},
		{"security", entry(blocklists.Security), Submitted, friday.Add(72 * time.Hour), friday.Add(25 * time.Hour)},
		{"user", entry(blocklists.User), Submitted, time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC), time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)},
		{"nothing", nil, Submitted, friday.Add(72 * time.Hour), friday.Add(25 * time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			implementation, merits := tracks(c.entry, friday, nil)
			if implementation != (Track{State: Submitted, Deadline: friday.Add(24 * time.Hour)}) {
				t.Errorf("implementation %v", implementation)
			}
			if merits.State != c.merits || !merits.Deadline.Equal(c.deadline) {
				t.Errorf("merits %v", merits)
			}
			if got := hastened(c.entry, merits, friday.Add(time.Hour)); !got.Deadline.Equal(c.verified) {
				t.Errorf("verified: %v", got)
			}
			if late := hastened(c.entry, merits, friday.Add(71*time.Hour)); late.Deadline.After(merits.Deadline) {
				t.Errorf("a late proof gave more time: %v", late)
			}
		})
	}
}

func TestLimiterByNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(Rate{Burst: 3, PerMinute: 6})
		home, neighbour, other := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("::ffff:192.0.2.99"), netip.MustParseAddr("198.51.100.1")
		take := func(addr netip.Addr, want bool) {
			t.Helper()
			wait, ok := limiter.Allow(addr)
			if ok != want || !ok && wait != 10*time.Second {
				t.Errorf("%s: %v, wait %s", addr, ok, wait)
			}
		}
		take(home, true)
		take(neighbour, true)
		take(home, true)
		take(neighbour, false)
		take(other, true)
		time.Sleep(10 * time.Second)
		take(home, true)
		take(home, false)
		six, near := netip.MustParseAddr("2001:db8:0:1::1"), netip.MustParseAddr("2001:db8:0:ff::1")
		for range 3 {
			take(six, true)
		}
		take(near, false)
		take(netip.MustParseAddr("2001:db8:0:100::1"), true)
		key := string(limiter.key)
		time.Sleep(25 * time.Hour)
		take(home, true)
		if string(limiter.key) == key || len(limiter.buckets) != 1 {
			t.Errorf("yesterday's networks are still there: %d", len(limiter.buckets))
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	limiter := NewLimiter(Rate{Burst: 1, PerMinute: 1})
	for i := range maxBuckets + 1000 {
		limiter.AllowKey(fmt.Sprint(i))
	}
	if len(limiter.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(limiter.buckets))
	}
	unlimited := NewLimiter(Rate{})
	for range 100 {
		if _, ok := unlimited.AllowKey("one"); !ok {
			t.Fatal("no limit was one")
		}
	}
}

func TestTokensAndIDsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		for _, secret := range []string{newToken(), string(newCaseID()), string(newFilingID())} {
			if seen[secret] {
				t.Fatalf("%q came twice", secret)
			}
			seen[secret] = true
		}
	}
	if token := newToken(); len(token) != 32 || !HashToken(token).Matches(token) || HashToken(token).Matches(token+"a") {
		t.Errorf("token %q", token)
	}
}
