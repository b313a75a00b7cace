package sealed_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/recourse-dns/recourse/policy/sealed"
)

func ring(t *testing.T, path string) *sealed.Keyring {
	t.Helper()
	loaded, _, err := sealed.LoadKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestKeyringRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "contact.key")
	first := ring(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	octets, id := first.Seal([]byte("me@example.net"), "texts/1")
	if id != first.Current() || !first.Has(id) {
		t.Errorf("sealed with %s", id)
	}
	if err := sealed.Rotate(path); err != nil {
		t.Fatal(err)
	}
	second := ring(t, path)
	if text, err := second.Open(octets, "texts/1", id); err != nil || string(text) != "me@example.net" {
		t.Errorf("%q, %v", text, err)
	}
	if second.Current() == id || second.Mark("a") == first.Mark("a") {
		t.Error("the new key is the old one")
	}
	if err := sealed.Retire(path); err != nil {
		t.Fatal(err)
	}
	third := ring(t, path)
	if _, err := third.Open(octets, "texts/1", id); !errors.Is(err, sealed.ErrNoKey) || third.Current() != second.Current() {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Errorf("%v, %v", info, err)
	}
}

// What was sealed for one place is not opened at another, nor when an octet of it is another.
func TestKeyringHoldsToThePlace(t *testing.T) {
	keys := ring(t, filepath.Join(t.TempDir(), "contact.key"))
	octets, id := keys.Seal([]byte("me@example.net"), "texts/1")
	if _, err := keys.Open(octets, "texts/2", id); !errors.Is(err, sealed.ErrDamaged) {
		t.Errorf("at another place: %v", err)
	}
	for i := range octets {
		octets[i] ^= 1
		if _, err := keys.Open(octets, "texts/1", id); !errors.Is(err, sealed.ErrDamaged) {
			t.Errorf("octet %d changed: %v", i, err)
		}
		octets[i] ^= 1
	}
	for length := range octets {
		if _, err := keys.Open(octets[:length], "texts/1", id); !errors.Is(err, sealed.ErrDamaged) {
			t.Errorf("%d octets: %v", length, err)
		}
	}
	if again, _ := keys.Seal([]byte("me@example.net"), "texts/1"); string(again) == string(octets) {
		t.Error("the same text is sealed to the same octets")
	}
}

func TestKeyringRefusesWhatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "contact.key")
	for _, size := range []int{0, 1, 31, 33, 17 * 32} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := sealed.LoadKeyring(path); err == nil {
			t.Errorf("%d octets are taken", size)
		}
		if err := sealed.Rotate(path); err == nil {
			t.Errorf("%d octets are rotated", size)
		}
	}
}
