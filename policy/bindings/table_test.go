package bindings_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/profile"
)

var (
	now   = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	later = now.Add(time.Hour)
)

func network(text string) bindings.Subject {
	return bindings.Subject{Network: netip.MustParsePrefix(text)}
}

func ports(addr string, first, last uint16) bindings.Subject {
	return bindings.Subject{Network: netip.PrefixFrom(netip.MustParseAddr(addr), 32), FirstPort: first, LastPort: last}
}

func bind(subject bindings.Subject, profile string) bindings.Change {
	return bindings.Change{Subject: subject, Profile: profile, Until: later}
}

func apply(t testing.TB, table *bindings.Table, changes ...bindings.Change) {
	t.Helper()
	if refused := table.Apply(changes, now); len(refused) > 0 {
		t.Fatal(refused)
	}
}

func TestLongestPrefix(t *testing.T) {
	table := bindings.New()
	apply(t, table,
		bind(network("10.0.0.0/8"), "eight"), bind(network("10.1.0.0/16"), "sixteen"), bind(network("10.1.2.3/32"), "host"), bind(network("0.0.0.0/0"), "all"),
		bind(network("2001:db8::/32"), "lir"), bind(network("2001:db8:1:200::/56"), "home"), bind(network("2001:db8:1:200::1/128"), "device"),
		bind(ports("10.1.2.3", 1024, 2047), "ports"), bind(ports("10.1.2.3", 2048, 65535), "more"), bind(ports("10.9.9.9", 0, 7), "few"),
		bindings.Change{Subject: network("10.1.2.4/32"), Jurisdiction: "IT", Until: later},
		bindings.Change{Subject: network("10.1.2.5/32"), Profile: "gone", Until: now})
	for _, test := range []struct {
		addr string
		port uint16
		want profile.Binding
	}{
		{"10.200.0.1", 0, profile.Binding{Profile: "eight"}},
		{"10.1.0.1", 0, profile.Binding{Profile: "sixteen"}},
		{"10.1.2.3", 0, profile.Binding{Profile: "host"}},
		{"10.1.2.3", 1023, profile.Binding{Profile: "host"}},
		{"10.1.2.3", 1024, profile.Binding{Profile: "ports", Ports: true}},
		{"10.1.2.3", 2047, profile.Binding{Profile: "ports", Ports: true}},
		{"10.1.2.3", 65535, profile.Binding{Profile: "more", Ports: true}},
		{"10.1.2.2", 1024, profile.Binding{Profile: "sixteen"}},
		{"10.9.9.9", 0, profile.Binding{Profile: "few", Ports: true}},
		{"10.9.9.9", 8, profile.Binding{Profile: "eight"}},
		{"192.0.2.1", 0, profile.Binding{Profile: "all"}},
		{"2001:db8::1", 0, profile.Binding{Profile: "lir"}},
		{"2001:db8:1:2ff::", 0, profile.Binding{Profile: "home"}},
		{"2001:db8:1:200::1", 0, profile.Binding{Profile: "device"}},
		{"10.1.2.4", 0, profile.Binding{Jurisdiction: "IT"}},
	} {
		if got, found := table.Bound(netip.MustParseAddr(test.addr), test.port, now); !found || got != test.want {
			t.Errorf("%s port %d: %+v, %v", test.addr, test.port, got, found)
		}
	}
	// The time of one is over: what is around it does not hold there in its place.
	for _, addr := range []string{"10.1.2.5", "2001:db9::1"} {
		if got, found := table.Bound(netip.MustParseAddr(addr), 0, now); found {
			t.Errorf("%s: %+v", addr, got)
		}
	}
	if _, found := table.Bound(netip.MustParseAddr("10.1.2.3"), 0, later); found {
		t.Error("it holds after its end")
	}
	apply(t, table, bindings.Change{Subject: network("10.1.2.3/32"), Remove: true}, bindings.Change{Subject: network("10.77.0.0/16"), Remove: true})
	if got, _ := table.Bound(netip.MustParseAddr("10.1.2.3"), 1, now); got.Profile != "sixteen" {
		t.Errorf("after its end was told: %+v", got)
	}
	if bound, found := table.Get(network("10.0.0.0/8")); !found || bound != (bindings.Binding{Profile: "eight", Until: later}) {
		t.Errorf("got %+v, %v", bound, found)
	}
	addr := netip.MustParseAddr("10.1.2.4")
	if allocations := testing.AllocsPerRun(100, func() { table.Bound(addr, 1, now) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestWhatCannotBeBound(t *testing.T) {
	table := bindings.New()
	apply(t, table, bind(ports("10.0.0.1", 100, 199), "a"))
	for name, test := range map[string]struct {
		change bindings.Change
		want   error
	}{
		"nothing":         {bind(bindings.Subject{}, "a"), bindings.ErrSubject},
		"bits beyond":     {bind(network("10.0.0.1/8"), "a"), bindings.ErrSubject},
		"mapped":          {bind(network("::ffff:10.0.0.0/104"), "a"), bindings.ErrSubject},
		"ports of many":   {bind(bindings.Subject{Network: netip.MustParsePrefix("10.0.0.0/24"), LastPort: 1}, "a"), bindings.ErrSubject},
		"ports of IPv6":   {bind(bindings.Subject{Network: netip.MustParsePrefix("::1/128"), LastPort: 1}, "a"), bindings.ErrSubject},
		"ports backwards": {bind(ports("10.0.0.2", 2, 1), "a"), bindings.ErrSubject},
		"no end":          {bindings.Change{Subject: network("10.0.0.0/8"), Profile: "a"}, bindings.ErrNoEnd},
		"no end in sight": {bindings.Change{Subject: network("10.0.0.0/8"), Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}, bindings.ErrEnd},
		"before all time": {bindings.Change{Subject: network("10.0.0.0/8"), Until: time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)}, bindings.ErrEnd},
		"overlapping":     {bind(ports("10.0.0.1", 150, 250), "b"), bindings.ErrOverlap},
		"overlapped":      {bind(ports("10.0.0.1", 120, 130), "b"), bindings.ErrOverlap},
		"around":          {bind(ports("10.0.0.1", 0, 65535), "b"), bindings.ErrOverlap},
	} {
		good := bind(network("192.0.2.0/24"), name)
		refused := table.Apply([]bindings.Change{test.change, good}, now)
		if len(refused) != 1 || !errors.Is(refused[0], test.want) {
			t.Errorf("%s: %v", name, refused)
		}
		if bound, _ := table.Get(good.Subject); bound.Profile != name {
			t.Errorf("%s: the other is not in force", name)
		}
	}
	// Two at once that overlap, and one that goes in the place of another.
	refused := table.Apply([]bindings.Change{bind(ports("10.0.0.3", 0, 9), "a"), bind(ports("10.0.0.3", 5, 20), "b"),
		{Subject: ports("10.0.0.1", 100, 199), Remove: true}, bind(ports("10.0.0.1", 150, 250), "c")}, now)
	if len(refused) != 1 || !errors.Is(refused[1], bindings.ErrOverlap) {
		t.Errorf("refused %v", refused)
	}
	if bound, _ := table.Bound(netip.MustParseAddr("10.0.0.1"), 160, now); bound.Profile != "c" {
		t.Errorf("got %+v", bound)
	}
	// One whose time is over makes room.
	next := bindings.Change{Subject: ports("10.0.0.1", 200, 300), Profile: "d", Until: later.Add(time.Hour)}
	if refused := table.Apply([]bindings.Change{next}, later); len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
	if bound, _ := table.Bound(netip.MustParseAddr("10.0.0.1"), 220, later); bound.Profile != "d" || table.Len() != 3 {
		t.Errorf("got %+v, %d bindings", bound, table.Len())
	}
}

// The table against one that is looked through, over many changes.
func TestTableAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, model := bindings.New(), map[bindings.Subject]bindings.Binding{}
		for round := range rapid.IntRange(1, 5).Draw(t, "rounds") {
			var changes []bindings.Change
			for i := range rapid.IntRange(0, 1500).Draw(t, "changes") {
				c := bindings.Change{Subject: drawn(t), Profile: fmt.Sprint(round, i), Until: now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until")) * time.Minute)}
				if c.Remove = rapid.IntRange(0, 3).Draw(t, "remove") == 0; c.Remove {
					delete(model, c.Subject)
				} else {
					model[c.Subject] = bindings.Binding{Profile: c.Profile, Until: c.Until}
				}
				changes = append(changes, c)
			}
			if refused := table.Apply(changes, now); len(refused) > 0 {
				t.Fatal(refused)
			}
		}
		if table.Len() != len(model) {
			t.Fatalf("%d bindings, want %d", table.Len(), len(model))
		}
		for subject, binding := range table.All {
			if model[subject] != binding {
				t.Fatalf("%s: %+v, want %+v", subject, binding, model[subject])
			}
		}
		agree(t, table, model)
		over := 0
		for _, binding := range model {
			if !binding.Until.After(now) {
				over++
			}
		}
		if swept := table.Sweep(now); swept > over || table.Len() != len(model)-swept {
			t.Fatalf("swept %d of %d", swept, over)
		}
		agree(t, table, model)
	})
}

