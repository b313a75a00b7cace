package stream

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"testing"
)

var suites = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}

func secretFor(t testing.TB, suite uint16, seed byte) []byte {
	t.Helper()
	made, _, err := suiteOf(suite)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat([]byte{seed}, made().Size())
}

// pair is both ends of a connection.
func pair(t testing.TB, suite uint16) (server, client *records) {
	t.Helper()
	up, down := secretFor(t, suite, 1), secretFor(t, suite, 2)
	server, err := newRecords(suite, up, down, 0)
	if err != nil {
		t.Fatal(err)
	}
	client, err = newRecords(suite, down, up, 0)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func sealed(t testing.TB, by *records, plain []byte) []byte {
	t.Helper()
	data, err := by.seal(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRecordsCarryWhatIsPutIn(t *testing.T) {
	for _, suite := range suites {
		server, client := pair(t, suite)
		for _, size := range []int{1, 100, maxRecord - 1, maxRecord, maxRecord + 1, 3*maxRecord + 5} {
			data := make([]byte, size)
			_, _ = rand.Read(data)
			raw := sealed(t, client, data)
			got, rest, err := server.open(nil, raw)
			if err != nil || len(rest) != 0 || !bytes.Equal(got, data) {
				t.Fatalf("%d octets: %d, %d left, %v", size, len(got), len(rest), err)
			}
			raw = append(sealed(t, server, data), 23, 3)
			got, rest, err = client.open([]byte("before"), raw)
			if err != nil || len(rest) != 2 || !bytes.Equal(got, append([]byte("before"), data...)) {
				t.Fatalf("the other way: %d, %d left, %v", len(got), len(rest), err)
			}
		}
	}
}

// TestKeysChange: at the client's wish on one side, and, if it wants that, on ours before
// anything else is sent (RFC 8446, section 4.6.3); by ourselves after many records.
func TestKeysChange(t *testing.T) {
	for _, suite := range suites {
		server, client := pair(t, suite)
		update := func(requested byte) []byte {
			raw := client.sealOne(nil, typeHandshake, []byte{messageKeyUpdate, 0, 0, 1, requested})
			if err := client.out.update(); err != nil {
				t.Fatal(err)
			}
			return append(raw, sealed(t, client, []byte("after"))...)
		}
		for _, requested := range []byte{0, updateRequested, updateRequested} {
			got, _, err := server.open(nil, update(requested))
			if err != nil || string(got) != "after" {
				t.Fatalf("%q, %v", got, err)
			}
			before := slices.Clone(client.in.secret)
			got, _, err = client.open(nil, sealed(t, server, []byte("reply")))
			if err != nil || string(got) != "reply" {
				t.Fatalf("%q, %v", got, err)
			}
			if changed := !bytes.Equal(before, client.in.secret); changed != (requested == updateRequested) {
				t.Errorf("requested %d: changed %t", requested, changed)
			}
		}
		server.out.count, client.in.count = maxSent, maxSent
		if got, _, err := client.open(nil, sealed(t, server, []byte("reply"))); err != nil || string(got) != "reply" || client.in.count != 1 {
			t.Errorf("after many records: %q, %v", got, err)
		}
	}
}

func TestRecordsThatEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		raw  func(client *records) []byte
		want error
	}{
		{"close_notify", func(c *records) []byte { return c.end(nil, nil) }, io.EOF},
		{"an alert", func(c *records) []byte { return c.end(nil, alertInternal) }, io.EOF},
		{"half an alert", func(c *records) []byte { return c.sealOne(nil, typeAlert, []byte{1}) }, alertDecodeError},
		{"a plain alert", func(*records) []byte { return []byte{21, 3, 3, 0, 2, 1, 0} }, alertUnexpectedMessage},
		{"ChangeCipherSpec", func(*records) []byte { return []byte{20, 3, 3, 0, 1, 1} }, alertUnexpectedMessage},
		{"too long", func(*records) []byte { return []byte{23, 3, 3, 65, 1} }, alertRecordOverflow},
		{"too much in it", func(c *records) []byte { return c.sealOne(nil, typeData, make([]byte, maxRecord+1)) }, alertRecordOverflow},
		{"too short", func(*records) []byte { return []byte{23, 3, 3, 0, 3, 1, 2, 3} }, alertBadRecord},
		{"nothing but padding", func(c *records) []byte { return c.sealOne(nil, 0, make([]byte, 10)) }, alertUnexpectedMessage},
		{"no type that there is", func(c *records) []byte { return c.sealOne(nil, 99, []byte{1}) }, alertUnexpectedMessage},
		{"a hello", func(c *records) []byte { return c.sealOne(nil, typeHandshake, []byte{1, 0, 0, 0}) }, alertUnexpectedMessage},
		{"another KeyUpdate", func(c *records) []byte { return c.sealOne(nil, typeHandshake, []byte{24, 0, 0, 1, 2}) }, alertUnexpectedMessage},
		{"something after a KeyUpdate", func(c *records) []byte { return c.sealOne(nil, typeHandshake, []byte{24, 0, 0, 1, 0, 24}) }, alertUnexpectedMessage},
		{"changed", func(c *records) []byte { raw := c.sealOne(nil, typeData, []byte("x")); raw[7] ^= 1; return raw }, alertBadRecord},
		{"its length changed", func(c *records) []byte {
			raw := c.sealOne(nil, typeData, []byte("xy"))
			raw[4]--
			return raw[:len(raw)-1]
		}, alertBadRecord},
		{"sent twice", func(c *records) []byte { raw := c.sealOne(nil, typeData, []byte("x")); return append(raw, raw...) }, alertBadRecord},
		{"empty ones without end", func(c *records) []byte {
			var raw []byte
			for range maxUseless + 1 {
				raw = c.sealOne(raw, typeData, nil)
			}
			return raw
		}, alertUnexpectedMessage},
		{"changes of key without end", func(c *records) []byte {
			var raw []byte
			for range maxUseless + 1 {
				raw = c.sealOne(raw, typeHandshake, []byte{messageKeyUpdate, 0, 0, 1, 0})
				_ = c.out.update()
			}
			return raw
		}, alertUnexpectedMessage},
	} {
		server, client := pair(t, tls.TLS_AES_128_GCM_SHA256)
		if _, _, err := server.open(nil, test.raw(client)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	server, client := pair(t, tls.TLS_AES_128_GCM_SHA256)
	padded := client.sealOne(nil, typeData, nil)
	padded = append(padded, client.sealOne(nil, 0, []byte{'x', typeData, 0, 0, 0})...)
	if got, _, err := server.open(nil, padded); err != nil || string(got) != "x" {
		t.Errorf("padding: %q, %v", got, err)
	}
	alerted := server.end(nil, alertBadRecord)
	if inner, err := client.in.aead.Open(nil, client.in.next(), alerted[5:], alerted[:5]); err != nil || !bytes.Equal(inner, []byte{2, 20, typeAlert}) {
		t.Errorf("the alert is %x, %v", inner, err)
	}
}

func TestKeysOfNoSuite(t *testing.T) {
	if _, err := newRecords(0x1304, make([]byte, 32), make([]byte, 32), 0); err == nil {
		t.Error("a suite that is not known was taken")
	}
	if _, err := newRecords(tls.TLS_AES_128_GCM_SHA256, nil, make([]byte, 32), 0); err == nil {
		t.Error("a secret that was not told was taken")
	}
}

func certificateFor(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

// TestAgainstOthers: what crypto/tls writes is read, and the other way, from its keys on.
func TestAgainstOthers(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	var of keys
	server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificateFor(t)}, SessionTicketsDisabled: true})
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, server) // an echo
	}()
	client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &of})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	layer, err := newRecords(client.ConnectionState().CipherSuite, of.server, of.client, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"one", "and another", string(make([]byte, maxRecord)), "after a change of both keys", "and another"} {
		data := []byte(nil)
		if i >= 3 {
			data = layer.sealOne(data, typeHandshake, []byte{messageKeyUpdate, 0, 0, 1, updateRequested})
			if err := layer.out.update(); err != nil {
				t.Fatal(err)
			}
		}
		before := layer.in.secret
		data, _ = layer.seal(data, []byte(text))
		if _, err := ours.Write(data); err != nil {
			t.Fatal(err)
		}
		var raw, got []byte
		buffer := make([]byte, 40_000)
		for len(got) < len(text) {
			size, err := ours.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, buffer[:size]...)
			var rest []byte
			if got, rest, err = layer.open(got, raw); err != nil {
				t.Fatal(err)
			}
			raw = slices.Clone(rest)
		}
		if string(got) != text || bytes.Equal(before, layer.in.secret) != (i < 3) {
			t.Errorf("%d octets came back of %d; their key: %x", len(got), len(text), layer.in.secret)
		}
	}
}

