package bundle

import (
	"maps"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/turns"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Group is how many entries of one list have the same standing and times.
type Group struct {
	List     int // its place in [Bundle.Lists]
	Standing blocklists.Standing
	From     uint32 // as in [blocklists.Terms]
	Seen     uint32 // as by [Bundle.FirstSeen]
	Count    int
}

// fewGroups is up to how many pairs of kind and time are counted in an array.
const fewGroups = 1 << 20

// Groups counts all entries by what decides about their reviews, without a look at the names.
// It takes some nanoseconds an entry and leaves others their turn meanwhile. Where the bundle
// turns out to be damaged there are fewer, and [Bundle.Err] says so.
func (b *Bundle) Groups() []Group {
	counts := make(map[Group]int)
	for i := range b.strata {
		if err := b.countGroups(&b.strata[i], counts); err != nil {
			break // it is noted, and another bundle takes this one's place
		}
	}
	groups := make([]Group, 0, len(counts))
	for group := range maps.Keys(counts) {
		group.Count = counts[group]
		groups = append(groups, group)
	}
	return groups
}

func (b *Bundle) countGroups(s *stratum, into map[Group]int) (err error) {
	defer b.note(&err)
	times := uint64(len(s.times) / 4)
	pairs, err := s.countPairs(times)
	if err != nil {
		return err
	}
	for pair, count := range pairs {
		c := decodeClass(s.classes[pair/times*classSize:])
		if s.lists[c.list] >= 0 {
			group := Group{List: int(s.lists[c.list]), Standing: blocklists.Standing(c.standing), From: c.from, Seen: s.timeAt(uint32(pair % times))}
			into[group] += count
		}
	}
	return nil
}

// countPairs counts the entries by the pair of their kind and their time, which is the
// index of the one times the number of times, plus that of the other.
func (s *stratum) countPairs(times uint64) (map[uint64]int, error) {
	most := uint64(len(s.classes)/classSize) * times
	few, pairs := make([]int, min(most, fewGroups)), make(map[uint64]int)
	var pause turns.Work
	for id := range s.entries {
		seen := uint64(getWide(s.seen, s.seenWidth, id))
		if seen >= times {
			return nil, corrupt("entry %d has no time", id)
		}
		pair := uint64(getWide(s.kinds, s.kindWidth, id))*times + seen
		if most <= fewGroups {
			few[pair]++
		} else {
			pairs[pair]++
		}
		if id%entriesATurn == 0 {
			pause.Rest()
		}
	}
	for pair, count := range few {
		if count > 0 {
			pairs[uint64(pair)] = count
		}
	}
	return pairs, nil
}

// IDsOf gives the ids of a list's own entries of exactly this name, whatever they look at.
func (b *Bundle) IDsOf(list blocklists.ListID, name wire.Name) (ids []uint32) {
	place := slices.IndexFunc(b.lists, func(l List) bool { return l.ID == list })
	for _, trigger := range []blocklists.Trigger{blocklists.OnName, blocklists.OnServer} {
		var k key
		if !b.Has(trigger) || !k.ofName(trigger, name) {
			continue
		}
		for i := range b.strata {
			ids = append(ids, b.idsOf(&b.strata[i], &k, int32(place))...)
		}
	}
	return ids
}

func (b *Bundle) idsOf(s *stratum, k *key, place int32) (ids []uint32) {
	var err error
	defer b.note(&err)
	first, count, err := s.find(k.bytes())
	for id := first; err == nil && id < first+count; id++ {
		if place >= 0 && s.lists[s.class(id).list] == place {
			ids = append(ids, s.base+id)
		}
	}
	return ids
}

// entriesATurn is how many entries are looked at before the clock is.
const entriesATurn = 16 << 10
