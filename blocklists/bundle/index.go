package bundle

import (
	"errors"
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// index is a set of names, each with a number in the order of their coming.
type index struct {
	seed  maphash.Seed
	arena []byte   // names in wire form, one after another
	start []uint32 // where each name starts, and where the next one would
	slots []slot
}

// slot is a place in the open table: half of a name's hash, and its number plus one.
// The zero slot is free.
type slot struct {
	print uint32
	owner uint32
}

var errFull = errors.New("the lists have more names than one bundle holds")

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), start: []uint32{0}, slots: make([]slot, 16)}
}

// count is how many names there are.
func (x *index) count() int { return len(x.start) - 1 }

func (x *index) name(owner uint32) []byte { return x.arena[x.start[owner]:x.start[owner+1]] }

// find gives the number of a name. It does not allocate and keeps nothing of name.
func (x *index) find(name wire.Name) (owner uint32, found bool) {
	sum := maphash.String(x.seed, string(name))
	for place := x.place(sum); ; place = x.next(place) {
		s := x.slots[place]
		if s.owner == 0 {
			return 0, false
		}
		if s.print == uint32(sum) && string(x.name(s.owner-1)) == string(name) {
			return s.owner - 1, true
		}
	}
}

// place maps the upper half of a hash to the table; the lower half is the fingerprint.
func (x *index) place(sum uint64) uint64 {
	high, _ := bits.Mul64(sum, uint64(len(x.slots)))
	return high
}

func (x *index) next(place uint64) uint64 {
	if place++; place == uint64(len(x.slots)) {
		return 0
	}
	return place
}

// add gives the number of a name, a new one if it is not there.
func (x *index) add(name wire.Name) (owner uint32, err error) {
	if owner, found := x.find(name); found {
		return owner, nil
	}
	if uint64(len(x.arena))+uint64(len(name)) > math.MaxUint32 || x.count() >= maxEntries {
		return 0, errFull
	}
	x.arena = append(x.arena, name...)
	x.start = append(x.start, uint32(len(x.arena)))
	owner = uint32(x.count() - 1)
	if x.count()*4 > len(x.slots)*3 {
		x.resize(len(x.slots) * 2)
	} else {
		x.put(owner)
	}
	return owner, nil
}

func (x *index) put(owner uint32) {
	sum := maphash.Bytes(x.seed, x.name(owner))
	place := x.place(sum)
	for x.slots[place].owner != 0 {
		place = x.next(place)
	}
	x.slots[place] = slot{print: uint32(sum), owner: owner + 1}
}

func (x *index) resize(slots int) {
	x.slots = make([]slot, slots)
	for owner := range x.count() {
		x.put(uint32(owner))
	}
}

// truncate takes the names back that came after the first count.
func (x *index) truncate(count int) {
	if count == x.count() {
		return
	}
	x.start = x.start[:count+1]
	x.arena = x.arena[:x.start[count]]
	x.resize(len(x.slots))
}

// pack gives the memory back that growing took in advance. A table that is two thirds full
// finds the end of a miss within one or two lines of the processor's cache.
func (x *index) pack() {
	x.arena = append(make([]byte, 0, len(x.arena)), x.arena...)
	x.start = append(make([]uint32, 0, len(x.start)), x.start...)
	x.resize(x.count()*3/2 + 1)
}
