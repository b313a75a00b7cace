package bundle

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// runRows is how many rows are sorted at a time: what bounds the memory of a compile is
// the runs, about fourteen octets a row, and not the text.
const runRows = 1 << 19

// gathering is rows of one list, in the order in which they came, on their way to a run.
type gathering struct {
	arena []byte // keys, one after another
	rows  []gathered
	texts []texts
	other []place // room for sorting
}

type gathered struct {
	at            uint32 // of the key in the arena
	length        uint8
	scope, action uint8
	line          uint32
	from, until   uint32
	texts         int32 // -1: none
}

var (
	errName   = errors.New("an entry's name is none")
	errPrefix = errors.New("an entry's prefix is none, or is not masked")
)

func (g *gathering) full() bool { return len(g.rows) == runRows }

// add takes a row of a list.
func (g *gathering) add(row *parse.Row) error {
	at := len(g.arena)
	if row.Trigger.ByAddress() {
		if !row.Prefix.IsValid() || row.Prefix != row.Prefix.Masked() || row.Prefix.Addr().Is4In6() {
			return errPrefix
		}
		var k key
		k.ofPrefix(row.Trigger, row.Prefix)
		g.arena = append(g.arena, k.bytes()...)
	} else if !g.addName(row.Trigger, row.Name) {
		return errName
	}
	kept := gathered{
		at: uint32(at), length: uint8(len(g.arena) - at), scope: uint8(row.Scope), action: uint8(row.Action),
		line: row.Line, from: row.From, until: row.Until, texts: -1,
	}
	if len(row.Data) > 0 {
		kept.texts = int32(len(g.texts))
		g.texts = append(g.texts, texts{data: string(row.Data)})
	}
	g.rows = append(g.rows, kept)
	return nil
}

// addName writes the labels of a name from the last to the first.
func (g *gathering) addName(trigger blocklists.Trigger, name []byte) bool {
	if len(name) == 0 || len(name) > wire.MaxName {
		return false
	}
	start := len(g.arena)
	g.arena = append(append(g.arena, byte(trigger)), name[:len(name)-1]...)
	key := g.arena[start:]
	end := len(key)
	at := 0
	for at < len(name) && name[at] != 0 {
		length := 1 + int(name[at])
		if length > 1+wire.MaxLabel || length > end-1 {
			return false
		}
		end -= length
		copy(key[end:], name[at:at+length])
		at += length
	}
	return at == len(name)-1 && end == 1
}

func (g *gathering) key(r *gathered) []byte { return g.arena[r.at : r.at+uint32(r.length)] }

// place is a row in the order of the keys; eight octets of the key stand in it, so that
// most comparisons look nowhere else.
type place struct {
	octets uint64
	row    uint32
}

// sorted gives the rows in the order of their keys, equal keys in the order of their coming.
func (g *gathering) sorted() []place {
	places := make([]place, len(g.rows))
	for i := range places {
		places[i].row = uint32(i)
	}
	g.sort(places, 0)
	return places
}

const fewPlaces = 24

// sort orders rows whose keys agree before depth.
func (g *gathering) sort(places []place, depth int) {
	if len(places) <= fewPlaces {
		g.sortFew(places, depth)
		return
	}
	for i := range places {
		places[i].octets = octetsAt(g.key(&g.rows[places[i].row]), depth)
	}
	g.sortOctets(places)
	for start := 0; start < len(places); {
		end := start + 1
		for end < len(places) && places[end].octets == places[start].octets {
			end++
		}
		switch alike := places[start:end]; {
		case len(alike) > fewPlaces:
			g.sortAlike(alike, depth+8)
		case len(alike) > 1:
			g.sortFew(alike, depth) // one of them may end before depth+8
		}
		start = end
	}
}

func (g *gathering) sortFew(places []place, depth int) {
	slices.SortFunc(places, func(a, b place) int {
		order := bytes.Compare(g.key(&g.rows[a.row])[depth:], g.key(&g.rows[b.row])[depth:])
		return cmp.Or(order, cmp.Compare(a.row, b.row))
	})
}

// manyPlaces is from how many rows on counting beats comparing.
const manyPlaces = 2048

