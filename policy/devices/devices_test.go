package devices_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/resolver"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, path string, logs *bytes.Buffer) *devices.Registry {
	t.Helper()
	registry, err := devices.Open(path, sealed.Key{1}, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func add(t testing.TB, registry *devices.Registry, wanted devices.New) (devices.Device, string) {
	t.Helper()
	device, token, err := registry.Add(wanted, now)
	if err != nil {
		t.Fatal(err)
	}
	return device, token
}

// A device is known by its token, in the path and in the server name, until it is revoked,
// also after a restart; and nobody but itself knows the token.
func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.sealed")
	var logs bytes.Buffer
	registry := open(t, path, &logs)
	phone, token := add(t, registry, devices.New{Label: " Anna's phone ", Profile: "teens", Anyone: true})
	_, other := add(t, registry, devices.New{Profile: "guests", Until: now.Add(time.Hour)})
	if len(token) != devices.TokenSize || token == other || phone.Label != "Anna's phone" || phone.ID == "" || strings.Contains(token, phone.ID) {
		t.Fatalf("%+v, %q, %q", phone, token, other)
	}
	for round := range 2 {
		for name, test := range map[string]struct {
			client resolver.Client
			want   profile.Device
			known  bool
		}{
			"path":          {resolver.Client{Path: token}, profile.Device{Profile: "teens", Anyone: true}, true},
			"server name":   {resolver.Client{Name: token + ".dns.example"}, profile.Device{Profile: "teens", Anyone: true}, true},
			"for a time":    {resolver.Client{Path: other}, profile.Device{Profile: "guests"}, true},
			"no name":       {resolver.Client{}, profile.Device{}, false},
			"nearly":        {resolver.Client{Path: token[1:] + "0"}, profile.Device{}, false},
			"a part":        {resolver.Client{Path: token[1:]}, profile.Device{}, false},
			"another place": {resolver.Client{Name: "dns." + token + ".example"}, profile.Device{}, false},
			"the ID":        {resolver.Client{Path: phone.ID}, profile.Device{}, false},
		} {
			if device, known := registry.Named(test.client, now); device != test.want || known != test.known {
				t.Errorf("round %d, %s: %+v, %v", round, name, device, known)
			}
		}
		if _, known := registry.Named(resolver.Client{Path: other}, now.Add(time.Hour)); known {
			t.Error("it is known after its end")
		}
		if anywhere, onLink := registry.Reach(); !anywhere || onLink || len(registry.List()) != 2 {
			t.Errorf("anywhere %v, on the link %v, %v", anywhere, onLink, registry.List())
		}
		registry = open(t, path, &logs) // the other one was lost
	}
	client := resolver.Client{Path: token, Name: "dns.example"}
	if allocations := testing.AllocsPerRun(100, func() { registry.Named(client, now) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	if err := registry.Remove(phone.ID); err != nil {
		t.Fatal(err)
	}
	if err := registry.Remove(phone.ID); !errors.Is(err, devices.ErrNone) {
		t.Errorf("twice: %v", err)
	}
	for _, known := range []*devices.Registry{registry, open(t, path, &logs)} {
		_, found := known.Named(client, now)
		if anywhere, _ := known.Reach(); found || anywhere {
			t.Error("a revoked token is known")
		}
	}
	content, err := os.ReadFile(path)
	if err != nil || bytes.Contains(content, []byte("guests")) || strings.Contains(fmt.Sprint(registry.List()), token) || logs.Len() > 0 {
		t.Errorf("%v; said %s", err, &logs)
	}
}

func TestOnTheLink(t *testing.T) {
	var logs bytes.Buffer
	registry := open(t, filepath.Join(t.TempDir(), "devices.sealed"), &logs)
	device, token := add(t, registry, devices.New{Label: "Tablet", Profile: "kids", MAC: "02-00-5E-10-00-01"})
	if token != "" || device.MAC != "02:00:5e:10:00:01" {
		t.Errorf("%+v, %q", device, token)
	}
	if known, found := registry.Seen([6]byte{2, 0, 0x5e, 0x10, 0, 1}, now); !found || known.Profile != "kids" {
		t.Errorf("%+v, %v", known, found)
	}
	if _, found := registry.Seen([6]byte{2, 0, 0x5e, 0x10, 0, 2}, now); found {
		t.Error("another is known")
	}
	for name, test := range map[string]struct {
		wanted devices.New
		want   error
	}{
		"taken":     {devices.New{MAC: "02:00:5e:10:00:01"}, devices.ErrTaken},
		"no MAC":    {devices.New{MAC: "02:00"}, nil},
		"open":      {devices.New{MAC: "02:00:5e:10:00:02", Anyone: true}, devices.ErrAnyone},
		"long":      {devices.New{Label: strings.Repeat("ä", 61)}, devices.ErrLabel},
		"two lines": {devices.New{Label: "a\nb"}, devices.ErrLabel},
		"over":      {devices.New{Until: now}, devices.ErrNotAhead},
	} {
		if _, _, err := registry.Add(test.wanted, now); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := registry.Remove(device.ID); err != nil {
		t.Fatal(err)
	}
	if _, found := registry.Seen([6]byte{2, 0, 0x5e, 0x10, 0, 1}, now); found || len(registry.List()) != 0 {
		t.Error("it is known still")
	}
}

func TestSweep(t *testing.T) {
	var logs bytes.Buffer
	path := filepath.Join(t.TempDir(), "devices.sealed")
	registry := open(t, path, &logs)
	for i := range 1500 {
		wanted := devices.New{Label: fmt.Sprint(i)}
		if i%3 > 0 {
			wanted.Until = now.Add(time.Minute)
		}
		add(t, registry, wanted)
	}
	if err := registry.Sweep(now.Add(time.Minute)); err != nil || len(registry.List()) != 500 {
		t.Errorf("%v, %d devices", err, len(registry.List()))
	}
	if again := open(t, path, &logs); len(again.List()) != 500 {
		t.Errorf("%d devices after a restart", len(again.List()))
	}
}

// A device is called otherwise and has another profile at once, keeps its token, and is so after a restart.
func TestChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.sealed")
	var logs bytes.Buffer
	registry := open(t, path, &logs)
	phone, token := add(t, registry, devices.New{Label: "phone", Profile: "kids", Anyone: true})
	tablet, _ := add(t, registry, devices.New{Label: "tablet", Profile: "kids", MAC: "02:00:5e:10:00:01"})
	mac := [6]byte{2, 0, 0x5e, 0x10, 0, 1}
	for _, id := range []string{phone.ID, tablet.ID} {
		if changed, err := registry.Change(id, devices.Changed{Label: " Anna's ", Profile: "", Adult: true}, now); err != nil || changed.Label != "Anna's" || !changed.Adult || changed.Hash != nil {
			t.Errorf("%+v, %v", changed, err)
		}
	}
	if _, err := registry.Change("none", devices.Changed{}, now); !errors.Is(err, devices.ErrNone) {
		t.Error(err)
	}
	if _, err := registry.Change(phone.ID, devices.Changed{Label: "a\nb"}, now); !errors.Is(err, devices.ErrLabel) {
		t.Error(err)
	}
	for range 2 {
		if device, known := registry.Named(resolver.Client{Path: token}, now); !known || device.Profile != "" || !device.Anyone {
			t.Errorf("by its token: %+v %v", device, known)
		}
		if device, known := registry.Seen(mac, now); !known || device.Profile != "" {
			t.Errorf("on the link: %+v %v", device, known)
		}
		for about, want := range map[string]struct {
			client resolver.Client
			mac    [6]byte
			id     string
		}{
			"path": {resolver.Client{Path: token}, [6]byte{}, phone.ID}, "name": {resolver.Client{Name: token + ".dns.example"}, mac, phone.ID},
			"link": {resolver.Client{}, mac, tablet.ID}, "nobody": {resolver.Client{Path: "x", Name: "y"}, [6]byte{}, ""},
		} {
			if own, known := registry.Own(want.client, want.mac, now); own.ID != want.id || known != (want.id != "") {
				t.Errorf("%s: %+v", about, own)
			}
		}
		if anywhere, _ := registry.Reach(); !anywhere || registry.Len() != 2 {
			t.Error("they are counted otherwise now")
		}
		if err := registry.Close(); err != nil {
			t.Fatal(err)
		}
		registry = open(t, path, &logs)
	}
}
