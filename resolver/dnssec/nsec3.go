package dnssec

import (
	"crypto/sha1" //nolint:gosec // the only hash that NSEC3 has (RFC 5155, section 11)
	"encoding/base32"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxIterations is how much hashing a zone may ask for (RFC 9276, section 3.2;
// BIND, PowerDNS and Knot draw the line here too).
const maxIterations = 50

// nsec3 is one verified NSEC3 record, its hashes decoded (RFC 5155, section 3).
type nsec3 struct {
	owner, next string
	optOut      bool
	types       []uint16
}

// hashes are the NSEC3 records of one chain.
type hashes struct {
	validation *validation
	zone       wire.Name
	iterations uint16
	salt       string
	records    []nsec3
	computed   map[wire.Name]string
}

func decodeHash(text string) string {
	octets, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	if err != nil || len(octets) != sha1.Size {
		return ""
	}
	return string(octets)
}

// hash is RFC 5155, section 5. A name in wire form and lower case is canonical.
func (h *hashes) hash(name wire.Name) (string, error) {
	if known, found := h.computed[name]; found {
		return known, nil
	}
	if !h.validation.query.Work.Hash(1) {
		return "", exhausted("NSEC3 hashes")
	}
	sum := sha1.Sum([]byte(string(name) + h.salt)) //nolint:gosec // see the import
	for range h.iterations {
		sum = sha1.Sum(append(sum[:], h.salt...)) //nolint:gosec // see the import
	}
	h.computed[name] = string(sum[:])
	return string(sum[:]), nil
}

func (n nsec3) covers(hash string) bool {
	if n.owner < n.next {
		return n.owner < hash && hash < n.next
	}
	return n.owner < hash || hash < n.next && n.owner != hash
}

// at finds the record of a name; nil where there is none.
func (h *hashes) at(name wire.Name) (*nsec3, error) {
	return h.first(name, func(n nsec3, hash string) bool { return n.owner == hash })
}

// gap finds a record that proves that a name has none; nil where there is none.
func (h *hashes) gap(name wire.Name) (*nsec3, error) {
	return h.first(name, nsec3.covers)
}

func (h *hashes) first(name wire.Name, fits func(nsec3, string) bool) (*nsec3, error) {
	hash, err := h.hash(name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(h.records, func(n nsec3) bool { return fits(n, hash) })
	if i < 0 {
		return nil, nil
	}
	return &h.records[i], nil
}

// enclosing is the closest encloser proof (RFC 5155, section 8.3): the longest
// existing name above, and the record that covers the next name towards it. The
// gap is nil where there is no such proof.
func (h *hashes) enclosing(name wire.Name) (wire.Name, *nsec3, error) {
	if !name.IsBelow(h.zone) || name == h.zone {
		return "", nil, nil
	}
	for next := name; next != h.zone; next = next.Parent() {
		encloser := next.Parent()
		own, err := h.at(encloser)
		if err != nil {
			return "", nil, err
		}
		if own == nil {
			continue
		}
		if opaque(own.types) {
			return "", nil, nil
		}
		gap, err := h.gap(next)
		return encloser, gap, err
	}
	return "", nil, nil
}

func provedBy(gap *nsec3) outcome {
	if gap.optOut {
		return provedOptOut
	}
	return proved
}

func when(holds bool, found outcome) outcome {
	if holds {
		return found
	}
	return nothing
}

// cut is RFC 5155, section 8.6 and 8.9.
func (h *hashes) cut(name wire.Name) (*zone, error) {
	own, err := h.at(name)
	if err != nil {
		return nil, err
	}
	if own != nil {
		return cutByTypes(name, own.types), nil
	}
	_, gap, err := h.enclosing(name)
	if err != nil || gap == nil {
		return nil, err
	}
	if gap.optOut {
		return &zone{name: name, trust: insecure}, nil
	}
	return &zone{name: name, trust: inside, barren: true}, nil
}
