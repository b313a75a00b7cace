package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A block of names is one page: the id of its first entry, how many names and
// restarts it has, the names, and at its end where each restart is and how far its id is
// from the first. A name is written as what differs from the one before, a restart as what
// differs from the first of the block.
const (
	pageSize     = 4096
	blockHeader  = 8
	restartEvery = 16
	restartSize  = 4

	lengthMask = 0x3f // of a suffix; all ones: the octet that follows has it
	hasCount   = 0x40 // more than one entry: a varint says how many
	sameShared = 0x80 // as many octets shared as by the name before
)

var errBlock = errors.New("a block of names is not well formed")

// blockWriter fills one page after another.
type blockWriter struct {
	page     [pageSize]byte
	end      int
	names    int
	restarts []byte
	first    []byte // key of the block
	last     []byte
	shared   int
	firstID  uint32
	entries  uint32
}

// add appends a name with its number of entries; false where the page is full.
func (w *blockWriter) add(key []byte, count uint32) bool {
	var record [maxKey + 16]byte
	restart := w.names%restartEvery == 0
	base := w.last
	if restart {
		base = w.first
	}
	shared := 0
	if w.names > 0 {
		shared = common(key, base)
	}
	length := putRecord(record[:], key[shared:], shared, count, !restart && shared == w.shared)
	room := pageSize - blockHeader - len(w.restarts)
	if restart {
		room -= restartSize
	}
	if w.end+length > room || w.entries > 1<<16-1 {
		return false
	}
	if restart {
		w.restarts = binary.LittleEndian.AppendUint16(w.restarts, uint16(blockHeader+w.end))
		w.restarts = binary.LittleEndian.AppendUint16(w.restarts, uint16(w.entries))
	}
	if w.names == 0 {
		w.first = append(w.first[:0], key...)
	}
	copy(w.page[blockHeader+w.end:], record[:length])
	w.end += length
	w.names++
	w.entries += count
	w.shared = shared
	w.last = append(w.last[:0], key...)
	return true
}

func putRecord(into, suffix []byte, shared int, count uint32, same bool) int {
	head, at := byte(min(len(suffix), lengthMask)), 1
	if head == lengthMask {
		into[at] = byte(len(suffix))
		at++
	}
	if same {
		head |= sameShared
	} else {
		into[at] = byte(shared)
		at++
	}
	if count > 1 {
		head |= hasCount
		at += binary.PutUvarint(into[at:], uint64(count))
	}
	into[0] = head
	return at + copy(into[at:], suffix)
}

// close gives the page as it is written, and begins the next one.
func (w *blockWriter) close() []byte {
	binary.LittleEndian.PutUint32(w.page[0:], w.firstID)
	binary.LittleEndian.PutUint16(w.page[4:], uint16(w.names))
	binary.LittleEndian.PutUint16(w.page[6:], uint16(len(w.restarts)/restartSize))
	clear(w.page[blockHeader+w.end : pageSize-len(w.restarts)])
	copy(w.page[pageSize-len(w.restarts):], w.restarts)
	w.firstID += w.entries
	w.end, w.names, w.entries, w.restarts = 0, 0, 0, w.restarts[:0]
	return w.page[:]
}

func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// block reads a page. What a page says is never believed beyond the page.
type block struct {
	page     []byte
	names    int
	restarts int
}

func openBlock(page []byte) (block, error) {
	b := block{page: page, names: int(binary.LittleEndian.Uint16(page[4:])), restarts: int(binary.LittleEndian.Uint16(page[6:]))}
	if b.names == 0 || b.restarts != (b.names+restartEvery-1)/restartEvery || blockHeader+b.restarts*restartSize > pageSize {
		return block{}, errBlock
	}
	return b, nil
}

func (b *block) firstID() uint32 { return binary.LittleEndian.Uint32(b.page) }

// restart gives where the restart is and the id of its first entry.
func (b *block) restart(i int) (at int, id uint32) {
	place := pageSize - (b.restarts-i)*restartSize
	return int(binary.LittleEndian.Uint16(b.page[place:])), b.firstID() + uint32(binary.LittleEndian.Uint16(b.page[place+2:]))
}

// record is one name as it is written.
type record struct {
	shared int
	suffix []byte
	count  uint32
	next   int
}

