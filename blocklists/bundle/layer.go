package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"sort"
	"sync"

	"github.com/recourse-dns/recourse/blocklists/turns"
)

// layer is one file, or one image in memory, opened. What every lookup needs is
// copied into memory of its own, checked on the way; names and provenance stay in the
// file, and each of their pages is checked whenever it is read.
type layer struct {
	*header
	held *held
	sums []byte
	meta []byte

	filter  filter
	kinds   []byte
	classes []byte
	firsts  []byte // of each block where its least key begins in least, and its first id
	least   []byte
	seen    []byte
	times   []byte
	extras  []byte
}

// held is what an opened layer must give back.
type held struct {
	file     *os.File // nil for an image in memory
	fd       uintptr
	image    []byte // nil for a file
	resident []byte
	pages    pages
	codes    imageCodes // of an image
}

func (h *held) close() error {
	err := free(h.resident)
	if h.file != nil {
		err = errors.Join(err, h.file.Close())
	}
	return err
}

// openFile opens a bundle's file. This program never writes to it again.
func openFile(path string, pause *turns.Work) (*layer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return open(&held{file: file, fd: file.Fd()}, file, info.Size(), pause)
}

// openImage opens a bundle that lies in memory.
func openImage(octets []byte) (*layer, error) {
	return open(&held{image: octets}, bytes.NewReader(octets), int64(len(octets)), nil)
}

func open(h *held, from io.ReaderAt, size int64, pause *turns.Work) (*layer, error) {
	l := &layer{held: h}
	err := l.load(from, size, pause)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	runtime.AddCleanup(l, func(h *held) { _ = h.close() }, h) // nobody is left who could be told
	return l, nil
}

// load reads what lookups need.
func (l *layer) load(from io.ReaderAt, size int64, pause *turns.Work) error {
	if err := l.loadHeader(from, size); err != nil {
		return err
	}
	return l.loadSections(from, pause)
}

