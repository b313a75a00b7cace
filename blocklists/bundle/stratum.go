package bundle

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/recourse-dns/recourse/blocklists"
)

const (
	triggers  = int(blocklists.OnServerAddress) + 1
	maxStrata = 8 // bits of hit.strata
)

// stratum is a layer in its place in a bundle.
type stratum struct {
	*layer
	base uint32 // id of its first entry
	// lists is where each list of the layer stands among the bundle's; -1 where a layer
	// above has the whole list anew, or the bundle has it no more.
	lists []int32
	// disordered says that the layer's lists stand in another order than the bundle's.
	disordered bool
}

// covering appends the entries that cover the owner itself, or else what is below it.
func (s *stratum) covering(first, count uint32, itself bool, into []uint32) []uint32 {
	except := uint8(blocklists.Exact)
	if itself {
		except = uint8(blocklists.Below)
	}
	for id := first; id < first+count; id++ {
		c := s.class(id)
		if s.lists[c.list] >= 0 && (c.scope != except || blocklists.Trigger(c.kind&^hasExtra).ByAddress()) {
			into = append(into, s.base+id)
		}
	}
	return into
}

// walker goes through a stratum owner by owner.
type walker struct {
	*stratum
	cursor
	buffer page
	index  int // of the next block
}

func (w *walker) next() (bool, error) {
	for {
		if w.page != nil {
			if more, err := w.cursor.next(); more || err != nil {
				if uint64(w.id)+uint64(w.count) > uint64(w.entries) {
					err = errBlock
				}
				return more, err
			}
		}
		if w.index >= w.blocks() {
			return false, nil
		}
		opened, err := w.stratum.block(w.index, &w.buffer)
		if err != nil {
			return false, err
		}
		if err := w.open(opened.page); err != nil {
			return false, err
		}
		w.index++
	}
}

// health is whether the files are sound, for a bundle and all that share its layers.
type health struct {
	broken atomic.Pointer[error]
	tell   func(error) // called once
}

func (h *health) get() error {
	if err := h.broken.Load(); err != nil {
		return *err
	}
	return nil
}

func (h *health) fail(err error) {
	if h.broken.CompareAndSwap(nil, &err) && h.tell != nil {
		h.tell(err)
	}
}

// note is deferred around what reads the files: it notes an error, and keeps the files open.
func (b *Bundle) note(err *error) {
	if *err != nil {
		b.health.fail(*err)
	}
	runtime.KeepAlive(b)
}

// prefixLengths are the lengths of prefixes that a trigger has, the longest first.
type prefixLengths struct{ four, six []uint8 }

func (p *prefixLengths) of(address netip.Addr) []uint8 {
	if address.Is4() {
		return p.four
	}
	return p.six
}

func (p *prefixLengths) add(family, length uint8) {
	lengths := &p.six
	if family == familyIPv4 {
		lengths = &p.four
	}
	if !slices.Contains(*lengths, length) {
		*lengths = append(*lengths, length)
		slices.SortFunc(*lengths, func(a, b uint8) int { return cmp.Compare(b, a) })
	}
}

// meta is what a file says of its lists.
type meta struct {
	// Lists are those that the file has whole, in the order of their numbers in it.
	Lists []listMeta `json:"lists"`
	// Order is the lists of the generation, of this file and those below it.
	Order []blocklists.ListID `json:"order"`
	// Below are the files that this one lies on, the lowest first.
	Below []string `json:"below,omitempty"`
	// Lengths are the prefixes that there are: trigger, family, length.
	Lengths [][3]uint8 `json:"lengths,omitempty"`
	// Added says that the lists are not whole: the file adds to those below.
	Added bool `json:"added,omitempty"`
}

type listMeta struct {
	ID      blocklists.ListID `json:"id"`
	Kind    Kind              `json:"kind,omitempty"`
	Entries int               `json:"entries"`
	Held    int               `json:"held,omitempty"` // of them
	// Reading is a digest of all in the manifest, or of the own names, that decides which
	// entries come of a source; SHA256 is of the source.
	Reading string `json:"reading"`
	// Absent says that the list is not in this file but in one below.
	Absent  bool       `json:"absent,omitempty"`
	SHA256  string     `json:"sha256,omitempty"`
	Report  ListReport `json:"report"`
	Trouble string     `json:"trouble,omitempty"` // of the report
}

