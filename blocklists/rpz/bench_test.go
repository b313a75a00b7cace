package rpz

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// flat is an index of subtrees, one an owner.
type flat struct {
	entries []blocklists.Entry
	byName  map[wire.Name]uint32
}

func newFlat(count int) *flat {
	f := &flat{byName: make(map[wire.Name]uint32, count)}
	for i := range count {
		name := wire.MustName(fmt.Sprintf("h%x.n%x.t%d-example", i, i*7919%(count/3+1), i%50))
		f.byName[name] = uint32(i)
		f.entries = append(f.entries, blocklists.Entry{List: "phish", Name: name, Scope: blocklists.Subtree})
	}
	return f
}

func (f *flat) Err() error { return nil }

func (f *flat) Match(name wire.Name, into []uint32) ([]uint32, error) {
	for at := name; at != ""; at = at.Parent() {
		if id, found := f.byName[at]; found {
			into = append(into, id)
		}
	}
	return into, nil
}

func (f *flat) Entry(id uint32) (blocklists.Entry, bool) { return f.entries[id], true }

func (f *flat) All() iter.Seq2[uint32, blocklists.Entry] {
	return func(yield func(uint32, blocklists.Entry) bool) {
		for i := range f.entries {
			if !yield(uint32(i), f.entries[i]) {
				return
			}
		}
	}
}

// BenchmarkPublish is what a change of a list of 100,000 entries costs; the index takes no
// time to speak of.
func BenchmarkPublish(b *testing.B) {
	const count = 100_000
	lists := []*blocklists.Manifest{{ID: "phish", Purpose: blocklists.Security}}
	view := &View{Index: newFlat(count), Lists: lists}
	zone := wire.MustName("policy.example")
	b.ReportAllocs()
	for b.Loop() {
		rules := 0
		_, _, err := build(context.Background(), &PublishConfig{Zone: zone}, view, lists, zone, b.TempDir(), time.Now(), func(rule) error { rules++; return nil })
		if err != nil || rules != 2*count {
			b.Fatalf("%d rules, %v", rules, err)
		}
	}
}
