package dnssec_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math/big"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
)

// capture is a signer that keeps what it is told to sign.
type capture struct{ data []byte }

func (c *capture) Public() crypto.PublicKey { return ed25519.PublicKey(nil) }

func (c *capture) Sign(_ io.Reader, data []byte, _ crypto.SignerOpts) ([]byte, error) {
	c.data = bytes.Clone(data)
	return []byte{0}, nil
}

// signedRaw lets the library build the data to sign, as for Ed25519, which hashes
// nothing beforehand, and puts the right algorithm into it.
func signedRaw(sig *dns.RRSIG, key signingKey, set []dns.RR) *dns.RRSIG {
	algorithm, signer := sig.Algorithm, new(capture)
	sig.Algorithm = dns.ED25519
	if err := sig.Sign(signer, set); err != nil {
		panic(err)
	}
	sig.Algorithm, signer.data[2] = algorithm, algorithm
	sig.Signature = base64.StdEncoding.EncodeToString(key.raw(signer.data))
	return sig
}

func keyOf(zone string, algorithm uint8, public []byte) *dns.DNSKEY {
	return &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm, PublicKey: base64.StdEncoding.EncodeToString(public),
	}
}

func newEd448(t testing.TB, zone string) signingKey {
	t.Helper()
	public, private, err := ed448.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{record: keyOf(zone, dns.ED448, public), raw: func(data []byte) []byte { return ed448.Sign(private, data, "") }}
}

// newRSA makes a key of any size and exponent. The encoding may be spoilt before
// it is signed.
func newRSA(t testing.TB, zone string, bits int, exponent int64, spoil func(encoded, hash []byte) []byte) signingKey {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(exponent)
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rand.Prime(rand.Reader, bits-bits/2)
		if err != nil {
			t.Fatal(err)
		}
		n := new(big.Int).Mul(p, q)
		d := new(big.Int).ModInverse(e, new(big.Int).Mul(p.Sub(p, one), q.Sub(q, one)))
		if d == nil || n.BitLen() != bits {
			continue
		}
		public := append([]byte{byte(len(e.Bytes()))}, e.Bytes()...)
		raw := func(data []byte) []byte {
			encoded := new(big.Int).SetBytes(spoil(encode(data, (bits+7)/8)))
			return encoded.Exp(encoded.Mod(encoded, n), d, n).FillBytes(make([]byte, (bits+7)/8))
		}
		return signingKey{record: keyOf(zone, dns.RSASHA256, append(public, n.Bytes()...)), raw: raw}
	}
}

// encode is RFC 8017, section 9.2, written out for SHA-256.
func encode(data []byte, size int) (encoded, hash []byte) {
	sum := sha256.Sum256(data)
	info := []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
	padding := bytes.Repeat([]byte{0xff}, size-3-len(info)-len(sum))
	return bytes.Join([][]byte{{0, 1}, padding, {0}, info, sum[:]}, nil), sum[:]
}

func whole(encoded, _ []byte) []byte { return encoded }

func worldOf(t *testing.T, key signingKey) *world {
	z := unsigned(t, "example.", "www 60 IN A 192.0.2.1")
	z.keys = []signingKey{key}
	return newWorld(t, signed(t, ".", ""), z)
}

// TestRSASizes: RFC 5702, section 2, allows what the standard library does not.
func TestRSASizes(t *testing.T) {
	unusable := outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}}
	for _, test := range []struct {
		bits     int
		exponent int64
		want     outcome
	}{
		{512, 65537, isSecure}, {512, 3, isSecure}, {768, 65537, isSecure}, {1000, 65537, isSecure}, {1024, 1<<32 + 15, isSecure},
		{504, 65537, unusable}, {511, 65537, unusable},
		{1024, 1<<34 + 25, fails(resolver.Bogus)}, // an exponent that only costs time
	} {
		w := worldOf(t, newRSA(t, "example.", test.bits, test.exponent, whole))
		check(t, w, "www.example.", dns.TypeA, test.want)
	}
	large := keyOf("example.", dns.RSASHA256, append([]byte{3, 1, 0, 1}, bytes.Repeat([]byte{0xab}, 513)...))
	w := worldOf(t, signingKey{record: large, raw: func([]byte) []byte { return make([]byte, 513) }})
	check(t, w, "www.example.", dns.TypeA, unusable)
}

