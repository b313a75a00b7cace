package pass

import (
	"crypto/sha256"
	"net/netip"

	"github.com/recourse-dns/recourse/resolver"
)

// Client is who has a pass: where it asks from, and the name and path that it connects to.
type Client struct {
	Addr netip.Addr
	Name string // "" where it gave none
	Path string // likewise
}

// ClientOf is a client of the resolver, as passes know it.
func ClientOf(client resolver.Client) Client {
	return Client{Addr: client.Addr, Name: client.Name, Path: client.Path}
}

// Mark is HMAC-SHA-256 of client and entry under an hour's key.
type Mark [sha256.Size]byte

const (
	// maxName is more than a name of the DNS has; longer paths have no pass.
	maxName = 255
	// MaxEntry is the longest entry, in octets.
	MaxEntry = 512

	block    = sha256.BlockSize
	maxInput = 2 + 16 + 2*maxName + MaxEntry
)

// markOf makes a mark without allocating; false where client or entry cannot be one. The parts
// are each preceded by their length or have one by nature, so that no two read alike.
func markOf(key *Key, client Client, entry []byte) (Mark, bool) {
	if !client.Addr.IsValid() || len(client.Name) > maxName || len(client.Path) > maxName || len(entry) == 0 || len(entry) > MaxEntry {
		return Mark{}, false
	}
	var inner [block + maxInput]byte
	pad(inner[:block], key, 0x36)
	addr := client.Addr.Unmap().As16()
	text := append(inner[:block], byte(len(client.Name)), byte(len(client.Path)))
	text = append(text, addr[:]...)
	text = append(text, client.Name...)
	text = append(text, client.Path...)
	text = append(text, entry...)
	sum := sha256.Sum256(text)

	// RFC 2104: H(K xor opad, H(K xor ipad, text)); the key is shorter than a block.
	var outer [block + sha256.Size]byte
	pad(outer[:block], key, 0x5c)
	copy(outer[block:], sum[:])
	return sha256.Sum256(outer[:]), true
}

func pad(into []byte, key *Key, with byte) {
	copy(into, key[:])
	for i := range into {
		into[i] ^= with
	}
}
