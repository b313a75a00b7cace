package bundle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/recourse-dns/recourse/blocklists"
)

// Coder makes the public codes of entries, which this package only keeps.
type Coder struct {
	// Tag tells codes of one key from those of another.
	Tag string
	// Code is the code of an entry; 0 where it has none of its own.
	Code func(list *List, entry *blocklists.Entry) uint64
	// Bits is how many bits codes have.
	Bits int
}

// A file of codes is beside the bundle's: a header, and pages of records in their order, each
// the upper 32 bits of a code and the entry's number in the file. A record only says
// which entries to look at: the code is then made anew and compared.
const (
	codesEnd    = ".codes"
	codesMark   = "RCCODES1"
	codeSize    = 8
	codesOfPage = pageSize/codeSize - 1 // and the sum
)

func codesOf(path string) string { return strings.TrimSuffix(path, fileEnd) + codesEnd }

// digestOf is what a file of codes depends on: the key, and of the lists what is in their codes.
func (c *Coder) digestOf(b *Bundle) [32]byte {
	text := c.Tag
	for i := range b.lists {
		if m := b.lists[i].Manifest; b.lists[i].Kind == Feed {
			text += "\x00" + string(m.ID) + "\x00" + m.OrderRef + "\x00" + m.Disclosure.String()
		}
	}
	return sha256.Sum256([]byte(text))
}

// WriteCodes writes the codes of each file of the bundle that has none yet. It takes long
// where there are many entries, so another process should do it.
func (f *Folder) WriteCodes(ctx context.Context, b *Bundle, coder *Coder) error {
	digest := coder.digestOf(b)
	for i := range b.strata {
		s := &b.strata[i]
		if s.held.file == nil {
			continue
		}
		path := codesOf(s.held.file.Name())
		if opened, err := openCodes(path, digest); err == nil {
			opened.Close()
			continue
		}
		codes, err := b.codes(ctx, s, coder)
		if err != nil {
			return err
		}
		err = f.writeFile(filepath.Base(path), func(to image) error { return writeCodes(to, digest, codes) })
		if err != nil {
			return err
		}
	}
	return nil
}

// codes are the records of one file, in their order.
func (b *Bundle) codes(ctx context.Context, s *stratum, coder *Coder) ([]uint64, error) {
	codes := make([]uint64, 0, s.entries)
	w := walker{stratum: s}
	for count := 0; ; count++ {
		if count&0xffff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		more, err := b.step(&w)
		if err != nil {
			return nil, err
		}
		if !more {
			slices.Sort(codes)
			return codes, nil
		}
		for id := w.id; id < w.id+w.count; id++ {
			place := s.lists[s.class(id).list]
			if place < 0 {
				continue
			}
			entry, err := b.read(s, id, w.key)
			if err != nil {
				return nil, err
			}
			if code := coder.Code(&b.lists[place], &entry); code != 0 {
				codes = append(codes, uint64(coder.upper(code))<<32|uint64(id))
			}
		}
	}
}

func (c *Coder) upper(code uint64) uint32 { return uint32(code >> max(0, c.Bits-32)) }

func writeCodes(to io.Writer, digest [32]byte, codes []uint64) error {
	page := make([]byte, pageSize)
	copy(page, codesMark)
	binary.LittleEndian.PutUint64(page[8:], uint64(len(codes)))
	copy(page[16:], digest[:])
	binary.LittleEndian.PutUint32(page[headerCRC:], crcOf(page[:headerCRC]))
	if _, err := to.Write(page); err != nil {
		return err
	}
	for ; len(codes) > 0; codes = codes[min(codesOfPage, len(codes)):] {
		clear(page)
		for i, code := range codes[:min(codesOfPage, len(codes))] {
			binary.LittleEndian.PutUint64(page[i*codeSize:], code)
		}
		binary.LittleEndian.PutUint32(page[headerCRC:], crcOf(page[:headerCRC]))
		if _, err := to.Write(page); err != nil {
			return err
		}
	}
	return nil
}

// codesFile is an opened file of codes. It is opened for each question: few are asked.
type codesFile struct {
	*os.File
	count int
}

var errCodes = errors.New("not the codes of these lists and this key")