// TestRSAPadding signs encodings that a lenient parser would take for right.
func TestRSAPadding(t *testing.T) {
	for name, spoil := range map[string]func(encoded, hash []byte) []byte{
		"octets behind the hash": func(encoded, hash []byte) []byte {
			return append(append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, encoded[len(encoded)-51:]...), make([]byte, 128-62)...)
		},
		"padding with a hole":     func(encoded, _ []byte) []byte { encoded[20] = 0xfe; return encoded },
		"wrong block type":        func(encoded, _ []byte) []byte { encoded[1] = 2; return encoded },
		"no separator":            func(encoded, _ []byte) []byte { encoded[len(encoded)-52] = 0xff; return encoded },
		"parameters left out":     func(encoded, _ []byte) []byte { encoded[len(encoded)-36] = 4; return encoded },
		"another hash's name":     func(encoded, _ []byte) []byte { encoded[len(encoded)-37] = 3; return encoded },
		"the hash of other data":  func(encoded, _ []byte) []byte { encoded[len(encoded)-1] ^= 1; return encoded },
		"the padding not started": func(encoded, _ []byte) []byte { encoded[0] = 1; return encoded },
	} {
		t.Run(name, func(t *testing.T) {
			check(t, worldOf(t, newRSA(t, "example.", 1024, 65537, spoil)), "www.example.", dns.TypeA, fails(resolver.Bogus))
		})
	}
}

// TestRSANumbers: a number has one form only, as key and as signature.
func TestRSANumbers(t *testing.T) {
	sound := newRSA(t, "example.", 512, 65537, whole)
	padded := sound
	padded.raw = func(data []byte) []byte { return append([]byte{0}, sound.raw(data)...) }
	check(t, worldOf(t, sound), "www.example.", dns.TypeA, isSecure)
	check(t, worldOf(t, padded), "www.example.", dns.TypeA, fails(resolver.Bogus))

	octets, err := base64.StdEncoding.DecodeString(sound.record.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, public := range [][]byte{
		append([]byte{3, 1, 0, 1, 0}, octets[4:]...), append([]byte{4, 0, 1, 0, 1}, octets[4:]...),
	} {
		zeros := signingKey{record: keyOf("example.", dns.RSASHA256, public), raw: sound.raw}
		check(t, worldOf(t, zeros), "www.example.", dns.TypeA, fails(resolver.Bogus))
	}

	// The signature plus the modulus is the same number to whoever does not look.
	modulus, fits := new(big.Int).SetBytes(octets[4:]), false
	grown := sound
	grown.raw = func(data []byte) []byte {
		sum := new(big.Int).SetBytes(sound.raw(data))
		if sum.Add(sum, modulus); sum.BitLen() > 512 {
			return make([]byte, 64)
		}
		fits = true
		return sum.FillBytes(make([]byte, 64))
	}
	for range 64 {
		w := worldOf(t, grown)
		check(t, w, "www.example.", dns.TypeA, fails(resolver.Bogus))
		if fits {
			break
		}
		sound = newRSA(t, "example.", 512, 65537, whole)
		grown.record, octets = sound.record, nil
		octets, _ = base64.StdEncoding.DecodeString(sound.record.PublicKey)
		modulus.SetBytes(octets[4:])
	}
	if !fits {
		t.Error("no signature was found that the modulus can be added to")
	}
}

// TestMalformedKeys: what is no key of its algorithm verifies nothing, costs what a
// verification does and breaks nothing.
func TestMalformedKeys(t *testing.T) {
	for name, public := range map[string]struct {
		algorithm uint8
		octets    []byte
	}{
		"RSA, one octet":               {dns.RSASHA256, []byte{0}},
		"RSA, two octets":              {dns.RSASHA256, []byte{0, 1}},
		"RSA, exponent only":           {dns.RSASHA256, []byte{3, 1, 0, 1}},
		"RSA, exponent too long":       {dns.RSASHA256, []byte{0, 255, 255, 1}},
		"RSA, exponent zero":           {dns.RSASHA256, append([]byte{1, 0}, bytes.Repeat([]byte{0xab}, 128)...)},
		"RSA, exponent one":            {dns.RSASHA256, append([]byte{1, 1}, bytes.Repeat([]byte{0xab}, 128)...)},
		"RSA, even modulus":            {dns.RSASHA256, append([]byte{1, 3}, bytes.Repeat([]byte{0xaa}, 128)...)},
		"RSA, modulus with zeros":      {dns.RSASHA256, append([]byte{1, 3, 0, 0}, bytes.Repeat([]byte{0xab}, 128)...)},
		"P-256, off the curve":         {dns.ECDSAP256SHA256, bytes.Repeat([]byte{1}, 64)},
		"P-256, short":                 {dns.ECDSAP256SHA256, bytes.Repeat([]byte{1}, 63)},
		"P-384, empty":                 {dns.ECDSAP384SHA384, nil},
		"Ed25519, short":               {dns.ED25519, make([]byte, 31)},
		"Ed25519, long":                {dns.ED25519, make([]byte, 33)},
		"Ed448, short":                 {dns.ED448, make([]byte, 56)},
		"Ed448, low order":             {dns.ED448, make([]byte, 57)},
		"Ed25519, of the small orders": {dns.ED25519, append([]byte{2}, make([]byte, 31)...)},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, signingKey{record: keyOf("example.", public.algorithm, public.octets), raw: func([]byte) []byte { return make([]byte, 64) }})
			query := question("www.example.", dns.TypeA)
			_, err := w.validator(dnssec.Config{}).Stage(w).Resolve(t.Context(), query)
			if err == nil {
				t.Fatal("taken")
			}
			if spent(query) < 3 { // the root's keys, the DS record, and the attempt
				t.Error("the attempt was free")
			}
		})
	}
}