// loadHeader reads the header and the sums of all pages.
func (l *layer) loadHeader(from io.ReaderAt, size int64) error {
	page := make([]byte, pageSize)
	if _, err := from.ReadAt(page, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var err error
	if l.header, err = decodeHeader(page, size); err != nil {
		return err
	}
	length := l.sections[sectionSums].length
	l.sums = make([]byte, min(pagesOf(length)*pageSize, l.size-l.sections[sectionSums].offset))
	if _, err := from.ReadAt(l.sums, int64(l.sections[sectionSums].offset)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if crcOf(l.sums) != l.header.sums {
		return corrupt("its sums have a wrong checksum")
	}
	l.sums = l.sums[:length]
	return nil
}

// loadSections reads the resident sections into one piece of memory: in turns with others, or
// else on two cores.
func (l *layer) loadSections(from io.ReaderAt, pause *turns.Work) error {
	parts := map[section]*[]byte{
		sectionFirsts: &l.firsts, sectionFilter: (*[]byte)(&l.filter), sectionKinds: &l.kinds, sectionClasses: &l.classes,
		sectionSeen: &l.seen, sectionTimes: &l.times, sectionExtras: &l.extras, sectionMeta: &l.meta,
	}
	total := uint64(0)
	for s := range parts {
		total += pagesOf(l.sections[s].length) * pageSize
	}
	resident, err := allocate(int(max(total, pageSize)))
	if err != nil {
		return err
	}
	l.held.resident = resident
	var errs errorList
	var reading sync.WaitGroup
	for s, part := range parts {
		e := l.sections[s]
		room := resident[:pagesOf(e.length)*pageSize]
		resident = resident[len(room):]
		*part = room[:e.length:e.length]
		half := 0
		if pause == nil {
			half = len(room) / 2 / pageSize * pageSize
			reading.Go(func() { errs.add(l.loadPages(from, room[:half], e.offset, nil)) })
		}
		errs.add(l.loadPages(from, room[half:], e.offset+uint64(half), pause))
		reading.Wait()
	}
	if err := errs.join(); err != nil {
		return err
	}
	return l.checkSections(pause)
}

// errorList collects errors of several goroutines.
type errorList struct {
	mu   sync.Mutex
	errs []error
}

func (e *errorList) add(err error) {
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.errs = append(e.errs, err)
	}
}

func (e *errorList) join() error { return errors.Join(e.errs...) }

func (l *layer) loadPages(from io.ReaderAt, into []byte, at uint64, pause *turns.Work) error {
	const piece = 16 * pageSize // stays in the cache between reading and checking
	for len(into) > 0 {
		n := min(piece, len(into))
		if read, err := from.ReadAt(into[:n], int64(at)); read < n {
			return corrupt("it cannot be read at octet %d: %v", at, err)
		}
		for page := 0; page < n; page += pageSize {
			if err := l.sum(at/pageSize, into[page:page+pageSize]); err != nil {
				return err
			}
			at += pageSize
		}
		into = into[n:]
		pause.Rest()
	}
	return nil
}

// checkSections makes sure that what points somewhere points to something.
func (l *layer) checkSections(pause *turns.Work) error {
	blocks := l.blocks()
	if uint64(len(l.firsts)) < 8*uint64(blocks) || (l.entries > 0) != (blocks > 0) {
		return corrupt("it lacks the index of its names")
	}
	l.firsts, l.least = l.firsts[:8*blocks], l.firsts[8*blocks:]
	key, id := uint32(0), uint32(0)
	for i := range blocks {
		k, first := l.first(i)
		if k < key || uint64(k) > uint64(len(l.least)) || first < id || first >= l.entries || i == 0 && first != 0 {
			return corrupt("the index of its names is not in order")
		}
		key, id = k, first
	}
	classes := uint32(len(l.classes) / classSize)
	for id := range l.entries {
		if getWide(l.kinds, l.kindWidth, id) >= classes {
			return corrupt("entry %d has no kind", id)
		}
		if id%entriesATurn == 0 {
			pause.Rest()
		}
	}
	return nil
}

func (l *layer) blocks() int { return int(l.sections[sectionNames].length / pageSize) }

func (l *layer) first(block int) (key, id uint32) {
	return binary.LittleEndian.Uint32(l.firsts[8*block:]), binary.LittleEndian.Uint32(l.firsts[8*block+4:])
}

// leastOf is a key above all of the block before, and not above any of this one.
func (l *layer) leastOf(block int) []byte {
	start, _ := l.first(block)
	end := uint32(len(l.least))
	if block+1 < len(l.firsts)/8 {
		end, _ = l.first(block + 1)
	}
	return l.least[start:end]
}

func (l *layer) class(id uint32) class {
	kind := getWide(l.kinds, l.kindWidth, id)
	return decodeClass(l.classes[kind*classSize:])
}

// sum checks a page against its sum.
func (l *layer) sum(page uint64, octets []byte) error {
	if at := (page - 1) * sumSize; at >= uint64(len(l.sums)) || crcOf(octets) != binary.LittleEndian.Uint32(l.sums[at:]) {
		return corrupt("the page at octet %d has a wrong checksum", page*pageSize)
	}
	return nil
}

// pageAt gives a page that is sound: of the image, of those that are kept, or else read
// into the buffer.
func (l *layer) pageAt(number uint64, buffer *page) ([]byte, error) {
	if l.held.image != nil {
		return l.held.image[number*pageSize : (number+1)*pageSize], nil // this process wrote it
	}
	if kept := l.held.pages.get(number); kept != nil {
		return kept[:], nil
	}
	if err := readPage(l.held.file, l.held.fd, buffer, int64(number*pageSize)); err != nil {
		return nil, err
	}
	if err := l.sum(number, buffer[:]); err != nil {
		return nil, err
	}
	l.held.pages.offer(number, buffer)
	return buffer[:], nil
}

// verify reads every page from the disk, kept or not.
func (l *layer) verify() error {
	buffer := new(page)
	for number := uint64(1); number <= uint64(len(l.sums)/sumSize); number++ {
		if err := readPage(l.held.file, l.held.fd, buffer, int64(number*pageSize)); err != nil {
			return err
		}
		if err := l.sum(number, buffer[:]); err != nil {
			return err
		}
	}
	return nil
}

// find looks a key up in its block.
func (l *layer) find(key []byte) (id, count uint32, err error) {
	block := sort.Search(l.blocks(), func(i int) bool { return bytes.Compare(l.leastOf(i), key) > 0 }) - 1
	if block < 0 {
		return 0, 0, nil
	}
	buffer := l.held.pages.borrow()
	defer l.held.pages.giveBack(buffer)
	opened, err := l.block(block, buffer)
	if err != nil {
		return 0, 0, err
	}
	id, count, err = opened.find(key)
	if err == nil && (uint64(id)+uint64(count) > uint64(l.entries)) {
		err = errBlock
	}
	return id, count, err
}

func (l *layer) block(index int, buffer *page) (block, error) {
	page, err := l.pageAt(l.sections[sectionNames].offset/pageSize+uint64(index), buffer)
	if err != nil {
		return block{}, err
	}
	opened, err := openBlock(page)
	if _, first := l.first(index); err == nil && opened.firstID() != first {
		err = errBlock
	}
	return opened, err
}

// keyOf gives the key of an entry; it is good until the cursor is used again.
func (l *layer) keyOf(id uint32, c *cursor, buffer *page) ([]byte, error) {
	index := sort.Search(l.blocks(), func(i int) bool { _, first := l.first(i); return first > id }) - 1
	opened, err := l.block(index, buffer)
	if err != nil {
		return nil, err
	}
	if err := c.open(opened.page); err != nil {
		return nil, err
	}
	restart := sort.Search(c.restarts, func(i int) bool { _, first := c.restart(i); return first > id }) - 1
	if err := c.seek(max(restart, 0)); err != nil {
		return nil, err
	}
	for {
		more, err := c.next()
		if err != nil || !more || id < c.id {
			return nil, errors.Join(errBlock, err)
		}
		if id-c.id < c.count {
			return c.key, nil
		}
	}
}

// read copies a part of a section out.
func (l *layer) read(s section, at uint64, into []byte) error {
	e := l.sections[s]
	if at > e.length || uint64(len(into)) > e.length-at {
		return corrupt("octet %d is not in section %d", at, s)
	}
	buffer := l.held.pages.borrow()
	defer l.held.pages.giveBack(buffer)
	for at += e.offset; len(into) > 0; {
		page, err := l.pageAt(at/pageSize, buffer)
		if err != nil {
			return err
		}
		n := copy(into, page[at%pageSize:])
		into, at = into[n:], at+uint64(n)
	}
	return nil
}

// wide reads one value of a column that stays in the file.
func (l *layer) wide(s section, width uint8, id uint32) (uint32, error) {
	if width == 0 {
		return 0, nil // all are the first
	}
	var octets [4]byte
	err := l.read(s, uint64(id)*uint64(width), octets[:width])
	return binary.LittleEndian.Uint32(octets[:]), err
}

// provenance gives an entry's line, and when it was first seen.
func (l *layer) provenance(id uint32) (line, seen uint32, err error) {
	if line, err = l.wide(sectionLines, l.lineWidth, id); err != nil {
		return 0, 0, err
	}
	if seen, err = l.seenAt(id); err != nil {
		return 0, 0, err
	}
	return line, seen, nil
}

// seenAt gives when an entry was first seen.
func (l *layer) seenAt(id uint32) (uint32, error) {
	index := getWide(l.seen, l.seenWidth, id)
	if uint64(index)*4+4 > uint64(len(l.times)) {
		return 0, corrupt("entry %d has no time", id)
	}
	return l.timeAt(index), nil
}

func (l *layer) timeAt(index uint32) uint32 { return binary.LittleEndian.Uint32(l.times[4*index:]) }

// textsOf gives what few entries have; for the others it is empty.
func (l *layer) textsOf(id uint32) (texts, error) {
	count := len(l.extras) / extraSize
	i := sort.Search(count, func(i int) bool { return binary.LittleEndian.Uint32(l.extras[i*extraSize:]) >= id })
	if i == count || binary.LittleEndian.Uint32(l.extras[i*extraSize:]) != id {
		return texts{}, nil
	}
	at := binary.LittleEndian.Uint64(l.extras[i*extraSize+4:])
	end := l.sections[sectionTexts].length
	if i+1 < count {
		end = binary.LittleEndian.Uint64(l.extras[(i+1)*extraSize+4:])
	}
	if at > end || end-at > maxTexts {
		return texts{}, corrupt("entry %d has texts of no sense", id)
	}
	octets := make([]byte, end-at)
	if err := l.read(sectionTexts, at, octets); err != nil {
		return texts{}, err
	}
	return decodeTexts(octets)
}

// maxTexts bounds what one entry has to say.
const maxTexts = 1 << 20

func decodeTexts(octets []byte) (texts, error) {
	var parts [3]string
	for i := range parts {
		length, size := binary.Uvarint(octets)
		if size <= 0 || length > uint64(len(octets)-size) {
			return texts{}, corrupt("a text goes beyond its end")
		}
		parts[i] = string(octets[size : uint64(size)+length])
		octets = octets[uint64(size)+length:]
	}
	return texts{data: parts[0], order: parts[1], because: parts[2]}, nil
}
