package main

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestTheNewestIsRemembered: of overlay and mirror, which are written one after the other, the
// one that knows of more decisions counts while the database is away.
func TestTheNewestIsRemembered(t *testing.T) {
	t.Parallel()
	before := storetest.Reopen(t, storetest.SQLite(t))
	exception := blocklists.Exception{Kind: blocklists.Operator, List: "phishing", Name: wire.MustName("first.example"), At: time.Now().UTC()}
	err := before.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddException(t.Context(), exception)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mirror, err := fleet.OpenMirror(filepath.Join(t.TempDir(), rememberedFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := mirror.Remember(t.Context(), fleet.NewSource(before), writeSecret); err != nil {
		t.Fatal(err)
	}
	known, _, err := before.Exceptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	away, err := store.Config{Address: "postgres://nobody@/none?host=" + url.QueryEscape(t.TempDir()), KeyFile: filepath.Join(t.TempDir(), "key")}.OpenLater(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := away.Close(); err != nil {
			t.Error(err)
		}
	})
	second := exception
	second.ID, second.Name = 2, wire.MustName("second.example")
	for _, one := range []struct {
		overlay  *policy.Overlay
		sequence uint64
		name     string
	}{
		{nil, known, "first.example"},
		{policy.NewOverlay(known, []blocklists.Exception{second}), known, "first.example"},
		{policy.NewOverlay(known+1, []blocklists.Exception{second}), known + 1, "second.example"},
	} {
		r := &remembered{database: away, mirror: mirror, overlay: one.overlay}
		sequence, found, err := r.Exceptions(t.Context())
		if err != nil || sequence != one.sequence || len(found) != 1 || found[0].Name != wire.MustName(one.name) {
			t.Errorf("beside an overlay of %d: %d %v, %v; want %s", one.overlay.Sequence(), sequence, found, err, one.name)
		}
	}
}