// TestCanonicalForm: a signature holds whatever case names came in, for the types
// whose names are lowered, and their order does not matter (RFC 4034, section 6).
func TestCanonicalForm(t *testing.T) {
	text := `www 60 IN A 192.0.2.1
mail 60 IN MX 10 a.example.
mail 60 IN MX 5 b.example.
srv 60 IN SRV 1 2 3 a.example.
ptr 60 IN NAPTR 1 1 "s" "x" "" a.example.
rp 60 IN RP a.example. b.example.
unknown 60 IN TYPE65280 \# 3 AbCdEf`
	w := newWorld(t, signed(t, ".", ""), signed(t, "example.", text))
	shout := func(m *dns.Msg) {
		for i, rr := range m.Answer {
			m.Answer[i] = dns.Copy(rr)
			switch rr := m.Answer[i].(type) {
			case *dns.MX:
				rr.Mx = "A.eXample."
				if rr.Preference == 5 {
					rr.Mx = "B.example."
				}
			case *dns.SRV:
				rr.Target = "A.Example."
			case *dns.NAPTR:
				rr.Replacement = "a.EXAMPLE."
			case *dns.RP:
				rr.Mbox, rr.Txt = "A.example.", "B.example."
			}
		}
		if len(m.Answer) > 2 {
			m.Answer[0], m.Answer[1] = m.Answer[1], m.Answer[0]
		}
	}
	for name, kind := range map[string]uint16{"mail": dns.TypeMX, "srv": dns.TypeSRV, "ptr": dns.TypeNAPTR, "rp": dns.TypeRP, "unknown": 65280} {
		w.edit(name+".example. "+dns.Type(kind).String(), shout)
		check(t, w, name+".example.", kind, isSecure)
	}
}

// TestSHA1Policy is RFC 9905: validated, unless local policy says otherwise.
func TestSHA1Policy(t *testing.T) {
	w := worldOf(t, newKey(t, "example.", dns.RSASHA1NSEC3SHA1))
	check(t, w, "www.example.", dns.TypeA, isSecure)
	w.validators(dnssec.Config{RefuseSHA1: true}, func(ask func(string, uint16, outcome)) {
		ask("www.example.", dns.TypeA, outcome{security: resolver.Insecure, extended: []uint16{resolver.UnsupportedAlgorithm}})
	})
}
