package cookie

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func octets(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func secret(t testing.TB, text string) Secret { t.Helper(); return Secret(octets(t, text)) }

// The cookies of RFC 9018, appendix A: what a client sent, if it had one, and what it got.
func TestVectors(t *testing.T) {
	const first, old, next = "e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962"
	for _, test := range []struct {
		section, address string
		secrets          []Secret
		sent, got        string
		at               int64
		standing         Standing
	}{
		{"A.1", "198.51.100.100", []Secret{secret(t, first)}, "2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985, Unproven},
		{"A.2", "198.51.100.100", []Secret{secret(t, first)}, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", 1559734385, Aged},
		{"A.3", "203.0.113.203", []Secret{secret(t, first)}, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", 1559734700, Unproven},
		{"A.4", "2001:db8:220:1:59de:d0f4:8769:82b8", []Secret{secret(t, next), secret(t, old)}, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", 1559741961, Aged},
	} {
		keys, addr, now := NewKeys(test.secrets), netip.MustParseAddr(test.address), time.Unix(test.at, 0)
		sent := octets(t, test.sent)
		if standing := keys.Check(sent[:8], sent[8:], addr, now); standing != test.standing {
			t.Errorf("%s: %s stands at %d, want %d", test.section, test.sent, standing, test.standing)
		}
		got := keys.Append(nil, sent[:8], addr, now)
		if hex.EncodeToString(got) != test.got {
			t.Errorf("%s: got %x, want %s", test.section, got, test.got)
		}
		if standing := keys.Check(got[:8], got[8:], addr, now); standing != Proven {
			t.Errorf("%s: our own cookie stands at %d", test.section, standing)
		}
	}
}

// Reserved octets are hashed as they are, not as they should be (RFC 9018, section 4.2).
func TestReservedOctetsCount(t *testing.T) {
	sent := octets(t, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
	keys, addr := NewKeys([]Secret{secret(t, "e5e973e5a6b2a43f48e7dc849e37bfcf")}), netip.MustParseAddr("203.0.113.203")
	if standing := keys.Check(sent[:8], sent[8:], addr, time.Unix(0x5cf78f71, 0)); standing != Proven {
		t.Errorf("it stands at %d", standing)
	}
}

func TestAge(t *testing.T) {
	keys, addr, client := NewKeys([]Secret{NewSecret()}), netip.MustParseAddr("192.0.2.1"), []byte("clientAB")
	for _, made := range []time.Time{time.Unix(1_800_000_000, 0), time.Unix(1<<32-60, 0)} { // also around the end of 32 bits
		cookie := keys.Append(nil, client, addr, made)
		for age, want := range map[time.Duration]Standing{
			0: Proven, 30 * time.Minute: Proven, 30*time.Minute + time.Second: Aged, time.Hour: Aged, time.Hour + time.Second: Unproven,
			-5 * time.Minute: Proven, -5*time.Minute - time.Second: Unproven,
		} {
			if standing := keys.Check(client, cookie[8:], addr, made.Add(age)); standing != want {
				t.Errorf("after %s it stands at %d, want %d", age, standing, want)
			}
		}
	}
}

// Whatever is not the client's own proves nothing.
func TestForgeries(t *testing.T) {
	keys, addr, now := NewKeys([]Secret{NewSecret()}), netip.MustParseAddr("2001:db8::1"), time.Unix(1_800_000_000, 0)
	good := keys.Append(nil, []byte("clientAB"), addr, now)
	if keys.Check(good[:8], good[8:], addr, now) != Proven {
		t.Fatal("the cookie itself proves nothing")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if keys.Check(bad[:8], bad[8:], addr, now) != Unproven {
			t.Errorf("octet %d can be changed", i)
		}
	}
	if keys.Check(good[:8], good[8:], addr.Next(), now) != Unproven {
		t.Error("another address may use it")
	}
	if keys.Check(good[:8], good[8:16], addr, now) != Unproven || keys.Check(good[:8], nil, addr, now) != Unproven {
		t.Error("a part of it is enough")
	}
	if keys.Swap([]Secret{NewSecret()}); keys.Check(good[:8], good[8:], addr, now) != Unproven {
		t.Error("a secret that is gone still counts")
	}
}

func TestParseSecrets(t *testing.T) {
	good := "# the fleet's\n00112233445566778899aabbccddeeff\r\n\n  FFEEDDCCBBAA99887766554433221100"
	secrets, err := ParseSecrets([]byte(good))
	if err != nil || len(secrets) != 2 || secrets[0] != secret(t, "00112233445566778899aabbccddeeff") {
		t.Errorf("%x, %v", secrets, err)
	}
	for text, want := range map[string]string{
		"":                                   "no secret",
		"# nothing":                          "no secret",
		"0011":                               "line 1: has 4 characters",
		"\nzz112233445566778899aabbccddeeff": "line 2: is not hexadecimal",
		strings.Repeat("00112233445566778899aabbccddeeff\n", 9): "line 9: more than 8",
	} {
		if _, err := ParseSecrets([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCookiesAllocateNothing(t *testing.T) {
	keys, addr, now := NewKeys([]Secret{NewSecret()}), netip.MustParseAddr("2001:db8::1"), time.Unix(1_800_000_000, 0)
	good := keys.Append(nil, []byte("clientAB"), addr, now)
	room := make([]byte, 0, Size)
	if allocs := testing.AllocsPerRun(100, func() {
		if keys.Check(good[:8], good[8:], addr, now) == Proven {
			room = keys.Append(room[:0], good[:8], addr, now)
		}
	}); allocs != 0 {
		t.Errorf("a cookie allocates %v times", allocs)
	}
}

func FuzzCheck(f *testing.F) {
	keys, addr, now := NewKeys([]Secret{NewSecret()}), netip.MustParseAddr("192.0.2.1"), time.Unix(1_800_000_000, 0)
	f.Add([]byte("clientAB"), []byte("\x01\x00\x00\x00\x6b\x49\xd2\x00hashhash"))
	f.Fuzz(func(t *testing.T, client, server []byte) {
		if len(client) == 8 && keys.Check(client, server, addr, now) != Unproven {
			t.Fatalf("%x is taken for a cookie", server)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	keys, addr, now := NewKeys([]Secret{NewSecret()}), netip.MustParseAddr("192.0.2.1"), time.Unix(1_800_000_000, 0)
	good := keys.Append(nil, []byte("clientAB"), addr, now)
	for b.Loop() {
		keys.Check(good[:8], good[8:], addr, now)
	}
}
