package rpz

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
)

// sortRoom is how many octets of records are sorted in memory at once.
const sortRoom = 32 << 20

// sorter brings any number of records into the order of their octets, in bounded memory: what
// does not fit is sorted in parts, in files without a name.
type sorter struct {
	dir   string
	room  int
	arena []byte
	spans []span
	parts []*os.File
}

type span struct{ start, end uint32 }

func newSorter(dir string) *sorter { return &sorter{dir: dir, room: sortRoom} }

func (s *sorter) add(record []byte) error {
	if len(s.arena)+len(record) > s.room {
		if err := s.spill(); err != nil {
			return err
		}
	}
	start := len(s.arena)
	s.arena = append(s.arena, record...)
	s.spans = append(s.spans, span{uint32(start), uint32(len(s.arena))})
	return nil
}

func (s *sorter) at(sp span) []byte { return s.arena[sp.start:sp.end] }

func (s *sorter) sort() {
	slices.SortFunc(s.spans, func(a, b span) int { return bytes.Compare(s.at(a), s.at(b)) })
}

func (s *sorter) spill() error {
	s.sort()
	part, err := os.CreateTemp(s.dir, "sorting-*")
	if err != nil {
		return err
	}
	_ = os.Remove(part.Name()) // it lives as long as it is open; if the name stays, the next build removes it
	s.parts = append(s.parts, part)
	out := bufio.NewWriter(part)
	for _, sp := range s.spans {
		if err := writeRecord(out, s.at(sp)); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = part.Seek(0, io.SeekStart)
	s.arena, s.spans = s.arena[:0], s.spans[:0]
	return err
}

func (s *sorter) close() {
	for _, part := range s.parts {
		part.Close()
	}
}

// each gives all records in order; those that are equal once. A record is valid during the call.
func (s *sorter) each(yield func(record []byte) error) error {
	s.sort()
	streams := &streamHeap{}
	for _, part := range s.parts {
		if err := streams.push(&stream{in: bufio.NewReader(part)}); err != nil {
			return err
		}
	}
	if err := streams.push(&stream{memory: s}); err != nil {
		return err
	}
	var last []byte
	for first := true; streams.Len() > 0; {
		least := (*streams)[0]
		if first || !bytes.Equal(least.record, last) {
			last, first = append(last[:0], least.record...), false
			if err := yield(last); err != nil {
				return err
			}
		}
		if err := least.next(); errors.Is(err, io.EOF) {
			heap.Pop(streams)
		} else if err != nil {
			return err
		} else {
			heap.Fix(streams, 0)
		}
	}
	return nil
}

// stream is one sorted part: a file, or what is in memory.
type stream struct {
	in     *bufio.Reader
	memory *sorter
	place  int
	record []byte
}

func (s *stream) next() (err error) {
	if s.memory == nil {
		s.record, err = readRecord(s.in, s.record)
		return err
	}
	if s.place == len(s.memory.spans) {
		return io.EOF
	}
	s.record = s.memory.at(s.memory.spans[s.place])
	s.place++
	return nil
}

type streamHeap []*stream

func (h streamHeap) Len() int           { return len(h) }
func (h streamHeap) Less(i, j int) bool { return bytes.Compare(h[i].record, h[j].record) < 0 }
func (h streamHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop implement [heap.Interface].
func (h *streamHeap) Push(x any) { *h = append(*h, x.(*stream)) }

// Pop takes the last one.
func (h *streamHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

func (h *streamHeap) push(s *stream) error {
	if err := s.next(); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	heap.Push(h, s)
	return nil
}

// maxRecord bounds one record of our own files: a key and a message's worth of data.
const maxRecord = 1 << 17

func writeRecord(to *bufio.Writer, record []byte) error {
	var length [binary.MaxVarintLen32]byte
	if _, err := to.Write(length[:binary.PutUvarint(length[:], uint64(len(record)))]); err != nil {
		return err
	}
	_, err := to.Write(record)
	return err
}

var errRecord = errors.New("is not a file of records")

func readRecord(from *bufio.Reader, into []byte) ([]byte, error) {
	length, err := binary.ReadUvarint(from)
	if err != nil {
		return nil, err // io.EOF at a record's start is the end
	}
	if length > maxRecord {
		return nil, errRecord
	}
	into = slices.Grow(into[:0], int(length))[:length]
	if _, err := io.ReadFull(from, into); err != nil {
		return nil, errRecord
	}
	return into, nil
}