func drawn(t *rapid.T) bindings.Subject {
	word := rapid.Uint32Range(0, 7).Draw(t, "block")<<24 | rapid.Uint32Range(0, 511).Draw(t, "host")
	var four [4]byte
	binary.BigEndian.PutUint32(four[:], word)
	addr, bits := netip.AddrFrom4(four), rapid.SampledFrom([]int{0, 6, 8, 24, 28, 32}).Draw(t, "bits")
	if rapid.Bool().Draw(t, "IPv6") {
		six := [16]byte{0: 0x20, 7: byte(word >> 24), 14: byte(word >> 8), 15: byte(word)}
		addr, bits = netip.AddrFrom16(six), rapid.SampledFrom([]int{4, 62, 64, 112, 120, 128}).Draw(t, "bits")
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		t.Fatal(err)
	}
	return bindings.Subject{Network: prefix}
}

func agree(t *rapid.T, table *bindings.Table, model map[bindings.Subject]bindings.Binding) {
	for range 200 {
		addr := drawn(t).Network.Addr()
		var longest bindings.Subject
		for subject := range model {
			if subject.Network.Contains(addr) && (!longest.Network.IsValid() || subject.Network.Bits() > longest.Network.Bits()) {
				longest = subject
			}
		}
		want := model[longest]
		holds := longest.Network.IsValid() && want.Until.After(now)
		if got, found := table.Bound(addr, 5353, now); found != holds || found && got.Profile != want.Profile {
			t.Fatalf("%s: %+v, %v; want %+v of %s", addr, got, found, want, longest)
		}
	}
}

