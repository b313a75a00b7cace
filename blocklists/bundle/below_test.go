package bundle_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// below asks every entry of the bundle.
func below(b *bundle.Bundle, name wire.Name) (ids []uint32) {
	for id, entry := range b.All() {
		if entry.Trigger == blocklists.OnName && entry.Name.IsBelow(name) && !entry.Covers(name) {
			ids = append(ids, id)
		}
	}
	return ids
}

// spread draws names of few labels, so that they meet often and lie below each other.
func spread(random *rand.Rand, count int) string {
	labels := []string{"a", "b", "aa", "ab", "a-", "1", "zz"}
	var text strings.Builder
	for range count {
		if random.IntN(4) == 0 {
			text.WriteString("*.")
		}
		for range 1 + random.IntN(7) {
			text.WriteString(labels[random.IntN(len(labels))] + ".")
		}
		text.WriteString("x\n")
	}
	return text.String()
}

func TestBelowAgreesWithAllEntries(t *testing.T) {
	h, random := newHouse(t), rand.New(rand.NewPCG(1, 2))
	large := h.write("large", "wildcard", blocklists.Subtree, spread(random, 12_000))
	small := h.write("small", "wildcard", blocklists.Exact, spread(random, 200))
	b := h.next(nil, nil, nil, small, large)
	for round := range 12 {
		h.write("small", "wildcard", []blocklists.Scope{blocklists.Exact, blocklists.Below}[round%2], spread(random, 200))
		b = h.next(b, []string{"small"}, nil, small, large)
		top, err := b.With(
			blocklists.Entry{List: "large", Name: wire.MustName("on.top.a.x"), Scope: blocklists.Subtree},
			blocklists.Entry{List: "small", Trigger: blocklists.OnServer, Name: wire.MustName("ns.a.x"), Scope: blocklists.Exact})
		if err == nil {
			top, err = top.Lay([]blocklists.Entry{{List: "small", Name: wire.MustName("a.x"), Scope: blocklists.Below, Order: "7"}, {List: "large", Name: wire.MustName("b.a.x"), Scope: blocklists.Exact}}, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x", "a.x", "aa.x", "b.a.x", "a.a.a.x", "1.zz.x", "none.x", "zzz", "w"} {
			for _, world := range []*bundle.Bundle{b, top} {
				agreeBelow(t, world, wire.MustName(name), random)
			}
		}
	}
}

func agreeBelow(t *testing.T, b *bundle.Bundle, name wire.Name, random *rand.Rand) {
	t.Helper()
	want := below(b, name)
	got, more, err := b.Below(name, len(want), nil)
	if err != nil || more {
		t.Fatalf("%s: more %v, error %v", name, more, err)
	}
	inOrder := slices.IsSortedFunc(got, func(x, y uint32) int {
		return slices.Compare(topDown(b, x), topDown(b, y))
	})
	sorted := slices.Sorted(slices.Values(got))
	if slices.Sort(want); !slices.Equal(sorted, want) || !inOrder {
		t.Fatalf("%s: %d entries, want %d; in order %v", name, len(got), len(want), inOrder)
	}
	if len(want) == 0 {
		return
	}
	most := random.IntN(len(want))
	if few, more, err := b.Below(name, most, nil); err != nil || !more || !slices.Equal(few, got[:most]) {
		t.Errorf("%s: of %d the first %d: %d, more %v, error %v", name, len(want), most, len(few), more, err)
	}
	odd := func(owner wire.Name, id uint32) bool { return len(owner)%2 == 1 && b.ListIndex(id) == 0 }
	some, _, err := b.Below(name, len(want), odd)
	unwanted := func(id uint32) bool { entry, _ := b.Entry(id); return !odd(entry.Name, id) }
	if err != nil || !slices.Equal(some, slices.DeleteFunc(slices.Clone(got), unwanted)) {
		t.Errorf("%s: of those wanted %d, error %v", name, len(some), err)
	}
}

// topDown are the labels of an entry's name as they are ordered.
func topDown(b *bundle.Bundle, id uint32) []string {
	entry, _ := b.Entry(id)
	labels := strings.Split(strings.TrimSuffix(entry.Name.String(), "."), ".")
	slices.Reverse(labels)
	for i, label := range labels {
		labels[i] = fmt.Sprintf("%02d%s", len(label), label)
	}
	return labels
}

func TestBelowOfADamagedFileIsAnError(t *testing.T) {
	s := newSample(t)
	b, err := s.h.folder().Open(1, 0, s.catalog, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(s.file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for at := 4096; at < len(s.octets); at += 512 {
		file.WriteAt([]byte{^s.octets[at]}, int64(at))
	}
	if ids, _, err := b.Below(wire.MustName("example"), 500, nil); err == nil || b.Err() == nil {
		t.Errorf("%d ids, error %v, of the bundle %v", len(ids), err, b.Err())
	}
}

func TestBelowOfNothing(t *testing.T) {
	if ids, more, err := bundle.Empty().Below(wire.MustName("x"), 10, nil); len(ids) > 0 || more || err != nil {
		t.Errorf("%v, %v, %v", ids, more, err)
	}
}