func openCodes(path string, digest [32]byte) (*codesFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var page page
	count := uint64(0)
	if _, err = file.ReadAt(page[:], 0); err == nil {
		count = binary.LittleEndian.Uint64(page[8:])
		if string(page[:8]) != codesMark || string(page[16:48]) != string(digest[:]) || count > 1<<32 ||
			crcOf(page[:headerCRC]) != binary.LittleEndian.Uint32(page[headerCRC:]) {
			err = errCodes
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &codesFile{file, int(count)}, nil
}

// at gives a record.
func (c *codesFile) at(index int, into *page) (uint64, error) {
	if _, err := c.ReadAt(into[:], int64(1+index/codesOfPage)*pageSize); err != nil {
		return 0, err
	}
	if crcOf(into[:headerCRC]) != binary.LittleEndian.Uint32(into[headerCRC:]) {
		return 0, corrupt("a page of codes has a wrong checksum")
	}
	return binary.LittleEndian.Uint64(into[index%codesOfPage*codeSize:]), nil
}

// find gives the entries whose codes begin so.
func (c *codesFile) find(upper uint32) ([]uint32, error) {
	var page page
	var failed error
	get := func(i int) uint64 {
		record, err := c.at(i, &page)
		failed = errors.Join(failed, err)
		return record
	}
	var ids []uint32
	for i := sort.Search(c.count, func(i int) bool { return uint32(get(i)>>32) >= upper }); i < c.count && failed == nil; i++ {
		record := get(i)
		if uint32(record>>32) != upper {
			break
		}
		ids = append(ids, uint32(record))
	}
	return ids, failed
}

// ByCode gives the entries that have a code. It is false where codes of some of the
// bundle's files are not there yet: who gets nothing then does not know that there is nothing.
func (b *Bundle) ByCode(code uint64, coder *Coder) (ids []uint32, complete bool, err error) {
	defer runtime.KeepAlive(b)
	digest := coder.digestOf(b)
	complete = true
	for i := range b.strata {
		s := &b.strata[i]
		if s.held.file == nil {
			ids = append(ids, b.inImage(s, code, digest, coder)...)
			continue
		}
		candidates, known, err := s.candidates(coder.upper(code), digest)
		if err != nil {
			return nil, false, err
		}
		complete = complete && known
		for _, id := range candidates {
			if entry, found := b.Entry(s.base + id); found && coder.Code(b.ListOf(s.base+id), &entry) == code {
				ids = append(ids, s.base+id)
			}
		}
	}
	slices.SortFunc(ids, func(x, y uint32) int { return cmp.Compare(x, y) })
	return ids, complete, nil
}

// candidates are the entries of a stratum's file that may have a code.
func (s *stratum) candidates(upper uint32, digest [32]byte) (ids []uint32, known bool, err error) {
	opened, err := openCodes(codesOf(s.held.file.Name()), digest)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errCodes) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer opened.Close()
	ids, err = opened.find(upper)
	return slices.DeleteFunc(ids, func(id uint32) bool { return id >= s.entries }), err == nil, err
}

// imageCodes are the codes of an image in memory, made when the first is looked up.
type imageCodes struct {
	mu     sync.Mutex
	digest [32]byte
	sorted []codeAt // by code, and then by id
}

type codeAt struct {
	code uint64
	id   uint32 // of the stratum
}

func compareCodes(a, b codeAt) int {
	return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.id, b.id))
}

// inImage are the entries of a stratum in memory that have a code.
func (b *Bundle) inImage(s *stratum, code uint64, digest [32]byte, coder *Coder) (ids []uint32) {
	known := &s.held.codes
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.sorted == nil || known.digest != digest {
		known.digest, known.sorted = digest, make([]codeAt, 0, s.entries)
		for id := range s.entries {
			if entry, found := b.Entry(s.base + id); found {
				known.sorted = append(known.sorted, codeAt{coder.Code(b.ListOf(s.base+id), &entry), id})
			}
		}
		slices.SortFunc(known.sorted, compareCodes)
	}
	at, _ := slices.BinarySearchFunc(known.sorted, codeAt{code: code}, compareCodes)
	for ; at < len(known.sorted) && known.sorted[at].code == code; at++ {
		ids = append(ids, s.base+known.sorted[at].id)
	}
	return ids
}
