package bundle

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// A delta says, for each owner whose entries differ between two generations, which it
// has in the newer one. It begins with a line of JSON, goes on with the owners in the order of their keys,
// and ends with an empty key and the digest of all entries that come out of it.
const deltaMark = "recourse-bundle-delta-1"

// deltaHead is a delta's first line.
type deltaHead struct {
	Mark string `json:"mark"`
	// From is the digest of all entries that it goes out from.
	From       string    `json:"from"`
	Generation uint64    `json:"generation"`
	At         time.Time `json:"at"`
	// Meta is of the newer generation, as if it were one file.
	Meta meta `json:"meta"`
}

// ErrOtherBundle says that a delta is for another bundle.
var ErrOtherBundle = errors.New("the delta goes out from another bundle")

// owners walks a bundle owner by owner, over all its files.
type owners struct {
	merge   *merge
	key     []byte
	items   []item
	numbers []int32 // what becomes of each list: its number elsewhere, or -1
	digest  hash.Hash
	buffer  []byte
	done    bool
}

// owners begins a walk. The digest is of all entries, in whatever files they lie.
func (b *Bundle) owners(numbers []int32) (*owners, error) {
	var sources []source
	for i := range b.strata {
		sources = append(sources, &carried{walker: walker{stratum: &b.strata[i]}, bundle: b, numbers: b.strata[i].lists})
	}
	m, err := newMerge(sources)
	if err != nil {
		return nil, err
	}
	o := &owners{merge: m, numbers: numbers, digest: sha256.New()}
	for i := range b.lists {
		fmt.Fprintf(o.digest, "%s\n", b.lists[i].ID)
	}
	return o, o.next()
}

