package denials

import (
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// order makes a string whose plain comparison is the canonical order of names
// (RFC 4034, section 6.1): labels from the right, each ended by a zero octet, which
// is escaped where a label has one.
func order(name wire.Name) string {
	var starts [wire.MaxName / 2]int
	labels := 0
	for i := 0; i < len(name) && name[i] != 0; i += 1 + int(name[i]) {
		starts[labels] = i
		labels++
	}
	key := make([]byte, 0, len(name)+8)
	for i := labels - 1; i >= 0; i-- {
		start := starts[i]
		for _, c := range []byte(name[start+1 : start+1+int(name[start])]) {
			if c <= 1 {
				key = append(key, 1, c+1)
			} else {
				key = append(key, c)
			}
		}
		key = append(key, 0)
	}
	return string(key)
}

// common is the longest name that both names lie at or below.
func common(a, b wire.Name) wire.Name {
	for ; a != wire.Root; a = a.Parent() {
		if b.IsBelow(a) {
			return a
		}
	}
	return wire.Root
}

// signedLabels is what the Labels field of a signature says for a name that no
// wildcard was expanded to (RFC 4034, section 3.1.3).
func signedLabels(name wire.Name) int {
	if strings.HasPrefix(string(name), "\x01*") {
		return name.Labels() - 1
	}
	return name.Labels()
}

// successor is the name that comes right after another in canonical order.
func successor(name wire.Name) wire.Name { return "\x01\x00" + name }
