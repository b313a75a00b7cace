package guard

import (
	_ "embed"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// suffixBits has two bits for each rule of the public suffix list, and two others for
// each name below which a rule has a star: what is not in it is no suffix, and need not be
// asked for, which costs ten times as much and two allocations. A test makes it from the
// rules that the library has, and compares.
//
//go:embed suffixes.bits
var suffixBits string

// mayBeSuffix is false for most names that are none.
func mayBeSuffix(name []byte) bool {
	if len(name) < 2 || 2+int(name[0]) >= len(name) {
		return true // the root, or a whole top-level domain
	}
	own, parent, plain := suffixHashes(name)
	return !plain || inSuffixes(own) || inSuffixes(^parent)
}

func inSuffixes(hash uint64) bool {
	one, other := hash>>46, hash>>28&(1<<18-1)
	return suffixBits[one/8]>>(one%8)&1 != 0 && suffixBits[other/8]>>(other%8)&1 != 0
}

// suffixHashes hashes a name and the one above it, from the end (FNV-1a, and mixed once
// more). A dot within a label is not plain: text, which the library is asked with, cannot tell it.
func suffixHashes(name []byte) (own, parent uint64, plain bool) {
	const basis, prime, mixer = 14695981039346656037, 1099511628211, 0x9e3779b97f4a7c15
	hash, first := uint64(basis), int(name[0])
	for i := len(name) - 1; i >= 1; i-- {
		if i == first {
			parent = hash * mixer
		}
		if name[i] == '.' {
			return 0, 0, false
		}
		hash = (hash ^ uint64(name[i])) * prime
	}
	return hash * mixer, parent, true
}

// belowSuffix says whether other owners begin between a name and one above it.
func belowSuffix(name, above wire.Name) bool {
	suffix, _ := publicsuffix.PublicSuffix(name.String())
	return len(suffix) >= len(above.String())
}

// probe is a label that no rule of the public suffix list has. Asking for it below a name
// finds both that the name is a suffix and that all names right below it are.
const probe = "-."

// suffix says what a name is of which many owners have names below; empty for any other.
func suffix(name []byte) string {
	if !mayBeSuffix(name) {
		return ""
	}
	return askSuffix(name)
}

func askSuffix(name []byte) string {
	var room [len(probe) + wire.MaxName]byte
	text := append(room[:0], probe...)
	labels := 0
	for i := 0; i < len(name) && name[i] != 0; i += 1 + int(name[i]) {
		if labels++; labels > 1 {
			text = append(text, '.')
		}
		text = append(text, name[i+1:i+1+int(name[i])]...)
	}
	switch labels {
	case 0:
		return "the root: every name"
	case 1:
		return "a whole top-level domain"
	}
	found, icann := publicsuffix.PublicSuffix(string(text))
	switch {
	case len(found) < len(text)-len(probe):
		return ""
	case icann:
		return "a public suffix: names of many owners lie below it"
	}
	return "a public suffix of a hosting service: names of many owners lie below it"
}