func (l *layer) decodeMeta() (*meta, error) {
	var m meta
	if err := json.Unmarshal(l.meta, &m); err != nil {
		return nil, corrupt("what it says of its lists: %v", err)
	}
	for i := range m.Lists {
		if m.Lists[i].Trouble != "" {
			m.Lists[i].Report.Fetch.Err = errors.New(m.Lists[i].Trouble)
		}
	}
	for at := 0; at < len(l.classes); at += classSize {
		if c := decodeClass(l.classes[at:]); uint64(c.list) >= uint64(len(m.Lists)) || int(c.kind&^hasExtra) >= triggers {
			return nil, corrupt("an entry belongs to no list")
		}
	}
	for _, length := range m.Lengths {
		if !blocklists.Trigger(length[0]).ByAddress() || length[1] == familyIPv4 && length[2] > 32 || length[2] > 128 {
			return nil, corrupt("a prefix of %d bits", length[2])
		}
	}
	return &m, nil
}

// assemble puts layers on each other, the lowest first. The lists are those of the
// topmost layer's order.
func assemble(layers []*layer, metas []*meta, lists []List, health *health) (*Bundle, error) {
	top := len(layers) - 1
	b := &Bundle{generation: layers[top].generation, lists: slices.Clone(lists), health: health, metas: metas}
	places := make(map[blocklists.ListID]int32, len(lists))
	for i := range lists {
		places[lists[i].ID] = int32(i)
		b.lists[i].Entries, b.lists[i].Held = 0, 0
	}
	if len(layers) > maxStrata {
		return nil, fmt.Errorf("a bundle of %d files, and %d is the most", len(layers), maxStrata)
	}
	whole := make(map[blocklists.ListID]bool)
	b.strata = make([]stratum, len(layers))
	for i := top; i >= 0; i-- {
		b.strata[i] = stratum{layer: layers[i], lists: placed(metas[i], places, whole)}
		if layers[i].seed != layers[top].seed {
			return nil, corrupt("files that do not belong together")
		}
	}
	return b, b.number(metas)
}

// placed finds where a layer's lists stand, and notes those that hide what lies below.
func placed(m *meta, places map[blocklists.ListID]int32, whole map[blocklists.ListID]bool) []int32 {
	lists := make([]int32, len(m.Lists))
	for i := range m.Lists {
		id := m.Lists[i].ID
		place, known := places[id]
		if lists[i] = place; !known || whole[id] || m.Lists[i].Absent {
			lists[i] = -1
		}
	}
	for i := range m.Lists {
		if !m.Added && !m.Lists[i].Absent {
			whole[m.Lists[i].ID] = true
		}
	}
	return lists
}

// number gives each stratum its ids, and counts.
func (b *Bundle) number(metas []*meta) error {
	base := uint64(0)
	for i := range b.strata {
		s := &b.strata[i]
		s.base = uint32(base)
		if base += uint64(s.entries); base > math.MaxUint32 {
			return errFull
		}
		last := int32(-1)
		for number, place := range s.lists {
			if place < 0 {
				continue
			}
			b.lists[place].Entries += metas[i].Lists[number].Entries
			b.lists[place].Held += metas[i].Lists[number].Held
			b.entries += metas[i].Lists[number].Entries
			b.strata[0].disordered = b.strata[0].disordered || place < last
			last = place
		}
		for at := 0; at < len(s.classes); at += classSize {
			if c := decodeClass(s.classes[at:]); s.lists[c.list] >= 0 {
				b.has[c.kind&^hasExtra] = true
			}
		}
		for _, length := range metas[i].Lengths {
			b.lengths[length[0]].add(length[1], length[2])
		}
	}
	return nil
}

// listMetas is what is known of each list of a bundle.
func (b *Bundle) listMetas() map[blocklists.ListID]*listMeta {
	known := make(map[blocklists.ListID]*listMeta)
	for i := range b.metas {
		for j := range b.metas[i].Lists {
			if b.strata[i].lists[j] >= 0 && !b.metas[i].Added {
				known[b.metas[i].Lists[j].ID] = &b.metas[i].Lists[j]
			}
		}
	}
	return known
}
