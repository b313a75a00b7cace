package bundle

import (
	"bytes"
	"sort"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/turns"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// mostOwners bounds the walk of one [Bundle.Below], whatever of it is wanted.
const mostOwners = 1 << 17

// Below gives the ids of entries that look at names and block something below the name while they do not
// cover the name itself: those of names below it, and its own of what lies below it only. They come in the
// order of their names, of one name in that of the lists, at most so many; more says that there are others, or
// may be. Wanted says which count, and is asked with the entry's name and id; nil takes all. It is not for the
// path of queries: it walks, and gives others their turn where that is long. An error is as of [Bundle.Match].
func (b *Bundle) Below(name wire.Name, most int, wanted func(owner wire.Name, id uint32) bool) (ids []uint32, more bool, err error) {
	var k key
	if !b.Has(blocklists.OnName) || !k.ofName(blocklists.OnName, name) {
		return nil, false, nil
	}
	defer b.note(&err)
	d := descent{bundle: b, top: k.bytes()}
	if err = d.begin(); err != nil {
		return nil, false, err
	}
	var pause turns.Work
	for walked := 0; ; walked++ {
		owner, found, err := d.next()
		if err != nil || owner == "" {
			return ids, false, err
		}
		for _, id := range found {
			if wanted != nil && !wanted(owner, id) {
				continue
			}
			if len(ids) >= most {
				return ids, true, nil
			}
			ids = append(ids, id)
		}
		if walked >= mostOwners {
			return ids, true, nil
		}
		if walked%ownersABatch == 0 {
			pause.Rest()
		}
	}
}

// descent walks through what lies at and below a key, in all strata side by side.
type descent struct {
	bundle *Bundle
	top    []byte
	heads  []*walker // each stands at an owner that is at or below the key
	key    []byte    // room for the owner at hand
	ids    []uint32
}

// begin has a walker at the first such owner of each stratum that has any.
func (d *descent) begin() error {
	for i := range d.bundle.strata {
		s := &d.bundle.strata[i]
		block := sort.Search(s.blocks(), func(i int) bool { return bytes.Compare(s.leastOf(i), d.top) > 0 }) - 1
		w := &walker{stratum: s, index: max(block, 0)}
		at, err := w.upTo(d.top)
		if err != nil {
			return err
		}
		if at {
			d.heads = append(d.heads, w)
		}
	}
	return nil
}

// upTo goes to the first owner that is not before the key; false where none of it begins with the key.
func (w *walker) upTo(top []byte) (bool, error) {
	for {
		more, err := w.next()
		if err != nil || !more {
			return false, err
		}
		if bytes.Compare(w.key, top) >= 0 {
			return bytes.HasPrefix(w.key, top), nil
		}
	}
}

// next gives the next owner that has entries of lists that count, with their ids, which are good until the next call;
// an empty name at the end.
func (d *descent) next() (wire.Name, []uint32, error) {
	for len(d.heads) > 0 {
		if err := d.take(); err != nil {
			return "", nil, err
		}
		if len(d.ids) == 0 {
			continue // all of it is hidden by a layer above
		}
		owner, is := nameOf(d.key)
		if !is {
			return "", nil, errBlock
		}
		d.bundle.sort(d.ids)
		return owner, d.ids, nil
	}
	return "", nil, nil
}

// take gathers the entries of the least owner, and moves all that stand there.
func (d *descent) take() error {
	least := d.heads[0].key
	for _, w := range d.heads[1:] {
		if bytes.Compare(w.key, least) < 0 {
			least = w.key
		}
	}
	d.key, d.ids = append(d.key[:0], least...), d.ids[:0]
	kept := d.heads[:0]
	for _, w := range d.heads {
		if bytes.Equal(w.key, d.key) {
			d.ids = w.below(len(d.key) == len(d.top), d.ids)
			more, err := w.next()
			if err != nil {
				return err
			}
			if !more || !bytes.HasPrefix(w.key, d.top) {
				continue
			}
		}
		kept = append(kept, w)
	}
	d.heads = kept
	return nil
}

// below appends the entries of the owner at hand; of the name itself only those that do not cover it.
func (w *walker) below(itself bool, into []uint32) []uint32 {
	for id := w.id; id < w.id+w.count; id++ {
		c := w.class(id)
		if w.lists[c.list] >= 0 && (!itself || c.scope == uint8(blocklists.Below)) {
			into = append(into, w.base+id)
		}
	}
	return into
}
