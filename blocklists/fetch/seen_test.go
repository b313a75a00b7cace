package fetch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	monday  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tuesday = monday.AddDate(0, 0, 1)
	alpha   = wire.MustName("alpha.example")
	beta    = wire.MustName("beta.example")
)

func save(t *testing.T, store *fetch.Store, now time.Time, names ...wire.Name) {
	t.Helper()
	seen := store.Seen("ads")
	for _, name := range names {
		seen.At(name, blocklists.Exact, now)
	}
	if err := seen.Save(); err != nil {
		t.Fatal(err)
	}
}

func TestSeenRemembers(t *testing.T) {
	store := fetch.New(t.TempDir(), nil, quiet)
	save(t, store, monday, alpha, beta, alpha)
	seen := store.Seen("ads")
	if got := seen.At(alpha, blocklists.Exact, tuesday); !got.Equal(monday) {
		t.Errorf("alpha: %s", got)
	}
	if got := seen.At(alpha, blocklists.Subtree, tuesday); !got.Equal(tuesday) {
		t.Errorf("alpha with another scope: %s", got)
	}
	if got := store.Seen("other").At(alpha, blocklists.Exact, tuesday); !got.Equal(tuesday) {
		t.Errorf("alpha in another list: %s", got)
	}
}

func TestSeenForgetsWhatLeft(t *testing.T) {
	store := fetch.New(t.TempDir(), nil, quiet)
	save(t, store, monday, alpha, beta)
	save(t, store, tuesday, beta)
	seen := store.Seen("ads")
	if got := seen.At(alpha, blocklists.Exact, tuesday); !got.Equal(tuesday) {
		t.Errorf("alpha: %s", got)
	}
	if got := seen.At(beta, blocklists.Exact, tuesday); !got.Equal(monday) {
		t.Errorf("beta: %s", got)
	}
	seen.Forget()
	seen.At(beta, blocklists.Exact, tuesday)
	if err := seen.Save(); err != nil {
		t.Fatal(err)
	}
	if got := store.Seen("ads").At(alpha, blocklists.Exact, tuesday.Add(time.Hour)); got.Equal(tuesday) {
		t.Error("alpha was saved although forgotten")
	}
}

func TestSeenIsWrittenOnlyWhenTheSetChanged(t *testing.T) {
	dir := t.TempDir()
	store := fetch.New(dir, nil, quiet)
	path := filepath.Join(dir, "ads", "first-seen")
	save(t, store, monday, alpha, beta)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	save(t, store, tuesday, beta, alpha)
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("written anew for the same names: %v", err)
	}
	save(t, store, tuesday, alpha)
	if after, err := os.Stat(path); err != nil || os.SameFile(before, after) {
		t.Errorf("not written for other names: %v", err)
	}
}

func TestSeenOfAPreviewIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	save(t, fetch.New(dir, nil, quiet).Preview(), monday, alpha)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("entries %v, %v", entries, err)
	}
}

func TestSeenBearsDamage(t *testing.T) {
	dir := t.TempDir()
	store := fetch.New(dir, nil, quiet)
	path := filepath.Join(dir, "ads", "first-seen")
	save(t, store, monday, alpha, beta)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		flipped := append([]byte(nil), whole...)
		flipped[cut] ^= 1
		for _, text := range [][]byte{whole[:cut], flipped} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := store.Seen("ads").At(alpha, blocklists.Exact, tuesday); !got.Equal(tuesday) {
				t.Fatalf("damage at %d: %s", cut, got)
			}
		}
	}
	save(t, store, tuesday, alpha) // and is mended
	if got := store.Seen("ads").At(alpha, blocklists.Exact, tuesday.AddDate(0, 0, 1)); !got.Equal(tuesday) {
		t.Errorf("after the damage: %s", got)
	}
}

func FuzzSeen(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("RCFS0001"))
	f.Add([]byte("RCFS0001\x00\x00\x00\x00"))
	f.Add([]byte("RCFS0001\x65\x90\x7b\xeb"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "ads"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "ads", "first-seen"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		seen := fetch.New(dir, nil, quiet).Seen("ads")
		first := seen.At(alpha, blocklists.Exact, monday)
		if err := seen.Save(); err != nil {
			t.Fatal(err)
		}
		if again := fetch.New(dir, nil, quiet).Seen("ads").At(alpha, blocklists.Exact, tuesday); !again.Equal(first) {
			t.Errorf("alpha first seen %s, then %s", first, again)
		}
	})
}
