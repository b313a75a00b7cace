package dnssec

import (
	"crypto/sha1" //nolint:gosec // the only hash that NSEC3 has (RFC 5155, section 11)
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/miekg/dns"

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

// maxHashChains is how many chains of one zone are tried: a zone that changes its salt
// has the old one and the new one for a while.
const maxHashChains = 2

// hashChains are a zone's NSEC3 records, those of one salt and iteration count together.
type hashChains []*hashes

// prove tries each chain by itself: what one lacks another cannot make up for, since
// they may be of two states of the zone (RFC 5155, section 8.2).
func (c hashChains) prove(claim func(*hashes) (outcome, error)) (outcome, error) {
	for _, chain := range c {
		if found, err := claim(chain); err != nil || found != nothing {
			return found, err
		}
	}
	return nothing, nil
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

// hash adds a record to its chain. It leaves out what must be ignored: unknown hash
// algorithms and flags (RFC 5155, sections 8.1 and 8.2), and hashes that are none.
func (d *denial) hash(owner wire.Name, record *dns.NSEC3) {
	if record.Hash != dns.SHA1 || record.Flags&^1 != 0 {
		return
	}
	salt, err := hex.DecodeString(strings.TrimSuffix(record.Salt, "-"))
	if err != nil {
		return
	}
	first, rest := string(owner[1:1+int(owner[0])]), record.NextDomain
	ownerHash, next := decodeHash(first), decodeHash(rest)
	if ownerHash == "" || next == "" {
		return
	}
	if chain := d.chain(record.Iterations, string(salt)); chain != nil {
		chain.records = append(chain.records, nsec3{owner: ownerHash, next: next, optOut: record.Flags&1 != 0, types: record.TypeBitMap})
	}
}

// chain is the one of these parameters; nil where there are too many others.
func (d *denial) chain(iterations uint16, salt string) *hashes {
	for _, known := range d.hashed {
		if known.iterations == iterations && known.salt == salt {
			return known
		}
	}
	if len(d.hashed) == maxHashChains {
		return nil
	}
	chain := &hashes{validation: d.validation, zone: d.zone.name, iterations: iterations, salt: salt, computed: make(map[wire.Name]string)}
	d.hashed = append(d.hashed, chain)
	return chain
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

// noName is RFC 5155, section 8.4.
func (h *hashes) noName(name wire.Name) (outcome, error) {
	if own, err := h.at(name); err != nil || own != nil {
		return nothing, err
	}
	encloser, gap, err := h.enclosing(name)
	if err != nil || gap == nil {
		return nothing, err
	}
	wildcard, err := encloser.Child("*")
	if err != nil {
		return provedBy(gap), nil
	}
	if covering, err := h.gap(wildcard); err != nil || covering == nil {
		return nothing, err
	}
	return provedBy(gap), nil
}

// noData is RFC 5155, sections 8.5 to 8.7. An opt-out gap serves for every type,
// because an empty non-terminal above unsigned delegations may have no record.
func (h *hashes) noData(name wire.Name, kind uint16) (outcome, error) {
	own, err := h.at(name)
	if err != nil {
		return nothing, err
	}
	if own != nil {
		return when(lacks(own.types, kind, name), proved), nil
	}
	encloser, gap, err := h.enclosing(name)
	if err != nil || gap == nil {
		return nothing, err
	}
	if wildcard, err := encloser.Child("*"); err == nil {
		source, err := h.at(wildcard)
		if err != nil {
			return nothing, err
		}
		if source != nil {
			return when(lacks(source.types, kind, wildcard), provedBy(gap)), nil
		}
	}
	return when(gap.optOut, provedOptOut), nil
}

func when(holds bool, found outcome) outcome {
	if holds {
		return found
	}
	return nothing
}

// noCloser is RFC 5155, section 8.8: the wildcard itself shows that its parent
// exists, so the gap alone is needed.
func (h *hashes) noCloser(name wire.Name, labels int) (outcome, error) {
	gap, err := h.gap(ancestor(name, labels+1))
	if err != nil || gap == nil {
		return nothing, err
	}
	return provedBy(gap), nil
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
