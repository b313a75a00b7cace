package bundle

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
)

// image is what a bundle is written to, from its start on; the header comes last.
type image interface {
	io.Writer
	io.WriterAt
}

// memory is an image in memory.
type memory struct{ octets []byte }

func (m *memory) Write(octets []byte) (int, error) {
	m.octets = append(m.octets, octets...)
	return len(octets), nil
}

func (m *memory) WriteAt(octets []byte, at int64) (int, error) {
	return copy(m.octets[at:], octets), nil
}

// paged writes sections page by page and notes the sum of each page.
type paged struct {
	to     image
	at     uint64 // of what was given to to
	buffer []byte
	sums   []byte
	err    error
}

func newPaged(to image) *paged {
	p := &paged{to: to, buffer: make([]byte, 0, 64*pageSize)}
	_, p.err = to.Write(make([]byte, pageSize)) // room for the header
	p.at = pageSize
	return p
}

func (p *paged) write(octets []byte) {
	for len(octets) > 0 && p.err == nil {
		n := min(len(octets), cap(p.buffer)-len(p.buffer))
		p.buffer = append(p.buffer, octets[:n]...)
		octets = octets[n:]
		if len(p.buffer) == cap(p.buffer) {
			p.flush()
		}
	}
}

// flush writes what is buffered, which is whole pages.
func (p *paged) flush() {
	for page := 0; page < len(p.buffer); page += pageSize {
		p.sums = binary.LittleEndian.AppendUint32(p.sums, crcOf(p.buffer[page:page+pageSize]))
	}
	if p.err == nil {
		_, p.err = p.to.Write(p.buffer)
	}
	p.at += uint64(len(p.buffer))
	p.buffer = p.buffer[:0]
}

// pad goes to the next page and gives where that begins.
func (p *paged) pad() uint64 {
	if rest := len(p.buffer) % pageSize; rest > 0 {
		p.write(make([]byte, pageSize-rest))
	}
	return p.at + uint64(len(p.buffer))
}

func (p *paged) section(octets []byte) extent {
	e := extent{p.pad(), uint64(len(octets))}
	p.write(octets)
	return e
}

// item is an entry on its way into a bundle, without its name.
type item struct {
	list          uint32
	scope, action uint8
	standing      uint8
	from, until   uint32
	line, seen    uint32
	texts         *texts // nil for most
	old           bool   // of the bundle before
}

// texts is what few entries have.
type texts struct{ data, order, because string }

// writer makes a bundle of names that come in the order of their keys.
type writer struct {
	out     *paged
	head    header
	block   blockWriter
	firsts  []byte // the index of sectionFirsts
	seps    []byte // and its keys
	blocks  uint32
	filling *filling
	kinds   []uint32
	lines   []uint32
	seen    []uint32
	classes map[class]uint32
	table   []byte // of the classes
	newest  class  // the last one asked for
	kind    uint32
	times   map[uint32]uint32
	stamps  []byte
	extras  []byte
	texts   []byte
	counts  map[uint32]int // entries by list
	held    map[uint32]int // those of them that are held
	lengths map[[3]uint8]bool
	last    []byte
	failed  error
}

// newWriter makes a writer for at most as many entries.
func newWriter(to image, generation uint64, seed seed, most int) *writer {
	return &writer{
		out: newPaged(to), head: header{generation: generation, seed: seed}, filling: newFilling(most),
		kinds: make([]uint32, 0, most), lines: make([]uint32, 0, most), seen: make([]uint32, 0, most),
		classes: make(map[class]uint32), times: make(map[uint32]uint32), counts: make(map[uint32]int), held: make(map[uint32]int), lengths: make(map[[3]uint8]bool),
	}
}

var errFull = fmt.Errorf("the lists have more entries than one bundle holds, which is %d", uint32(math.MaxUint32))

// add adds a name with its entries, in their order.
func (w *writer) add(key []byte, items []item) {
	if uint64(len(w.kinds))+uint64(len(items)) >= math.MaxUint32 {
		w.failed = errFull
		return
	}
	if !w.block.add(key, uint32(len(items))) {
		w.flushBlock()
		w.block.add(key, uint32(len(items)))
	}
	if w.block.names == 1 {
		w.openBlock(key)
	}
	w.last = append(w.last[:0], key...)
	w.filling.add(w.head.seed.of(key))
	w.head.names++
	if blocklists.Trigger(key[0]).ByAddress() {
		w.lengths[[3]uint8(key)] = true
	}
	for i := range items {
		w.entry(key[0], &items[i])
	}
}

