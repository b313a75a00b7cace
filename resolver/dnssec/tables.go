package dnssec

import (
	"crypto"
	"crypto/elliptic"
	"math/big"
	"sync"

	"filippo.io/nistec"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// usedOften is after how many good signatures a key gets a table: making one costs
	// about as much as five verifications.
	usedOften = 32
	// maxTables bounds the tables, of 132 KB each.
	maxTables = 64
)

// tables are those of the P-256 keys that verify the most: the ones of top-level
// domains, under which the names are. The keys verified with longest ago lose theirs.
type tables struct {
	mu   sync.Mutex
	kept *simplelru.LRU[*ecdsaKey, *pointTable] // nil until there is one
}

// verify is key.verify with a table where there is one, or should be.
func (t *tables) verify(key publicKey, data, signature []byte) bool {
	candidate, ok := key.(*ecdsaKey)
	if !ok || candidate.point.Curve != elliptic.P256() {
		return key.verify(data, signature)
	}
	if candidate.uses.Load() < usedOften {
		held := candidate.verify(data, signature)
		if held {
			candidate.uses.Add(1)
		}
		return held
	}
	table := t.of(candidate)
	if table == nil {
		return candidate.verify(data, signature)
	}
	return table.verify(digest(crypto.SHA256, data), signature)
}

// of finds the key's table or makes it. Who loses its table has to earn it anew, so
// that many keys in turn do not make a table each time.
func (t *tables) of(key *ecdsaKey) *pointTable {
	if table := t.known(key); table != nil {
		return table
	}
	table := newPointTable(key) // beside the lock: it takes some time
	if table != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.kept.Add(key, table)
	}
	return table
}

func (t *tables) known(key *ecdsaKey) *pointTable {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil { // NewLRU fails for no size above zero
		t.kept, _ = simplelru.NewLRU(maxTables, func(lost *ecdsaKey, _ *pointTable) { lost.uses.Store(0) })
	}
	table, _ := t.kept.Get(key)
	return table
}

// A point table cuts a scalar into digits of six bits, from -31 to 32.
const (
	digitBits = 6
	digits    = (256 + digitBits) / digitBits // with room for a carry
	largest   = 1 << (digitBits - 1)
)

// pointTable has the multiples of a point for each digit of a scalar, so that its
// product with any scalar is a sum of 43 points, without the 255 doublings that are
// most of the work for a point seen once.
type pointTable [digits][largest]nistec.P256Point

// newPointTable is nil where the key is no point of the curve.
func newPointTable(key *ecdsaKey) *pointTable {
	octets, err := key.point.Bytes()
	if err != nil {
		return nil
	}
	unit, err := nistec.NewP256Point().SetBytes(octets)
	if err != nil {
		return nil
	}
	table := new(pointTable)
	for i := range table {
		multiples := &table[i]
		multiples[0].Set(unit)
		multiples[1].Double(unit)
		for j := 2; j < largest; j++ {
			multiples[j].Add(&multiples[j-1], unit)
		}
		unit.Double(&multiples[largest-1])
	}
	return table
}

// product is the point times a scalar of 32 octets. The time that it takes tells
// the scalar, which is no secret: all of a signature is public.
func (t *pointTable) product(scalar []byte) *nistec.P256Point {
	sum, negated := nistec.NewP256Point(), nistec.NewP256Point()
	carry := 0
	for i := range t {
		digit := bits(scalar, i*digitBits) + carry
		if carry = 0; digit > largest {
			digit, carry = digit-2*largest, 1
		}
		switch {
		case digit > 0:
			sum.Add(sum, &t[i][digit-1])
		case digit < 0:
			sum.Add(sum, negated.Negate(&t[i][-digit-1]))
		}
	}
	return sum
}

// bits reads a digit of a big-endian scalar, from a bit counted from the lowest.
func bits(scalar []byte, from int) int {
	read := 0
	for octet := range 2 {
		if at := len(scalar) - 1 - from/8 - octet; at >= 0 {
			read |= int(scalar[at]) << (8 * octet)
		}
	}
	return read >> (from % 8) & (2*largest - 1)
}

// verify is ECDSA over P-256 (FIPS 186-5, section 6.4.2) of a digest.
func (t *pointTable) verify(digest, signature []byte) bool {
	const size = 32
	order := elliptic.P256().Params().N
	if len(signature) != 2*size || len(digest) != size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(order) >= 0 || s.Cmp(order) >= 0 {
		return false
	}
	inverse := new(big.Int).ModInverse(s, order)
	var ofBase, ofKey [size]byte
	product := new(big.Int).SetBytes(digest)
	product.Mul(product, inverse).Mod(product, order).FillBytes(ofBase[:])
	product.Mul(r, inverse).Mod(product, order).FillBytes(ofKey[:])
	point, err := nistec.NewP256Point().ScalarBaseMult(ofBase[:])
	if err != nil {
		return false
	}
	x, err := point.Add(point, t.product(ofKey[:])).BytesX()
	if err != nil { // the point at infinity
		return false
	}
	product.SetBytes(x)
	return product.Mod(product, order).Cmp(r) == 0
}