func FuzzRecords(f *testing.F) {
	_, client := pair(f, tls.TLS_AES_128_GCM_SHA256)
	f.Add(sealed(f, client, []byte("something")))
	f.Add(client.end(sealed(f, client, make([]byte, 300)), nil))
	f.Add([]byte{23, 3, 3, 0, 17, 1, 2, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		server, _ := pair(t, tls.TLS_AES_128_GCM_SHA256)
		plain, rest, err := server.open(nil, raw)
		if len(plain)+len(rest) > len(raw) {
			t.Fatalf("%d and %d octets of %d", len(plain), len(rest), len(raw))
		}
		if err == nil && len(rest) >= recordHeader+maxSealed {
			t.Fatal("a record that is complete was left")
		}
	})
}

// FuzzNext holds the reader of messages to the framing: what it takes off in pieces is
// what stands there.
func FuzzNext(f *testing.F) {
	f.Add([]byte{0, 12, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 13})
	f.Add([]byte{0, 11})
	f.Add([]byte{255, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole []byte
		rest := data
		for {
			message, after, err := next(rest)
			if err != nil {
				if !bytes.Equal(after, rest) {
					t.Fatal("an error took octets")
				}
				break
			}
			whole = append(append(whole, byte(len(message)>>8), byte(len(message))), message...)
			rest = after
		}
		if !bytes.Equal(append(whole, rest...), data) {
			t.Fatal("octets were lost")
		}
	})
}
