package bundle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A file is a header of one page and sections that begin at pages, each page with its
// CRC32C in the section of sums, whose own is in the header.
const (
	fileMark    = "RCBUNDLE"
	fileVersion = 1
	maxPages    = 1 << 30

	headerSections = 80
	headerSums     = headerSections + sectionCount*16
	headerCRC      = pageSize - 4
	sumSize        = 4
)

// section is a part of a file.
type section int

// The sections, in the order in which they are written.
const (
	sectionNames   section = iota // blocks of names, in the order of their keys
	sectionFirsts                 // of each block the least key that belongs to it, and its first id
	sectionFilter                 // which keys may be there
	sectionKinds                  // of each entry its kind
	sectionClasses                // of each kind list, scope, action, standing and dates
	sectionLines                  // of each entry its line
	sectionSeen                   // of each entry which time it was first seen at
	sectionTimes                  // those times
	sectionExtras                 // ids of the entries that have more to say, and where
	sectionTexts                  // what they have to say
	sectionMeta                   // lists, digests, reports
	sectionSums
	sectionCount
)

// header is a file's first page.
type header struct {
	generation     uint64
	size           uint64
	entries, names uint32
	seed           seed
	// Octets that each entry takes in sectionKinds, sectionLines and sectionSeen.
	kindWidth, lineWidth, seenWidth uint8
	sections                        [sectionCount]extent
	sums                            uint32 // CRC32C of the section of sums
}

type extent struct{ offset, length uint64 }

// ErrCorrupt is the cause of every error about a file that is not what was written.
var ErrCorrupt = errors.New("the bundle is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func crcOf(octets []byte) uint32 { return crc32.Checksum(octets, crc32.MakeTable(crc32.Castagnoli)) }

func pagesOf(length uint64) uint64 { return (length + pageSize - 1) / pageSize }

func (h *header) encode() []byte {
	page := make([]byte, pageSize)
	copy(page, fileMark)
	binary.LittleEndian.PutUint32(page[8:], fileVersion)
	page[12], page[13], page[14] = h.kindWidth, h.lineWidth, h.seenWidth
	binary.LittleEndian.PutUint64(page[16:], h.generation)
	binary.LittleEndian.PutUint64(page[24:], h.size)
	binary.LittleEndian.PutUint32(page[32:], h.entries)
	binary.LittleEndian.PutUint32(page[36:], h.names)
	for i, part := range h.seed {
		binary.LittleEndian.PutUint64(page[40+8*i:], part)
	}
	for i, e := range h.sections {
		binary.LittleEndian.PutUint64(page[headerSections+16*i:], e.offset)
		binary.LittleEndian.PutUint64(page[headerSections+16*i+8:], e.length)
	}
	binary.LittleEndian.PutUint32(page[headerSums:], h.sums)
	binary.LittleEndian.PutUint32(page[headerCRC:], crcOf(page[:headerCRC]))
	return page
}

// decodeHeader reads the first page of a file of this size.
func decodeHeader(page []byte, size int64) (*header, error) {
	switch {
	case len(page) != pageSize || string(page[:len(fileMark)]) != fileMark:
		return nil, fmt.Errorf("not a bundle")
	case binary.LittleEndian.Uint32(page[8:]) != fileVersion:
		return nil, fmt.Errorf("a bundle of version %d, and this program reads version %d", binary.LittleEndian.Uint32(page[8:]), fileVersion)
	case crcOf(page[:headerCRC]) != binary.LittleEndian.Uint32(page[headerCRC:]):
		return nil, corrupt("its header has a wrong checksum")
	}
	h := &header{
		kindWidth: page[12], lineWidth: page[13], seenWidth: page[14],
		generation: binary.LittleEndian.Uint64(page[16:]), size: binary.LittleEndian.Uint64(page[24:]),
		entries: binary.LittleEndian.Uint32(page[32:]), names: binary.LittleEndian.Uint32(page[36:]),
		sums: binary.LittleEndian.Uint32(page[headerSums:]),
	}
	for i := range h.seed {
		h.seed[i] = binary.LittleEndian.Uint64(page[40+8*i:])
	}
	for i := range h.sections {
		h.sections[i] = extent{binary.LittleEndian.Uint64(page[headerSections+16*i:]), binary.LittleEndian.Uint64(page[headerSections+16*i+8:])}
	}
	return h, h.check(size)
}

// check makes sure that every section lies in the file and has the length that the
// number of entries asks for. What is read afterwards relies on it.
func (h *header) check(size int64) error {
	if size < 0 || h.size != uint64(size) {
		return corrupt("it has %d octets, and %d were written", size, h.size)
	}
	for i, e := range h.sections {
		if e.offset%pageSize != 0 || e.offset < pageSize || e.offset > h.size || e.length > h.size-e.offset {
			return corrupt("section %d does not lie in it", i)
		}
	}
	for _, width := range []uint8{h.kindWidth, h.lineWidth, h.seenWidth} {
		if width > 4 {
			return corrupt("a column of %d octets an entry", width)
		}
	}
	sized := map[section]uint64{
		sectionKinds: uint64(h.kindWidth) * uint64(h.entries), sectionLines: uint64(h.lineWidth) * uint64(h.entries),
		sectionSeen: uint64(h.seenWidth) * uint64(h.entries), sectionSums: sumSize * (h.sections[sectionSums].offset/pageSize - 1),
	}
	for section, want := range sized {
		if h.sections[section].length != want {
			return corrupt("section %d has %d octets and not %d", section, h.sections[section].length, want)
		}
	}
	if h.sections[sectionNames].length%pageSize != 0 || h.sections[sectionFilter].length%filterLine != 0 || h.sections[sectionFilter].length == 0 ||
		h.sections[sectionClasses].length%classSize != 0 || h.sections[sectionTimes].length%4 != 0 || h.sections[sectionExtras].length%extraSize != 0 {
		return corrupt("a section ends within an element")
	}
	return nil
}

const (
	classSize = 16
	extraSize = 12
	hasExtra  = 0x80 // in a class: its entries have texts
)

// class is all that entries have in common: what decides whether they count.
type class struct {
	list           uint32
	scope, action  uint8
	standing, kind uint8 // kind: the trigger, and hasExtra
	from, until    uint32
}

func (c *class) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, c.list)
	to = append(to, c.scope, c.action, c.standing, c.kind)
	to = binary.LittleEndian.AppendUint32(to, c.from)
	return binary.LittleEndian.AppendUint32(to, c.until)
}

func decodeClass(octets []byte) class {
	return class{
		list:  binary.LittleEndian.Uint32(octets),
		scope: octets[4], action: octets[5], standing: octets[6], kind: octets[7],
		from: binary.LittleEndian.Uint32(octets[8:]), until: binary.LittleEndian.Uint32(octets[12:]),
	}
}

// widthOf is how many octets a column needs for its greatest value.
func widthOf(greatest uint32) uint8 {
	width := uint8(0)
	for ; greatest > 0; greatest >>= 8 {
		width++
	}
	return width
}

func getWide(octets []byte, width uint8, index uint32) uint32 {
	at := uint64(index) * uint64(width)
	switch width {
	case 0:
		return 0
	case 1:
		return uint32(octets[at])
	case 2:
		return uint32(binary.LittleEndian.Uint16(octets[at:]))
	case 3:
		return uint32(octets[at]) | uint32(octets[at+1])<<8 | uint32(octets[at+2])<<16
	}
	return binary.LittleEndian.Uint32(octets[at:])
}