// next goes to the next owner. Its items have the numbers of their lists elsewhere.
func (o *owners) next() error {
	if len(o.merge.heap) == 0 {
		o.done, o.key = true, nil
		return nil
	}
	o.key, o.items = append(o.key[:0], o.merge.heap[0].key...), o.items[:0]
	for len(o.merge.heap) > 0 && bytes.Equal(o.merge.heap[0].key, o.key) {
		_, item := o.merge.heap[0].at()
		o.items = append(o.items, *item)
		if err := o.merge.advance(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(o.items, compareItems)
	o.buffer = appendOwner(o.buffer[:0], o.key, o.items)
	o.digest.Write(o.buffer)
	if o.numbers == nil {
		return nil
	}
	kept := o.items[:0]
	for _, item := range o.items {
		if number := o.numbers[item.list]; number >= 0 {
			item.list = uint32(number)
			kept = append(kept, item)
		}
	}
	o.items = kept
	slices.SortStableFunc(o.items, compareItems)
	return nil
}

func (o *owners) sum() string { return hex.EncodeToString(o.digest.Sum(nil)) }

// numbersIn says which number each list of the bundle has among others.
func (b *Bundle) numbersIn(order []blocklists.ListID) []int32 {
	places := make(map[blocklists.ListID]int32, len(order))
	for i, id := range order {
		places[id] = int32(i)
	}
	numbers := make([]int32, len(b.lists))
	for i := range b.lists {
		numbers[i] = -1
		if place, known := places[b.lists[i].ID]; known {
			numbers[i] = place
		}
	}
	return numbers
}

// Delta writes what leads from one generation to another. Applied to the former it gives the
// entries of the latter, lines and times among them: a list whose lines all moved is in it whole.
func Delta(from, next *Bundle, to io.Writer) error {
	head := deltaHead{Mark: deltaMark, Generation: next.generation, At: time.Now().UTC(), Meta: *next.wholeMeta()}
	digest, err := from.digest()
	if err != nil {
		return err
	}
	head.From = digest
	buffered := bufio.NewWriter(to)
	if err := json.NewEncoder(buffered).Encode(&head); err != nil {
		return err
	}
	old, err := from.owners(from.numbersIn(head.Meta.Order))
	if err != nil {
		return err
	}
	fresh, err := next.owners(nil)
	if err != nil {
		return err
	}
	if err := differences(old, fresh, buffered); err != nil {
		return err
	}
	if _, err := buffered.Write(append(appendOwner(nil, nil, nil), fresh.sum()...)); err != nil {
		return err
	}
	return buffered.Flush()
}

func (b *Bundle) digest() (string, error) {
	o, err := b.owners(nil)
	for err == nil && !o.done {
		err = o.next()
	}
	if err != nil {
		return "", err
	}
	return o.sum(), nil
}

// wholeMeta is what one file with all lists would say of them.
func (b *Bundle) wholeMeta() *meta {
	said, known := new(meta), b.listMetas()
	for i := range b.lists {
		list := listMeta{ID: b.lists[i].ID, Kind: b.lists[i].Kind}
		if before := known[list.ID]; before != nil {
			list = *before
		}
		list.Absent, list.Entries = false, b.lists[i].Entries
		said.Order, said.Lists = append(said.Order, list.ID), append(said.Lists, list)
	}
	return said
}

func differences(old, fresh *owners, to io.Writer) error {
	var before, after []byte
	for !old.done || !fresh.done {
		order := compareOwners(old, fresh)
		if order == 0 {
			before = appendOwner(before[:0], old.key, old.items)
			after = appendOwner(after[:0], fresh.key, fresh.items)
		}
		switch {
		case order < 0 && len(old.items) > 0:
			after = appendOwner(after[:0], old.key, nil)
			fallthrough
		case order == 0 && !bytes.Equal(before, after):
			if _, err := to.Write(after); err != nil {
				return err
			}
		case order > 0:
			if _, err := to.Write(appendOwner(nil, fresh.key, fresh.items)); err != nil {
				return err
			}
		}
		if err := errors.Join(advance(old, order <= 0), advance(fresh, order >= 0)); err != nil {
			return err
		}
	}
	return nil
}

func compareOwners(a, b *owners) int {
	switch {
	case a.done:
		return 1
	case b.done:
		return -1
	}
	return bytes.Compare(a.key, b.key)
}

func advance(o *owners, wanted bool) error {
	if !wanted {
		return nil
	}
	return o.next()
}

func appendOwner(to, key []byte, items []item) []byte {
	to = append(binary.AppendUvarint(to, uint64(len(key))), key...)
	to = binary.AppendUvarint(to, uint64(len(items)))
	for i := range items {
		e := &items[i]
		to = append(binary.AppendUvarint(to, uint64(e.list)), e.scope, e.action, e.standing)
		for _, number := range []uint32{e.from, e.until, e.line, e.seen} {
			to = binary.AppendUvarint(to, uint64(number))
		}
		more := texts{}
		if e.texts != nil {
			more = *e.texts
		}
		for _, text := range []string{more.data, more.order, more.because} {
			to = append(binary.AppendUvarint(to, uint64(len(text))), text...)
		}
	}
	return to
}

// Apply writes, as the next generation of the folder, what a delta makes of a bundle, and gives its number.
// Nothing is put in place unless the entries that come out are exactly those that the
// delta was made for.
func (f *Folder) Apply(ctx context.Context, from *Bundle, delta io.Reader) (uint64, error) {
	in := bufio.NewReader(delta)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, fmt.Errorf("delta: %w", err)
	}
	var head deltaHead
	if err := json.Unmarshal(line, &head); err != nil || head.Mark != deltaMark {
		return 0, errors.Join(errors.New("not a delta of a bundle"), err)
	}
	digest, err := from.digest()
	if err != nil {
		return 0, err
	}
	if digest != head.From {
		return 0, ErrOtherBundle
	}
	err = f.writeFile(fileOf(head.Generation), func(to image) error { return applyTo(ctx, from, &head, in, to) })
	if err != nil {
		return 0, fmt.Errorf("delta to generation %d: %w", head.Generation, err)
	}
	return head.Generation, f.clear()
}

func applyTo(ctx context.Context, from *Bundle, head *deltaHead, in *bufio.Reader, to image) error {
	most := 0
	for i := range head.Meta.Lists {
		most += max(0, head.Meta.Lists[i].Entries)
	}
	if most > math.MaxUint32 {
		return errFull
	}
	// The filter is sized by what the delta claims, so that is bounded by what there is to read.
	w := newWriter(to, head.Generation, newSeed(), min(most, from.entries+maxDelta))
	defer w.filling.finish()
	old, err := from.owners(from.numbersIn(head.Meta.Order))
	if err != nil {
		return err
	}
	sum := sha256.New()
	for _, id := range head.Meta.Order {
		fmt.Fprintf(sum, "%s\n", id)
	}
	if err := applyOwners(ctx, w, sum, old, &deltaReader{in: in, lists: len(head.Meta.Lists)}); err != nil {
		return err
	}
	said := make([]byte, hex.EncodedLen(sha256.Size))
	if _, err := io.ReadFull(in, said); err != nil || string(said) != hex.EncodeToString(sum.Sum(nil)) {
		return corrupt("the delta does not give what it was made for")
	}
	head.Meta.Lengths = w.prefixes()
	text, err := json.Marshal(&head.Meta)
	if err != nil {
		return err
	}
	return w.finish(text)
}

// maxDelta is how many entries a delta may add.
const maxDelta = 50_000_000

func applyOwners(ctx context.Context, w *writer, sum hash.Hash, old *owners, delta *deltaReader) error {
	var buffer []byte
	emit := func(key []byte, items []item) {
		if len(items) > 0 {
			buffer = appendOwner(buffer[:0], key, items)
			sum.Write(buffer)
			w.add(key, items)
		}
	}
	if err := delta.next(); err != nil {
		return err
	}
	for count := 0; !old.done || len(delta.key) > 0; count++ {
		if count&0xffff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		order := 1
		switch {
		case len(delta.key) == 0:
			order = -1
		case !old.done:
			order = bytes.Compare(old.key, delta.key)
		}
		if order < 0 {
			emit(old.key, old.items)
		} else {
			emit(delta.key, delta.items)
		}
		if err := advance(old, order <= 0); err != nil {
			return err
		}
		if order >= 0 {
			if err := delta.next(); err != nil {
				return err
			}
		}
		if w.failed != nil {
			return w.failed
		}
	}
	return w.out.err
}

// deltaReader reads owners of a delta, which a stranger may have written.
type deltaReader struct {
	in    *bufio.Reader
	lists int
	key   []byte
	items []item
	err   error
}

// next gives an empty key at the end.
func (d *deltaReader) next() error {
	key := d.octets(maxKey)
	if d.err == nil && len(key) > 0 && bytes.Compare(key, d.key) <= 0 {
		d.err = corrupt("the owners of the delta are not in order")
	}
	if d.err == nil && len(key) > 0 && !validKey(key) {
		d.err = corrupt("an owner of the delta is no name and no prefix")
	}
	d.key, d.items = key, d.items[:0]
	for range d.number(1 << 24) {
		if d.err != nil {
			break
		}
		d.items = append(d.items, d.item())
	}
	return d.err
}

func validKey(key []byte) bool {
	if int(key[0]) >= triggers {
		return false
	}
	ok := false
	if blocklists.Trigger(key[0]).ByAddress() {
		_, ok = prefixOf(key)
	} else {
		_, ok = nameOf(key)
	}
	return ok
}

func (d *deltaReader) item() item {
	made := item{list: uint32(d.number(uint64(max(0, d.lists-1))))}
	made.scope, made.action, made.standing = d.octet(uint8(blocklists.Below)), d.octet(uint8(blocklists.LocalData)), d.octet(uint8(blocklists.Shadow))
	for _, number := range []*uint32{&made.from, &made.until, &made.line, &made.seen} {
		*number = uint32(d.number(math.MaxUint32))
	}
	more := texts{string(d.octets(maxTexts)), string(d.octets(maxTexts)), string(d.octets(maxTexts))}
	if more != (texts{}) {
		made.texts = &more
	}
	return made
}

func (d *deltaReader) number(most uint64) uint64 {
	if d.err != nil {
		return 0
	}
	value, err := binary.ReadUvarint(d.in)
	if err == nil && value > most {
		err = corrupt("a number of the delta is too large")
	}
	if d.err = err; err != nil {
		return 0
	}
	return value
}

func (d *deltaReader) octet(most uint8) uint8 {
	if d.err != nil {
		return 0
	}
	value, err := d.in.ReadByte()
	if err == nil && value > most {
		err = corrupt("a word of the delta is none")
	}
	d.err = err
	return value
}

func (d *deltaReader) octets(most uint64) []byte {
	octets := make([]byte, d.number(most))
	if d.err == nil {
		_, d.err = io.ReadFull(d.in, octets)
	}
	return octets
}
