package dnssec

import (
	"cmp"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// labelsOf lists a name's labels, the rightmost first, the root's left out.
func labelsOf(name wire.Name) []string {
	labels := make([]string, name.Labels())
	for i := len(labels) - 1; i >= 0; i-- {
		end := 1 + int(name[0])
		labels[i] = string(name[1:end])
		name = name[end:]
	}
	return labels
}

// compare is the canonical order of names (RFC 4034, section 6.1).
func compare(a, b wire.Name) int {
	left, right := labelsOf(a), labelsOf(b)
	for i := range min(len(left), len(right)) {
		if order := strings.Compare(left[i], right[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(left), len(right))
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

// ancestor cuts a name down to its rightmost labels.
func ancestor(name wire.Name, labels int) wire.Name {
	for range name.Labels() - labels {
		name = name.Parent()
	}
	return name
}

// isWildcard says whether a name is itself spelt with an asterisk first.
func isWildcard(name wire.Name) bool { return strings.HasPrefix(string(name), "\x01*") }

// signedLabels is what the Labels field of a signature says for a name that no
// wildcard was expanded to (RFC 4034, section 3.1.3).
func signedLabels(name wire.Name) int {
	if isWildcard(name) {
		return name.Labels() - 1
	}
	return name.Labels()
}
