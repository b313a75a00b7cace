package sealed_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/recourse-dns/recourse/policy/sealed"
)

func readAll(t testing.TB, path string, key sealed.Key) (*sealed.Log, []string, error) {
	t.Helper()
	var records []string
	log, err := sealed.Open(path, key, func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if log == nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log, records, err
}

func TestRecordsInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, _, err := readAll(t, path, sealed.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range []string{"one", "", "three"} {
		if err := log.Append([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	again, records, err := readAll(t, path, sealed.Key{1})
	if err != nil || !slices.Equal(records, []string{"one", "", "three"}) {
		t.Fatalf("%q, %v", records, err)
	}
	if err := again.Append([]byte("four")); err != nil {
		t.Fatal(err)
	}
	if err := again.Append(make([]byte, sealed.MaxFrame+1)); err == nil {
		t.Error("a record of any size is taken")
	}
	if _, records, _ := readAll(t, path, sealed.Key{1}); len(records) != 4 {
		t.Errorf("%q", records)
	}
	failure := errors.New("no more")
	if err := again.Rewrite(func(emit func([]byte) error) error { return errors.Join(emit([]byte("new")), failure) }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if _, records, _ := readAll(t, path, sealed.Key{1}); len(records) != 4 {
		t.Errorf("a failure left %q", records)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("files %q, %v", left, err)
	}
}

// Frames that are exchanged, left out or of another file are no frames.
func TestFramesHaveTheirPlace(t *testing.T) {
	folder := t.TempDir()
	write := func(name string) ([]byte, []int) {
		path := filepath.Join(folder, name)
		log, _, err := readAll(t, path, sealed.Key{1})
		if err != nil {
			t.Fatal(err)
		}
		ends := []int{int(log.Size())}
		for _, record := range []string{"aaaa", "bbbb", "cccc"} {
			if err := log.Append([]byte(record)); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, int(log.Size()))
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content, ends
	}
	one, ends := write("one")
	other, _ := write("other")
	for name, content := range map[string][]byte{
		"left out":  slices.Concat(one[:ends[1]], one[ends[2]:]),
		"exchanged": slices.Concat(one[:ends[1]], one[ends[2]:], one[ends[1]:ends[2]]),
		"twice":     slices.Concat(one[:ends[1]], one[ends[0]:ends[1]]),
		"another's": slices.Concat(one[:ends[1]], other[ends[1]:ends[2]]),
		"zeros":     slices.Concat(one[:ends[1]], make([]byte, 100)),
	} {
		path := filepath.Join(folder, "made")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, records, err := readAll(t, path, sealed.Key{1}); !errors.Is(err, sealed.ErrDamaged) || !slices.Equal(records, []string{"aaaa"}) {
			t.Errorf("%s: %q, %v", name, records, err)
		}
	}
}

func TestKey(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "clients.key")
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(folder, "credentials"))
	first, err := sealed.LoadKey(path, "credential")
	if err != nil || first == (sealed.Key{}) {
		t.Fatal(first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := sealed.LoadKey(path, "credential"); err != nil || again != first {
		t.Errorf("another key at the next start: %v", err)
	}
	given := bytes.Repeat([]byte{7}, 32)
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "credentials"), 0o700), os.WriteFile(filepath.Join(folder, "credentials", "credential"), given, 0o600)); err != nil {
		t.Fatal(err)
	}
	if key, err := sealed.LoadKey(path, "credential"); err != nil || !bytes.Equal(key[:], given) {
		t.Errorf("not the credential: %v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.LoadKey(path, "other"); err == nil {
		t.Error("a short key is taken")
	}
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	log, _, err := readAll(f, path, sealed.Key{1})
	if err != nil {
		f.Fatal(err)
	}
	if err := log.Append([]byte("record")); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:20])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		log, records, _ := readAll(t, path, sealed.Key{1})
		if len(records) > 1 || len(records) == 1 && records[0] != "record" {
			t.Errorf("read %q", records)
		}
		if err := log.Append([]byte("more")); err != nil {
			t.Error(err)
		}
	})
}