// Readers go on while the table changes, and see each change whole.
func TestReadersDoNotWait(t *testing.T) {
	table := bindings.New()
	both := func(id string) []bindings.Change {
		return []bindings.Change{bind(network("10.0.0.0/8"), id), bind(network("2001:db8::/32"), id)}
	}
	apply(t, table, both("0")...)
	var work sync.WaitGroup
	end := make(chan struct{})
	for range 2 {
		work.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				if bound, found := table.Bound(netip.MustParseAddr("10.1.1.1"), 0, now); !found || bound.Profile == "" {
					t.Errorf("got %+v, %v", bound, found)
					return
				}
			}
		})
	}
	for i := range 2000 {
		apply(t, table, append(both(fmt.Sprint(i)), bind(network(fmt.Sprintf("192.0.%d.%d/32", i>>8, i&255)), "x"))...)
	}
	close(end)
	work.Wait()
	if table.Len() != 2002 {
		t.Errorf("%d bindings", table.Len())
	}
}

func TestSweepTakesMany(t *testing.T) {
	table := bindings.New()
	var changes []bindings.Change
	for i := range 200_000 {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], uint32(i)*7919)
		until := now
		if i%10 == 0 {
			until = later
		}
		changes = append(changes, bindings.Change{Subject: bindings.Subject{Network: netip.PrefixFrom(netip.AddrFrom4(four), 32)}, Profile: "p", Until: until})
	}
	for part := range slices.Chunk(changes, 30_000) {
		apply(t, table, part...)
	}
	if swept := table.Sweep(now); swept != 180_000 || table.Len() != 20_000 {
		t.Errorf("swept %d, %d left", swept, table.Len())
	}
	if swept := table.Sweep(later); swept != 20_000 || table.Len() != 0 {
		t.Errorf("swept %d, %d left", swept, table.Len())
	}
}