// sortOctets orders places by their octets alone: many of them octet by octet from the
// last one, by counting, without the octets that are the same in all.
func (g *gathering) sortOctets(places []place) {
	if len(places) < manyPlaces {
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.octets, b.octets) })
		return
	}
	if len(g.other) < len(places) {
		g.other = make([]place, len(places))
	}
	from, to := places, g.other[:len(places)]
	for shift := 0; shift < 64; shift += 8 {
		var starts [257]int
		for i := range from {
			starts[from[i].octets>>shift&0xff+1]++
		}
		if starts[from[0].octets>>shift&0xff+1] == len(from) {
			continue
		}
		for i := 1; i < len(starts); i++ {
			starts[i] += starts[i-1]
		}
		for i := range from {
			at := &starts[from[i].octets>>shift&0xff]
			to[*at] = from[i]
			*at++
		}
		from, to = to, from
	}
	if &from[0] != &places[0] {
		copy(places, from)
	}
}

// sortAlike orders rows whose keys agree before depth, as far as they go: those that end
// there come first.
func (g *gathering) sortAlike(places []place, depth int) {
	length := func(p place) int { return int(g.rows[p.row].length) }
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(min(length(a), depth+1), min(length(b), depth+1)), cmp.Compare(a.row, b.row))
	})
	longer := len(places)
	for longer > 0 && length(places[longer-1]) > depth {
		longer--
	}
	if rest := places[longer:]; len(rest) > 1 {
		g.sort(rest, depth)
	}
}

func octetsAt(key []byte, depth int) uint64 {
	if len(key) >= depth+8 {
		return binary.BigEndian.Uint64(key[depth:])
	}
	octets := uint64(0)
	for i := depth; i < len(key); i++ {
		octets |= uint64(key[i]) << (56 - 8*(i-depth))
	}
	return octets
}

// run is sorted rows of one list, as one string of octets.
type run struct {
	list       uint32
	octets     []byte
	texts      []texts
	rows       int
	duplicates int
}

const (
	rowDates  = 1 << 5
	rowTexts  = 1 << 6
	scopeBits = 0x03
)

// pack sorts what was gathered and writes it down, without rows that say again what the
// one before them says.
func (g *gathering) pack(list uint32) run {
	places := g.sorted()
	made := run{list: list, texts: g.texts, octets: make([]byte, 0, len(g.arena)/2+8*len(g.rows))}
	var last []byte
	var before *gathered
	for _, p := range places {
		row := &g.rows[p.row]
		key := g.key(row)
		if before != nil && before.says(row) && bytes.Equal(key, last) {
			made.duplicates++
			continue
		}
		made.append(key, last, row)
		last, before = key, row
	}
	return made
}

// says is whether two rows of one key are one entry.
func (r *gathered) says(other *gathered) bool {
	return r.scope == other.scope && r.action == other.action && r.from == other.from && r.until == other.until &&
		r.texts < 0 && other.texts < 0
}

func (r *run) append(key, last []byte, row *gathered) {
	shared := common(key, last)
	flags := row.scope&scopeBits | row.action<<2
	if row.from != 0 || row.until != 0 {
		flags |= rowDates
	}
	if row.texts >= 0 {
		flags |= rowTexts
	}
	r.octets = append(r.octets, byte(shared), byte(len(key)-shared), flags)
	r.octets = append(r.octets, key[shared:]...)
	r.octets = binary.AppendUvarint(r.octets, uint64(row.line))
	if flags&rowDates != 0 {
		r.octets = binary.AppendUvarint(r.octets, uint64(row.from))
		r.octets = binary.AppendUvarint(r.octets, uint64(row.until))
	}
	if flags&rowTexts != 0 {
		r.octets = binary.AppendUvarint(r.octets, uint64(row.texts))
	}
	r.rows++
}

// reader reads a run back.
type reader struct {
	run
	key  []byte
	item item
}

func (r *reader) next() (bool, error) {
	if len(r.octets) == 0 {
		return false, nil
	}
	shared, length, flags := int(r.octets[0]), int(r.octets[1]), r.octets[2]
	r.key = append(r.key[:shared], r.octets[3:3+length]...)
	r.octets = r.octets[3+length:]
	r.item = item{list: r.list, scope: flags & scopeBits, action: flags >> 2 & 7, line: r.number()}
	if flags&rowDates != 0 {
		r.item.from, r.item.until = r.number(), r.number()
	}
	if flags&rowTexts != 0 {
		r.item.texts = &r.texts[r.number()]
	}
	return true, nil
}

func (r *reader) number() uint32 {
	value, size := binary.Uvarint(r.octets)
	r.octets = r.octets[size:]
	return uint32(value & math.MaxUint32)
}

func (r *reader) at() ([]byte, *item) { return r.key, &r.item }
