package passing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
)

const (
	// Life is for how long a ticket is good.
	Life = 2 * time.Minute
	// ahead is how far the clock of another node may be before this one's.
	ahead = time.Minute

	tagSize   = 14                                // of the MAC in a label: 112 bits
	labelSize = (aes.BlockSize + tagSize) * 8 / 5 // 48 letters
)

// letters has no two that are easily taken for one another.
var letters = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// ticketID is a ticket as its label has it: a block of AES, and a MAC over that.
type ticketID [aes.BlockSize + tagSize]byte

// ticket is one showing of the page of one block.
type ticket struct {
	id   ticketID
	made time.Time
	code policy.Code
}

// Root is what the keys of tickets and passes come from: the same at every node of a fleet.
type Root [sha256.Size]byte

// RootOf is the root of all nodes that have a deployment key.
func RootOf(key policy.Key) Root { return Root(mac(key, []byte("recourse passes 1"))) }

// RandomRoot is one that no other node has.
func RandomRoot() (made Root) {
	_, _ = rand.Read(made[:]) // never fails (crypto/rand)
	return made
}

// Hours gives the keys of passes, an hour's each.
func (r Root) Hours() func(pass.Hour) pass.Key {
	return func(hour pass.Hour) pass.Key {
		return pass.Key(mac(r[:], binary.BigEndian.AppendUint64([]byte("hour"), uint64(hour))))
	}
}

// keys are those of tickets.
type keys struct {
	block  cipher.Block
	labels []byte
	places []byte
	looks  []byte
}

func newKeys(root Root) keys {
	block, err := aes.NewCipher(mac(root[:], []byte("ticket")))
	if err != nil {
		panic(fmt.Sprintf("passing: %v", err)) // a hash is as long as a key of AES-256
	}
	return keys{block: block, labels: mac(root[:], []byte("label")), places: mac(root[:], []byte("place")), looks: mac(root[:], []byte("look"))}
}

func mac(key []byte, parts ...[]byte) []byte {
	hash := hmac.New(sha256.New, key)
	for _, part := range parts {
		hash.Write(part)
	}
	return hash.Sum(nil)
}

// make makes a ticket for a code, and gives its label: when it was made (4 octets), the code (7) and
// chance (5) in one block of AES, so that no resolver elsewhere learns what is blocked, and the MAC.
func (k *keys) make(code policy.Code, now time.Time) (label string) {
	var plain [aes.BlockSize]byte
	binary.BigEndian.PutUint64(plain[3:], uint64(code)) // 55 bits: its first octet is 0
	binary.BigEndian.PutUint32(plain[:], uint32(now.Unix()))
	_, _ = rand.Read(plain[11:]) // never fails (crypto/rand)
	var id ticketID
	k.block.Encrypt(id[:], plain[:])
	copy(id[aes.BlockSize:], mac(k.labels, id[:aes.BlockSize]))
	return letters.EncodeToString(id[:])
}

// open reads a label; false where it is none of ours, or no more good.
func (k *keys) open(label string, now time.Time) (ticket, bool) {
	if len(label) != labelSize {
		return ticket{}, false
	}
	octets, err := letters.DecodeString(strings.ToLower(label))
	if err != nil || len(octets) != len(ticketID{}) {
		return ticket{}, false
	}
	one := ticket{id: ticketID(octets)}
	if !hmac.Equal(mac(k.labels, octets[:aes.BlockSize])[:tagSize], octets[aes.BlockSize:]) {
		return ticket{}, false
	}
	var plain [aes.BlockSize]byte
	k.block.Decrypt(plain[:], octets[:aes.BlockSize])
	one.made = time.Unix(int64(binary.BigEndian.Uint32(plain[:])), 0)
	var code [8]byte
	copy(code[1:], plain[4:11])
	one.code = policy.Code(binary.BigEndian.Uint64(code[:]))
	return one, now.Before(one.made.Add(Life)) && !one.made.After(now.Add(ahead))
}
