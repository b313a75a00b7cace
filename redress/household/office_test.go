package household_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// book has one profile, in memory; it is the visitors' too.
type book struct {
	database *store.DB
	config   profile.Config
	token    string // of a device with a name of its own
	changes  []string
}

func (b *book) Profile(id string) (household.Entry, bool) {
	return household.Entry{Config: b.config}, id == b.config.ID
}

func (b *book) Profiles() []string { return []string{b.config.ID} }

func (b *book) Change(ctx context.Context, change household.Change) (household.Entry, error) {
	if change.ID != b.config.ID {
		return household.Entry{}, redress.ErrNotFound
	}
	config := b.config
	err := b.database.Tx(ctx, func(tx *store.Tx) error {
		if err := change.Do(ctx, tx, &config); err != nil {
			return err
		}
		return tx.PutProfile(ctx, &store.ProfileRecord{Config: config, By: change.By, At: time.Now()}, change.What)
	})
	if err == nil {
		b.config, b.changes = config, append(b.changes, change.What)
	}
	return household.Entry{Config: b.config}, err
}

func (b *book) Whose(client resolver.Client) string {
	if client.Addr == netip.MustParseAddr("192.168.1.20") || client.Path == b.token && b.token != "" {
		return b.config.ID
	}
	return ""
}

func newOffice(t *testing.T) (*household.Office, *book) {
	t.Helper()
	b := &book{database: storetest.Open(t), token: "token", config: profile.Config{ID: "kids", Requested: profile.Requested{By: "parent", At: time.Now()}, Deny: []string{"games.example"}}}
	return household.New(b, b, b.database), b
}

func TestAllowingForAWhile(t *testing.T) {
	office, b := newOffice(t)
	b.config.Lend = []profile.Lend{{Name: "old.example", Until: time.Now().Add(-time.Minute)}}
	for _, name := range []string{"https://Games.example/x", "games.example."} {
		if _, err := office.Lend(t.Context(), "parent", "kids", name, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.config.Lend) != 1 || b.config.Lend[0].Name != "games.example" || time.Until(b.config.Lend[0].Until) > time.Hour {
		t.Errorf("%+v", b.config.Lend)
	}
	if _, err := office.Allow(t.Context(), "parent", "kids", "games.example"); err != nil || len(b.config.Lend)+len(b.config.Deny) != 0 || len(b.config.Allow) != 1 {
		t.Errorf("for always: %+v, %v", b.config, err)
	}
	if _, err := office.Deny(t.Context(), "parent", "kids", "games.example"); err != nil || len(b.config.Allow) != 0 || len(b.config.Deny) != 1 {
		t.Errorf("denied: %+v, %v", b.config, err)
	}
	if _, err := office.Forget(t.Context(), "parent", "kids", "games.example"); err != nil || len(b.config.Deny) != 0 {
		t.Errorf("forgotten: %+v, %v", b.config, err)
	}
	var invalid *redress.Invalid
	for _, wrong := range []struct {
		name   string
		length time.Duration
	}{{"a..b", time.Hour}, {strings.Repeat("x", 5000), time.Hour}, {"\r\nx: y", time.Hour}, {"a.example", 0}, {"a.example", 8 * 24 * time.Hour}, {"", time.Hour}} {
		if _, err := office.Lend(t.Context(), "parent", "kids", wrong.name, wrong.length); !errors.As(err, &invalid) {
			t.Errorf("%.20q for %v: %v", wrong.name, wrong.length, err)
		}
	}
	for i := range 51 {
		_, err := office.Lend(t.Context(), "parent", "kids", fmt.Sprintf("n%d.example", i), time.Hour)
		if full := errors.As(err, &invalid); full != (i == 50) {
			t.Errorf("the %dth: %v", i+1, err)
		}
	}
}

// What is over is erased: names that were allowed for a while, and after 14 days requests that nobody decided.
func TestWhatIsOverIsErased(t *testing.T) {
	office, b := newOffice(t)
	b.config.Lend = []profile.Lend{{Name: "old.example", Until: time.Now().Add(-time.Minute)}, {Name: "new.example", Until: time.Now().Add(time.Hour)}}
	err := b.database.Tx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.AddRequest(t.Context(), "kids", wire.MustName("old.example"), 50, time.Now().Add(-household.RequestLife-time.Hour)),
			tx.AddRequest(t.Context(), "kids", wire.MustName("new.example"), 50, time.Now().Add(-household.RequestLife+time.Hour)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := office.Requests(t.Context(), "kids"); err != nil || len(shown) != 1 {
		t.Errorf("before it is erased it is shown: %v, %v", shown, err)
	}
	if err := office.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.database.Requests(t.Context(), "kids"); err != nil || len(kept) != 1 || kept[0].Name != wire.MustName("new.example") {
		t.Errorf("kept: %v, %v", kept, err)
	}
	if len(b.config.Lend) != 1 || b.config.Lend[0].Name != "new.example" || len(b.changes) != 1 {
		t.Errorf("%+v, %v", b.config.Lend, b.changes)
	}
	if err := office.Sweep(t.Context()); err != nil || len(b.changes) != 1 {
		t.Errorf("nothing is over, and %v was changed: %v", b.changes, err)
	}
}

// Devices ask that are known by their address or show the token of their own name, and no others.
func TestWhoAsks(t *testing.T) {
	office, _ := newOffice(t)
	here, away := netip.MustParseAddr("192.168.1.20"), netip.MustParseAddr("203.0.113.9")
	for about, test := range map[string]struct {
		client resolver.Client
		id     string
		want   error
	}{
		"by address": {resolver.Client{Addr: here}, "kids", nil}, "by its own name": {resolver.Client{Addr: away, Path: "token"}, "kids", nil},
		"a stranger": {resolver.Client{Addr: away}, "kids", redress.ErrNotPermitted}, "another's name": {resolver.Client{Addr: away, Path: "guess"}, "kids", redress.ErrNotPermitted},
		"another home's profile": {resolver.Client{Addr: here}, "others", redress.ErrNotPermitted},
	} {
		if err := office.Ask(t.Context(), test.client, test.id, "x.example"); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", about, err)
		}
	}
}
