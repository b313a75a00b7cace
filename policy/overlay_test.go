package policy_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestOverlayCovers(t *testing.T) {
	overlay := policy.NewOverlay(3, []blocklists.Exception{
		{ID: 1, Kind: blocklists.Operator, List: "a", Name: wire.MustName("x.example")},
		{ID: 2, Kind: blocklists.Decided, List: "a", Name: wire.MustName("x.example")},
		{ID: 3, Kind: blocklists.Operator, List: "a", Name: wire.MustName("www.x.example")},
		{ID: 4, Kind: blocklists.Decided, List: "b", Name: wire.Root},
		{ID: 5, Kind: blocklists.Decided, List: "d", Name: wire.MustName("host.example"), Keep: wire.MustName("bad.host.example")},
		{ID: 6, Kind: blocklists.Decided, List: "e", Name: wire.MustName("host.example"), Keep: wire.MustName("bad.host.example")},
		{ID: 7, Kind: blocklists.Decided, List: "e", Name: wire.MustName("host.example")},
	})
	for _, test := range []struct {
		list blocklists.ListID
		name string
		want int64
	}{
		{"a", "x.example", 2}, {"a", "www.x.example", 2}, {"a", "example", 0}, {"a", "xx.example", 0}, {"b", "any.example", 4}, {"c", "x.example", 0},
		// Narrowed: all but one name below it is let go, until another decision lets that go too.
		{"d", "host.example", 5}, {"d", "good.host.example", 5}, {"d", "bad.host.example", 0}, {"d", "www.bad.host.example", 0},
		{"e", "good.host.example", 6}, {"e", "bad.host.example", 7},
	} {
		found := overlay.Covers(test.list, wire.MustName(test.name))
		if test.want == 0 && found != nil || test.want != 0 && (found == nil || found.ID != test.want) {
			t.Errorf("%s in %s: got %+v, want %d", test.name, test.list, found, test.want)
		}
	}
	name := wire.MustName("a.b.c.d.e.www.x.example")
	if allocations := testing.AllocsPerRun(100, func() { overlay.Covers("a", name) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	var none *policy.Overlay
	if none.Covers("a", name) != nil || none.Sequence() != 0 || none.Exceptions() != nil {
		t.Error("the nil overlay has exceptions")
	}
}

func TestOverlayFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overlay.json")
	if _, err := policy.ReadOverlay(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	exceptions := []blocklists.Exception{decided("court", "x.example"), decided("phishing", `odd\.\000name.example`)}
	exceptions[0].Keep = wire.MustName("bad.x.example")
	for _, overlay := range []*policy.Overlay{policy.NewOverlay(0, nil), policy.NewOverlay(9, exceptions)} {
		if err := policy.WriteOverlay(path, overlay); err != nil {
			t.Fatal(err)
		}
		read, err := policy.ReadOverlay(path)
		if err != nil || read.Sequence() != overlay.Sequence() || len(read.Exceptions()) != len(overlay.Exceptions()) {
			t.Fatalf("read %+v, %v", read, err)
		}
	}
	read, err := policy.ReadOverlay(path)
	if err != nil || !reflect.DeepEqual(read.Exceptions(), exceptions) {
		t.Errorf("read %+v, %v", read.Exceptions(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

// A file that is not exactly what was written is refused: each octet is tried.
func TestOverlayFileDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overlay.json")
	if err := policy.WriteOverlay(path, policy.NewOverlay(2, []blocklists.Exception{decided("court", "x.example")})); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(octets []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(path, octets, 0o600); err != nil {
			t.Fatal(err)
		}
		overlay, err := policy.ReadOverlay(path)
		if err == nil {
			t.Errorf("%s at %d: read as %+v", what, at, overlay.Exceptions())
		} else if !errors.Is(err, policy.ErrOverlay) {
			t.Errorf("%s at %d: %v", what, at, err)
		}
	}
	for at := range len(whole) - 2 {
		refuse(whole[:at], "cut", at)
		turned := append([]byte{}, whole...)
		turned[at] ^= 1
		refuse(turned, "turned", at)
	}
}

func TestWriteOverlayLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "overlay.json")
	if err := os.Mkdir(path, 0o700); err != nil { // what cannot be replaced by a file
		t.Fatal(err)
	}
	if err := policy.WriteOverlay(path, policy.NewOverlay(1, nil)); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func FuzzReadOverlay(f *testing.F) {
	f.Add([]byte(`{"version":1,"sequence":0,"sha256":"","exceptions":[]}`))
	f.Add([]byte(`{"version":1,"exceptions":[{"name":"..","list":"x"}]}`))
	f.Add([]byte(`[]`))
	path := filepath.Join(f.TempDir(), "overlay.json")
	f.Fuzz(func(t *testing.T, octets []byte) {
		if err := os.WriteFile(path, octets, 0o600); err != nil {
			t.Fatal(err)
		}
		if overlay, err := policy.ReadOverlay(path); (overlay == nil) == (err == nil) {
			t.Errorf("got %v and %v", overlay, err)
		}
	})
}
