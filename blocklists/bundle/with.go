package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxAdded is how many entries lie on top of a bundle at most: they are written anew
// with each that comes.
const maxAdded = 10_000

// With gives a bundle that has these entries too, each of a list that the bundle has. It
// takes no compile and shares the files; its generation is the next one. What the next
// compile makes does not have them, unless the lists do by then.
func (b *Bundle) With(entries ...blocklists.Entry) (*Bundle, error) {
	added := slices.Concat(b.added, entries)
	if len(added) > maxAdded {
		return nil, fmt.Errorf("%d entries are added without a compile, and %d is the most", len(added), maxAdded)
	}
	return b.lay(added, b.laid, b.generation+1)
}

// Lay gives the bundle with these entries on top, in the place of those that were laid there
// before; those of With stay. Unlike those of With they may be any number: they take some microseconds and fifty
// octets each. Its generation is higher than after, the one in force, and else its own.
func (b *Bundle) Lay(entries []blocklists.Entry, after uint64) (*Bundle, error) {
	return b.lay(b.added, entries, max(b.generation, after+1))
}

func (b *Bundle) lay(added, laid []blocklists.Entry, generation uint64) (*Bundle, error) {
	layers, metas := b.files()
	if len(added)+len(laid) == 0 {
		return b.bare(layers, metas, generation)
	}
	image, said, err := b.imageOf(slices.Concat(laid, added), layers)
	if err != nil {
		return nil, err
	}
	top, err := openImage(image)
	if err != nil {
		return nil, err
	}
	made, err := assemble(append(layers, top), append(metas, said), b.lists, b.health)
	if err != nil {
		return nil, err
	}
	made.added, made.laid, made.generation = added, laid, generation
	return made, nil
}

// Laid is how many entries Lay has put on top.
func (b *Bundle) Laid() int { return len(b.laid) }

// OrderOf is the reference of the order that an entry belongs to; "" for a list's own.
func (b *Bundle) OrderOf(id uint32) string {
	s, at := b.at(id)
	if s == nil || s.class(at).kind&hasExtra == 0 {
		return ""
	}
	var err error
	defer b.note(&err)
	more, err := s.textsOf(at)
	return more.order
}

// bare is the bundle with nothing on top.
func (b *Bundle) bare(layers []*layer, metas []*meta, generation uint64) (*Bundle, error) {
	if len(layers) == 0 {
		return &Bundle{generation: generation, lists: b.lists, health: b.health}, nil
	}
	made, err := assemble(layers, metas, b.lists, b.health)
	if err != nil {
		return nil, err
	}
	made.generation = generation
	return made, nil
}

// files are the layers of the bundle without what With added.
func (b *Bundle) files() (layers []*layer, metas []*meta) {
	for i := range b.strata {
		if !b.metas[i].Added {
			layers, metas = append(layers, b.strata[i].layer), append(metas, b.metas[i])
		}
	}
	return layers, metas
}

// keyed is an entry on its way into an image.
type keyed struct {
	key []byte
	item
}

// order is the reference of the entry's order. Two orders for one name are two entries:
// each may be lifted by itself.
func (k *keyed) order() string {
	if k.texts == nil {
		return ""
	}
	return k.texts.order
}

func (b *Bundle) imageOf(entries []blocklists.Entry, layers []*layer) ([]byte, *meta, error) {
	rows := make([]keyed, 0, len(entries))
	var last *texts // of the entry before, as most entries of an order follow each other
	for i := range entries {
		row, err := b.keyed(&entries[i])
		if err != nil {
			return nil, nil, err
		}
		if row.texts != nil {
			if last != nil && *last == *row.texts {
				row.texts = last
			}
			last = row.texts
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(x, y keyed) int {
		if order := bytes.Compare(x.key, y.key); order != 0 {
			return order // as of most
		}
		return cmp.Or(compareItems(x.item, y.item), cmp.Compare(x.order(), y.order()))
	})
	rows = slices.CompactFunc(rows, func(x, y keyed) bool {
		return bytes.Equal(x.key, y.key) && sameEntry(&x.item, &y.item) && x.order() == y.order()
	})
	seed := newSeed()
	if len(layers) > 0 {
		seed = layers[0].seed // one hash serves all layers
	}
	var to memory
	w := newWriter(&to, b.generation+1, seed, len(rows))
	defer w.filling.finish()
	for start := 0; start < len(rows); {
		var items []item
		end := start
		for ; end < len(rows) && bytes.Equal(rows[end].key, rows[start].key); end++ {
			items = append(items, rows[end].item)
		}
		w.add(rows[start].key, items)
		start = end
	}
	said := b.addedMeta(w)
	text, err := json.Marshal(said)
	if err == nil {
		err = w.finish(text)
	}
	return to.octets, said, err
}

// addedMeta has the lists in the bundle's own order, so that numbers are places.
func (b *Bundle) addedMeta(w *writer) *meta {
	said := &meta{Added: true, Lengths: w.prefixes()}
	if len(b.metas) > 0 {
		said.Order = b.metas[len(b.metas)-1].Order
	}
	for i := range b.lists {
		said.Lists = append(said.Lists, listMeta{ID: b.lists[i].ID, Kind: b.lists[i].Kind, Entries: w.counts[uint32(i)]})
	}
	return said
}

func (b *Bundle) keyed(e *blocklists.Entry) (keyed, error) {
	place := slices.IndexFunc(b.lists, func(list List) bool { return list.ID == e.List })
	if place < 0 {
		return keyed{}, fmt.Errorf("an entry of list %q, which the bundle does not have", e.List)
	}
	var k key
	if e.Trigger.ByAddress() {
		if !e.Prefix.IsValid() || e.Prefix != e.Prefix.Masked() || e.Prefix.Addr().Is4In6() {
			return keyed{}, fmt.Errorf("list %q: %w: %s", e.List, errPrefix, e.Prefix)
		}
		k.ofPrefix(e.Trigger, e.Prefix)
	} else if !k.ofName(e.Trigger, wire.Name(bytes.ToLower([]byte(e.Name)))) {
		return keyed{}, fmt.Errorf("list %q: %w: %q", e.List, errName, e.Name)
	}
	made := keyed{key: bytes.Clone(k.bytes()), item: item{
		list: uint32(place), scope: uint8(e.Scope), action: uint8(e.Action), standing: uint8(e.Standing), from: e.From, until: e.Until, line: e.Line,
	}}
	if !e.FirstSeen.IsZero() {
		made.seen = uint32(max(0, e.FirstSeen.Unix()))
	}
	if e.Data != "" || e.Order != "" {
		made.texts = &texts{data: e.Data, order: e.Order}
	}
	return made, nil
}
