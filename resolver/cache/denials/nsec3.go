package denials

import (
	"crypto/sha1" //nolint:gosec // the only hash that NSEC3 has (RFC 5155, section 11)

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxHashes is how many SHA-1 sums one question may cost. The fast path pays them.
const maxHashes = 150

// hashing hashes names as one zone wants it and counts what that costs.
type hashing struct {
	salt       string
	iterations uint16
	left       int
}

// hash is RFC 5155, section 5; false when the cost is up.
func (h *hashing) hash(name wire.Name) (string, bool) {
	if h.left -= 1 + int(h.iterations); h.left < 0 {
		return "", false
	}
	var buffer [wire.MaxName + 255]byte
	sum := sha1.Sum(append(append(buffer[:0], name...), h.salt...)) //nolint:gosec // see the import
	for range h.iterations {
		sum = sha1.Sum(append(append(buffer[:0], sum[:]...), h.salt...)) //nolint:gosec // see the import
	}
	return string(sum[:]), true
}

// byNSEC3 is RFC 8198, section 5.2: a record at the name; or the closest encloser,
// the next name towards the question in a gap, and the wildcard in a gap or without
// the type. No gap may be one of opt-out.
func (z *zone) byNSEC3(name wire.Name, kind uint16, now int64) finding {
	if len(z.hashed) == 0 {
		return finding{}
	}
	h := hashing{salt: z.salt, iterations: z.iterations, left: maxHashes}
	hash, ok := h.hash(name)
	if !ok {
		return finding{}
	}
	if own := z.hashed.at(hash, now); own != nil {
		if lacks(own.types, kind, name) {
			return proves(dns.RcodeSuccess, own)
		}
		return finding{}
	}
	if found := z.byEncloser(&h, name, hash, kind, now); len(found.proofs) > 0 {
		return found
	}
	return z.byHashedWildcard(&h, name, kind, now)
}

// byEncloser walks up from a name that has no record. The nearest record found is
// the closest encloser only if a gap holds the name below it: a name that is merely
// unknown here falls into none.
func (z *zone) byEncloser(h *hashing, name wire.Name, hash string, kind uint16, now int64) finding {
	for next := name; next != z.name; next = next.Parent() {
		above, ok := h.hash(next.Parent())
		if !ok {
			return finding{}
		}
		encloser := z.hashed.at(above, now)
		if encloser == nil {
			hash = above
			continue
		}
		gap := z.hashedGap(hash, now)
		if opaque(encloser.types) || gap == nil {
			return finding{}
		}
		return z.byWildcard(h, next.Parent(), encloser, gap, kind, now)
	}
	return finding{}
}

func (z *zone) byWildcard(h *hashing, above wire.Name, encloser, gap *proof, kind uint16, now int64) finding {
	wildcard, err := above.Child("*")
	if err != nil {
		return finding{}
	}
	hash, ok := h.hash(wildcard)
	if !ok {
		return finding{}
	}
	if source := z.hashed.at(hash, now); source != nil {
		if kind != dns.TypeDS && lacks(source.types, kind, wildcard) {
			return proves(dns.RcodeSuccess, encloser, gap, source)
		}
		return finding{}
	}
	if other := z.hashedGap(hash, now); other != nil {
		return proves(dns.RcodeNameError, encloser, gap, other)
	}
	return finding{}
}

// hashedGap is the record whose gap a hash falls into, unless unsigned names may
// stand in it (opt-out, RFC 5155, section 6).
func (z *zone) hashedGap(hash string, now int64) *proof {
	nearest := z.hashed.before(hash, now)
	if nearest == nil || nearest.optOut || !nearest.spans(hash) {
		return nil
	}
	return nearest
}

func (p *proof) spans(hash string) bool {
	if p.key < p.next {
		return p.key < hash && hash < p.next
	}
	return p.key < hash || hash < p.next
}
