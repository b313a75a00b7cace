package guard

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// builtin is the names that every deployment protects, with a comment a group.
//
//go:embed builtin.txt
var builtin string

// suffixes are names above public suffixes, each with one of those.
//
//go:embed suffixes.txt
var suffixes string

// aboveSuffixes gives them, with a suffix below each.
func aboveSuffixes(do func(name, suffix wire.Name)) {
	for line := range strings.Lines(suffixes) {
		above, below, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, err := wire.ParseName(above); err == nil && !strings.HasPrefix(line, "#") {
			do(name, wire.MustName(below))
		}
	}
}

// reach is how far below a protected name its protection goes.
type reach uint8

const (
	alone   reach = iota + 1 // =name: the name and no other
	owners                   // name: what lies below, but not past a public suffix, where other owners begin
	through                  // .name: all that lies below
)

// Protected is one name, or one address prefix, that no entry blocks without people.
type Protected struct {
	Name   wire.Name
	reach  reach
	Prefix netip.Prefix
}

// ParseProtected reads one protected name or prefix: NAME with what its owner has
// below it, =NAME alone, .NAME with everything below it, or an address or prefix.
func ParseProtected(text string) (Protected, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return Protected{Prefix: prefix.Masked()}, nil
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return Protected{Prefix: netip.PrefixFrom(address, address.BitLen())}, nil
	}
	made, rest := Protected{reach: owners}, text
	switch {
	case text == ".":
		return Protected{Name: wire.Root, reach: alone}, nil
	case strings.HasPrefix(text, "="):
		made.reach, rest = alone, text[1:]
	case strings.HasPrefix(text, "."):
		made.reach, rest = through, text[1:]
	}
	var err error
	made.Name, err = parse.Name(rest)
	return made, err
}

// builtinNames are the names that come with the program.
func builtinNames() []Protected {
	var all []Protected
	for line := range strings.Lines(builtin) {
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if one, err := ParseProtected(text); err == nil { // a test reads every line
			all = append(all, one)
		}
	}
	return all
}

// Bounds of a file of popular names.
const (
	maxPopular      = 2_000_000
	maxPopularBytes = 128 << 20
)

var errPopular = errors.New("not a list of popular names")

// Ranks is popular names with their ranks, 1 for the most popular.
type Ranks struct {
	byName map[wire.Name]uint32
	// Sorted says that the names stand in the order of the alphabet, so that their
	// places are no ranks.
	Sorted bool
	// Skipped is how many lines were no names.
	Skipped int
}

// Len is how many names there are.
func (r *Ranks) Len() int {
	if r == nil {
		return 0
	}
	return len(r.byName)
}

// ReadRanks reads popular names, the most popular first: one a line, or rank,name
// a line, or a JSON object whose "list" has them (a MISP warning list), packed as lists
// may be. Patterns and what else is no name are skipped and counted.
func ReadRanks(from io.Reader) (*Ranks, error) {
	plain, err := parse.Unpack(io.LimitReader(from, maxPopularBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPopular, err)
	}
	in := bufio.NewReaderSize(io.LimitReader(plain, maxPopularBytes+1), 1<<16)
	ranks := &Ranks{byName: make(map[wire.Name]uint32), Sorted: true}
	r := &rankReader{Ranks: ranks}
	start, _ := in.Peek(1) // an error comes again below
	read := r.lines
	if len(start) > 0 && start[0] == '{' {
		read = r.object
	}
	if err := read(in); err != nil {
		return nil, fmt.Errorf("%w: %w", errPopular, err)
	}
	if len(ranks.byName) == 0 {
		return nil, fmt.Errorf("%w: it has no names", errPopular)
	}
	ranks.Sorted = ranks.Sorted && !r.ranked && len(ranks.byName) > 2
	return ranks, nil
}