// record reads the name at a place; before is what the name before shared.
func (b *block) record(at, before int) (record, bool) {
	end := pageSize - b.restarts*restartSize
	if at < blockHeader || at+2 > end {
		return record{}, false
	}
	head := b.page[at]
	at++
	length := int(head & lengthMask)
	if length == lengthMask {
		length = int(b.page[at])
		at++
	}
	r := record{shared: before, count: 1}
	if head&sameShared == 0 && at < end {
		r.shared = int(b.page[at])
		at++
	}
	if head&hasCount != 0 && at < end {
		count, size := binary.Uvarint(b.page[at:end])
		if size <= 0 || count == 0 || count > 1<<32-1 {
			return record{}, false
		}
		r.count = uint32(count)
		at += size
	}
	r.next = at + length
	if length == 0 || r.next > end || r.shared+length > maxKey {
		return record{}, false
	}
	r.suffix = b.page[at:r.next]
	return r, true
}

// find gives the first entry of a key and how many it has; none where it is not in the block.
func (b *block) find(key []byte) (id, count uint32, err error) {
	at, _ := b.restart(0)
	first, ok := b.record(at, 0)
	if !ok || first.shared != 0 {
		return 0, 0, errBlock
	}
	agreed := common(key, first.suffix)
	low, high := 0, b.restarts // the restart before high is not above the key
	for low+1 < high {
		middle := (low + high) / 2
		at, _ := b.restart(middle)
		r, ok := b.record(at, 0)
		if !ok {
			return 0, 0, errBlock
		}
		if compareAt(key, r, agreed, first.suffix) < 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return b.scan(key, low, first.suffix, agreed)
}

// compareAt compares a key with a restart, which shares its beginning with the block's
// first key; agreed is what the key shares with that.
func compareAt(key []byte, r record, agreed int, first []byte) int {
	if agreed < r.shared {
		if agreed == len(key) || agreed < len(first) && key[agreed] < first[agreed] {
			return -1
		}
		return 1
	}
	return bytes.Compare(key[r.shared:], r.suffix)
}

// scan looks for the key from a restart to the next. It builds no name: how far the key
// agrees with the name before says how it compares with the one at hand.
func (b *block) scan(key []byte, restart int, first []byte, agreed int) (id, count uint32, err error) {
	at, id := b.restart(restart)
	shared := 0
	for i := restart * restartEvery; i < min(b.names, (restart+1)*restartEvery); i++ {
		r, ok := b.record(at, shared)
		if !ok {
			return 0, 0, errBlock
		}
		switch {
		case i == restart*restartEvery && r.shared > agreed:
			// The restart agrees with the first key beyond the key itself.
			if compareAt(key, r, agreed, first) < 0 {
				return 0, 0, nil
			}
		case i == restart*restartEvery:
			agreed = r.shared
			fallthrough
		case r.shared == agreed:
			more := common(key[agreed:], r.suffix)
			agreed += more
			if agreed == len(key) && more == len(r.suffix) {
				return id, r.count, nil
			}
			if agreed == len(key) || more < len(r.suffix) && key[agreed] < r.suffix[more] {
				return 0, 0, nil
			}
		case r.shared < agreed:
			return 0, 0, nil
		}
		at, shared = r.next, r.shared
		id += r.count
	}
	return 0, 0, nil
}

// cursor walks a block name by name.
type cursor struct {
	block
	at, shared, done int
	id               uint32
	count            uint32
	first, key       []byte
}

func (c *cursor) open(page []byte) error {
	opened, err := openBlock(page)
	if err != nil {
		return err
	}
	c.block, c.done, c.count = opened, 0, 0
	c.at, c.id = c.restart(0)
	return nil
}

// seek goes to a restart, so that the next name is its first.
func (c *cursor) seek(restart int) error {
	if restart > 0 && c.done == 0 {
		if more, err := c.next(); err != nil || !more {
			return errBlock // the first key is needed
		}
	}
	if restart > 0 {
		c.at, c.id = c.restart(restart)
		c.done, c.count = restart*restartEvery, 0
	}
	return nil
}

// next gives false at the end of the block. The key is good until the next call.
func (c *cursor) next() (bool, error) {
	if c.done == c.names {
		return false, nil
	}
	c.id += c.count
	r, ok := c.record(c.at, c.shared)
	base := c.key
	if c.done%restartEvery == 0 {
		base = c.first
	}
	if c.done == 0 {
		base = nil
	}
	if !ok || r.shared > len(base) {
		return false, errBlock
	}
	c.key = append(append(c.key[:0], base[:r.shared]...), r.suffix...)
	if c.done == 0 {
		c.first = append(c.first[:0], c.key...)
	}
	c.at, c.shared, c.count = r.next, r.shared, r.count
	c.done++
	return true, nil
}
