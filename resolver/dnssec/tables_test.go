package dnssec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"slices"
	"sync"
	"testing"

	"filippo.io/nistec"
)

func newP256(t testing.TB) (*ecdsa.PrivateKey, *ecdsaKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key, ok := ecdsaKeyOf(octets[1:], elliptic.P256(), crypto.SHA256).(*ecdsaKey)
	if !ok {
		t.Fatal("the key is none")
	}
	return private, key
}

func signP256(t testing.TB, private *ecdsa.PrivateKey, data []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// The table's product is the curve's, at the ends of the scalars and between.
func TestPointTableProduct(t *testing.T) {
	_, key := newP256(t)
	table := newPointTable(key)
	octets, err := key.point.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	order := elliptic.P256().Params().N
	scalars := []*big.Int{new(big.Int).Sub(order, big.NewInt(1)), new(big.Int).Sub(order, big.NewInt(2))}
	for i := range int64(70) {
		scalars = append(scalars, big.NewInt(i))
	}
	for bit := range uint(256) { // digits of one bit, and carries through all above
		one := new(big.Int).Lsh(big.NewInt(1), bit)
		scalars = append(scalars, one, new(big.Int).Sub(one, big.NewInt(1)))
	}
	for range 200 {
		random, err := rand.Int(rand.Reader, order)
		if err != nil {
			t.Fatal(err)
		}
		scalars = append(scalars, random)
	}
	for _, scalar := range scalars {
		if scalar.Cmp(order) >= 0 {
			continue
		}
		encoded := scalar.FillBytes(make([]byte, 32))
		point, err := nistec.NewP256Point().SetBytes(octets)
		if err != nil {
			t.Fatal(err)
		}
		want, err := nistec.NewP256Point().ScalarMult(point, encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got := table.product(encoded); !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("scalar %x: another point", encoded)
		}
	}
}

// The table holds what the library holds to be good, and nothing else.
func TestPointTableVerify(t *testing.T) {
	private, key := newP256(t)
	stranger, _ := newP256(t)
	table := newPointTable(key)
	data := []byte("signed")
	good := signP256(t, private, data)
	order := elliptic.P256().Params().N
	scalar := func(half int, change func(*big.Int)) []byte {
		one := slices.Clone(good)
		number := new(big.Int).SetBytes(one[32*half : 32*half+32])
		change(number)
		if number.Sign() < 0 || number.BitLen() > 256 {
			return nil
		}
		number.FillBytes(one[32*half : 32*half+32])
		return one
	}
	for name, test := range map[string]struct {
		data, signature []byte
		want            bool
	}{
		"good":           {data, good, true},
		"other half":     {data, scalar(1, func(s *big.Int) { s.Sub(order, s) }), true}, // -s is as good in ECDSA
		"other data":     {[]byte("other"), good, false},
		"other key":      {data, signP256(t, stranger, data), false},
		"r one more":     {data, scalar(0, func(r *big.Int) { r.Add(r, big.NewInt(1)) }), false},
		"s one more":     {data, scalar(1, func(s *big.Int) { s.Add(s, big.NewInt(1)) }), false},
		"r zero":         {data, scalar(0, func(r *big.Int) { r.SetInt64(0) }), false},
		"s zero":         {data, scalar(1, func(s *big.Int) { s.SetInt64(0) }), false},
		"r is the order": {data, scalar(0, func(r *big.Int) { r.Set(order) }), false},
		"s is the order": {data, scalar(1, func(s *big.Int) { s.Set(order) }), false},
		"swapped":        {data, append(slices.Clone(good[32:]), good[:32]...), false},
		"short":          {data, good[:63], false},
		"long":           {data, append(slices.Clone(good), 0), false},
		"none":           {data, nil, false},
	} {
		if got := table.verify(digest(crypto.SHA256, test.data), test.signature); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := key.verify(test.data, test.signature); got != test.want {
			t.Errorf("%s, the library: %v", name, got)
		}
	}
}

// A signature whose point is the one at infinity is none: u1 G = -u2 Q.
func TestPointTableInfinity(t *testing.T) {
	private, key := newP256(t)
	order := elliptic.P256().Params().N
	secret := new(big.Int).SetBytes(mustBytes(t, private))
	// With e = -r d the point is (e + r d)/s G, whatever s.
	r := big.NewInt(12345)
	e := new(big.Int).Mul(r, secret)
	e.Neg(e).Mod(e, order)
	signature := append(r.FillBytes(make([]byte, 32)), big.NewInt(77).FillBytes(make([]byte, 32))...)
	if newPointTable(key).verify(e.FillBytes(make([]byte, 32)), signature) {
		t.Error("it is taken for good")
	}
}

func mustBytes(t *testing.T, private *ecdsa.PrivateKey) []byte {
	t.Helper()
	octets, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// A key earns its table by good signatures, from which on it still refuses bad ones;
// tables are bounded, and whose is lost has to be earned anew.
func TestTables(t *testing.T) {
	var all tables
	data := []byte("signed")
	use := func(key *ecdsaKey, good []byte) {
		bad := slices.Clone(good)
		bad[5] ^= 1
		for range usedOften + 2 {
			if !all.verify(key, data, good) || all.verify(key, data, bad) || all.verify(key, []byte("other"), good) {
				t.Fatal("misjudged")
			}
		}
	}
	private, first := newP256(t)
	good := signP256(t, private, data)
	bad := make([]byte, 64)
	for range 2 * usedOften {
		all.verify(first, data, bad)
	}
	if all.kept != nil {
		t.Error("bad signatures earned a table")
	}
	use(first, good)
	if all.kept == nil || !all.kept.Contains(first) {
		t.Fatal("no table")
	}
	for range maxTables {
		private, key := newP256(t)
		key.uses.Store(usedOften)
		use(key, signP256(t, private, data))
	}
	if all.kept.Len() != maxTables || all.kept.Contains(first) || first.uses.Load() != 0 {
		t.Errorf("%d tables, uses %d", all.kept.Len(), first.uses.Load())
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if !all.verify(first, data, good) {
				t.Error("misjudged")
			}
		})
	}
	group.Wait()
}

func FuzzPointTable(f *testing.F) {
	private, key := newP256(f)
	table := newPointTable(key)
	good := signP256(f, private, []byte("signed"))
	f.Add([]byte("signed"), good)
	f.Add([]byte("other"), good)
	f.Add([]byte{}, make([]byte, 64))
	f.Add([]byte("x"), bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, data, signature []byte) {
		if got, want := table.verify(digest(crypto.SHA256, data), signature), key.verify(data, signature); got != want {
			t.Errorf("the table says %v, the library %v", got, want)
		}
		fresh := signP256(t, private, data)
		if !table.verify(digest(crypto.SHA256, data), fresh) {
			t.Errorf("a good signature is refused: %x over %x", fresh, data)
		}
	})
}

func BenchmarkVerifyP256(b *testing.B) {
	private, key := newP256(b)
	data := bytes.Repeat([]byte("x"), 150)
	good := signP256(b, private, data)
	b.Run("once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			key.verify(data, good)
		}
	})
	b.Run("often", func(b *testing.B) {
		var all tables
		key.uses.Store(usedOften)
		b.ReportAllocs()
		for b.Loop() {
			all.verify(key, data, good)
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			newPointTable(key)
		}
	})
}
