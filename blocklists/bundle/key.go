package bundle

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// A key is what the index is ordered by: an octet for the trigger, then the labels of
// the name from the top down, each with its length before it and without the root's; or
// the family, length and masked octets of a prefix. A parent's key is the beginning of
// its children's, which lie together.
const (
	maxKey    = wire.MaxName // the trigger takes the place of the root label
	maxLabels = 127

	familyIPv4 = 4
	familyIPv6 = 6
)

// key is room for one key on the stack, and for the ends of its labels.
type key struct {
	octets [maxKey + 1]byte
	length int
	// starts are where the labels of the name that it was made of begin.
	starts [maxLabels]uint8
	labels int
}

func (k *key) bytes() []byte { return k.octets[:k.length] }

// begin finds the labels of a name; false where it is no name.
func (k *key) begin(trigger blocklists.Trigger, name wire.Name) bool {
	if len(name) == 0 || len(name) > wire.MaxName {
		return false
	}
	k.octets[0], k.length, k.labels = byte(trigger), 1, 0
	at := 0
	for name[at] != 0 {
		if name[at] > wire.MaxLabel || k.labels == maxLabels {
			return false
		}
		k.starts[k.labels] = uint8(at)
		k.labels++
		if at += 1 + int(name[at]); at >= len(name) {
			return false
		}
	}
	return at == len(name)-1
}

// push adds the next label from the top, and gives it without its length.
func (k *key) push(name wire.Name) []byte {
	k.labels--
	start := int(k.starts[k.labels])
	length := 1 + int(name[start])
	added := k.octets[k.length : k.length+copy(k.octets[k.length:], name[start:start+length])]
	k.length += length
	return added[1:]
}

// ofName makes the whole key of a name.
func (k *key) ofName(trigger blocklists.Trigger, name wire.Name) bool {
	if !k.begin(trigger, name) {
		return false
	}
	for k.labels > 0 {
		k.push(name)
	}
	return true
}

// ofPrefix makes the key of a prefix, which is masked.
func (k *key) ofPrefix(trigger blocklists.Trigger, prefix netip.Prefix) {
	k.octets[0], k.octets[2] = byte(trigger), byte(prefix.Bits())
	if address := prefix.Addr(); address.Is4() {
		k.octets[1] = familyIPv4
		four := address.As4()
		k.length = 3 + copy(k.octets[3:], four[:])
	} else {
		k.octets[1] = familyIPv6
		sixteen := address.As16()
		k.length = 3 + copy(k.octets[3:], sixteen[:])
	}
}

// ofSubject makes the key of what an entry looks at; false where that is nothing.
func (k *key) ofSubject(entry *blocklists.Entry) bool {
	if !entry.Trigger.ByAddress() {
		return k.ofName(entry.Trigger, entry.Name)
	}
	if entry.Prefix.IsValid() {
		k.ofPrefix(entry.Trigger, entry.Prefix)
	}
	return entry.Prefix.IsValid()
}

// nameOf turns a key back into the name; false where it is none.
func nameOf(key []byte) (wire.Name, bool) {
	var room [wire.MaxName]byte
	octets, is := octetsOf(key, &room)
	return wire.Name(octets), is
}

// octetsOf does the same without a copy: the name lies in the room.
func octetsOf(key []byte, room *[wire.MaxName]byte) ([]byte, bool) {
	if len(key) == 0 || len(key) > maxKey {
		return nil, false
	}
	start := len(key) - 1 // of what was written so far, from the end
	room[start] = 0
	for rest := key[1:]; len(rest) > 0; {
		length := 1 + int(rest[0])
		if length == 1 || length > len(rest) || length > 1+wire.MaxLabel {
			return nil, false
		}
		start -= length
		copy(room[start:], rest[:length])
		rest = rest[length:]
	}
	return room[:len(key)], start == 0
}

// prefixOf turns a key back into the prefix.
func prefixOf(key []byte) (netip.Prefix, bool) {
	if len(key) < 3 {
		return netip.Prefix{}, false
	}
	address, ok := netip.AddrFromSlice(key[3:])
	if !ok || address.Is4() != (key[1] == familyIPv4) || int(key[2]) > address.BitLen() {
		return netip.Prefix{}, false
	}
	prefix := netip.PrefixFrom(address, int(key[2]))
	return prefix, prefix == prefix.Masked()
}

// seed makes the hashes of one bundle. It is drawn anew for each compile: who writes a
// list chooses its names, and must not be able to choose names that collide.
type seed [4]uint64

// start is the hash of a trigger, which is that of the root.
func (s *seed) start(trigger byte) uint64 { return fold(s[0]^uint64(trigger), s[1]) }

// label is the hash of a key that is one label longer.
func (s *seed) label(hash uint64, label []byte) uint64 {
	hash ^= uint64(len(label))
	for len(label) >= 8 {
		hash = fold(hash^binary.LittleEndian.Uint64(label), s[2])
		label = label[8:]
	}
	return fold(hash^tail(label), s[3])
}

// of is the hash of a whole key.
func (s *seed) of(key []byte) uint64 {
	hash := s.start(key[0])
	if blocklists.Trigger(key[0]).ByAddress() {
		return s.label(hash, key[1:])
	}
	for rest := key[1:]; len(rest) > 0; {
		end := min(1+int(rest[0]), len(rest))
		hash = s.label(hash, rest[1:end])
		rest = rest[end:]
	}
	return hash
}

// tail reads up to seven octets; two lengths do not look alike, because the length is in the hash.
func tail(octets []byte) uint64 {
	switch n := len(octets); {
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(octets)) | uint64(binary.LittleEndian.Uint32(octets[n-4:]))<<32
	case n > 0:
		return uint64(octets[0]) | uint64(octets[n/2])<<8 | uint64(octets[n-1])<<16
	}
	return 0
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