// openBlock notes the shortest key that is above all of the block before and not above
// the first of this one.
func (w *writer) openBlock(first []byte) {
	length := 0
	if w.blocks > 0 {
		length = common(first, w.last) + 1
	}
	w.firsts = binary.LittleEndian.AppendUint32(w.firsts, uint32(len(w.seps)))
	w.firsts = binary.LittleEndian.AppendUint32(w.firsts, uint32(len(w.kinds)))
	w.seps = append(w.seps, first[:length]...)
	w.blocks++
}

func (w *writer) flushBlock() {
	if w.block.names > 0 {
		w.out.write(w.block.close())
	}
}

func (w *writer) entry(trigger byte, e *item) {
	c := class{list: e.list, scope: e.scope, action: e.action, standing: e.standing, kind: trigger, from: e.from, until: e.until}
	if e.texts != nil {
		c.kind |= hasExtra
		w.addTexts(e.texts)
	}
	w.kinds = append(w.kinds, w.kindOf(c))
	w.lines = append(w.lines, e.line)
	w.seen = append(w.seen, w.timeOf(e.seen))
	w.counts[e.list]++
	if blocklists.Standing(e.standing) == blocklists.Held {
		w.held[e.list]++
	}
}

func (w *writer) addTexts(t *texts) {
	w.extras = binary.LittleEndian.AppendUint32(w.extras, uint32(len(w.kinds)))
	w.extras = binary.LittleEndian.AppendUint64(w.extras, uint64(len(w.texts)))
	for _, text := range []string{t.data, t.order, t.because} {
		w.texts = binary.AppendUvarint(w.texts, uint64(len(text)))
		w.texts = append(w.texts, text...)
	}
}

func (w *writer) kindOf(c class) uint32 {
	if len(w.table) > 0 && c == w.newest {
		return w.kind
	}
	kind, known := w.classes[c]
	if !known {
		kind = uint32(len(w.classes))
		w.classes[c] = kind
		w.table = c.append(w.table)
	}
	w.newest, w.kind = c, kind
	return kind
}

func (w *writer) timeOf(seen uint32) uint32 {
	if at := len(w.seen); at > 0 && binary.LittleEndian.Uint32(w.stamps[4*w.seen[at-1]:]) == seen {
		return w.seen[at-1]
	}
	index, known := w.times[seen]
	if !known {
		index = uint32(len(w.times))
		w.times[seen] = index
		w.stamps = binary.LittleEndian.AppendUint32(w.stamps, seen)
	}
	return index
}

// finish writes what follows the names. The file is whole when it returns without an error.
func (w *writer) finish(meta []byte) error {
	w.flushBlock()
	h := &w.head
	h.entries = uint32(len(w.kinds))
	h.sections[sectionNames] = extent{pageSize, uint64(w.blocks) * pageSize}
	h.sections[sectionFirsts] = w.out.section(append(w.firsts, w.seps...))
	h.sections[sectionFilter] = w.out.section(w.filling.finish())
	h.kindWidth, h.sections[sectionKinds] = w.column(w.kinds)
	h.sections[sectionClasses] = w.out.section(w.table)
	h.lineWidth, h.sections[sectionLines] = w.column(w.lines)
	h.seenWidth, h.sections[sectionSeen] = w.column(w.seen)
	h.sections[sectionTimes] = w.out.section(w.stamps)
	h.sections[sectionExtras] = w.out.section(w.extras)
	h.sections[sectionTexts] = w.out.section(w.texts)
	h.sections[sectionMeta] = w.out.section(meta)
	w.out.pad()
	w.out.flush()
	sums := slices.Clone(w.out.sums)
	h.sections[sectionSums] = w.out.section(sums)
	h.sums = crcOf(append(sums, make([]byte, pagesOf(uint64(len(sums)))*pageSize-uint64(len(sums)))...))
	h.size = w.out.pad()
	w.out.flush()
	if w.failed != nil {
		return w.failed
	}
	if w.out.err == nil {
		_, w.out.err = w.out.to.WriteAt(h.encode(), 0)
	}
	return w.out.err
}

func (w *writer) column(values []uint32) (uint8, extent) {
	greatest := uint32(0)
	for _, value := range values {
		greatest = max(greatest, value)
	}
	width := widthOf(greatest)
	e := extent{w.out.pad(), uint64(width) * uint64(len(values))}
	var octets [4]byte
	for _, value := range values {
		binary.LittleEndian.PutUint32(octets[:], value)
		w.out.write(octets[:width])
	}
	return width, e
}

// rank puts an owner's exact entries before the others.
func rank(scope uint8) int {
	if blocklists.Scope(scope) == blocklists.Exact {
		return 0
	}
	return 1
}

// prefixes are the kinds of prefixes that were written: trigger, family, length.
func (w *writer) prefixes() [][3]uint8 { return slices.Collect(maps.Keys(w.lengths)) }
