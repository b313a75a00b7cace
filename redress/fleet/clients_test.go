package fleet_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/resolver"
)

// clientele is what is bound and named at one machine.
type clientele struct {
	bound *bindings.Register
	named *devices.Registry
}

func newClientele(t *testing.T) *clientele {
	t.Helper()
	quiet, directory := slog.New(slog.DiscardHandler), t.TempDir()
	bound, err := bindings.OpenRegister(filepath.Join(directory, "bindings"), sealed.Key{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	named, err := devices.Open(filepath.Join(directory, "devices"), sealed.Key{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bound.Close(); named.Close() })
	return &clientele{bound, named}
}

// clientDesk is a desk that tells nodes of clients, and does nothing else.
type clientDesk struct {
	*clientele
	key    ed25519.PrivateKey
	server *httptest.Server
}

// startTelling begins a process of the desk, over what it knows.
func (d *clientDesk) startTelling(t *testing.T) {
	t.Helper()
	actor := func(r *http.Request) (redress.Actor, bool) {
		return redress.Actor{Role: redress.Node}, r.Header.Get("Authorization") == "Bearer node-token"
	}
	made := fleet.NewDesk(t.Context(), fleet.DeskConfig{Key: d.key, Actor: actor, Clients: fleet.NewClients(d.bound, d.named)}, nil, slog.New(slog.DiscardHandler))
	d.server = httptest.NewServer(made.Handler())
	t.Cleanup(d.server.Close)
}

func newClientDesk(t *testing.T) *clientDesk {
	t.Helper()
	d := &clientDesk{clientele: newClientele(t), key: signingKey(t)}
	d.startTelling(t)
	return d
}

func (d *clientDesk) config() fleet.FollowConfig {
	return fleet.FollowConfig{Node: "node-1", Desk: d.server.URL, Keys: []ed25519.PublicKey{d.key.Public().(ed25519.PublicKey)}, Token: "node-token"}
}

func (c *clientele) follow(config fleet.FollowConfig) *fleet.ClientFollower {
	return fleet.FollowClients(config, c.bound, c.named, http.DefaultClient, slog.New(slog.DiscardHandler))
}

func (c *clientele) bind(t *testing.T, address, profile string) {
	t.Helper()
	change := bindings.Change{Subject: bindings.Subject{Network: netip.MustParsePrefix(address)}, Profile: profile, Until: time.Now().Add(time.Hour), Remove: profile == ""}
	if refused, err := c.bound.Apply([]bindings.Change{change}, time.Now()); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
}

// profiles is what addresses are bound to, in a line.
func (c *clientele) profiles(addresses ...string) string {
	var found []string
	for _, address := range addresses {
		bound, _ := c.bound.Bound(netip.MustParseAddr(address), 0, time.Now())
		found = append(found, bound.Profile)
	}
	return strings.Join(found, ",")
}

func (c *clientele) device(token string) string {
	found, _ := c.named.Named(resolver.Client{Path: token}, time.Now())
	return found.Profile
}

func followOnce(t *testing.T, follower *fleet.ClientFollower, wait time.Duration) {
	t.Helper()
	if err := follower.Once(t.Context(), wait); err != nil {
		t.Fatal(err)
	}
}

func TestBindingsAndDevicesFollow(t *testing.T) {
	d, n := newClientDesk(t), newClientele(t)
	d.bind(t, "203.0.113.1/32", "family")
	d.bind(t, "2001:db8::/64", "teens")
	phone, token, err := d.named.Add(devices.New{Label: "Anna's phone", Profile: "teens", Adult: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	n.bind(t, "203.0.113.9/32", "stale")
	follower := n.follow(d.config())
	followOnce(t, follower, 0)
	if got := n.profiles("203.0.113.1", "2001:db8::7", "203.0.113.9"); got != "family,teens," || n.device(token) != "teens" {
		t.Fatalf("the node has %q, and the device %q", got, n.device(token))
	}
	if known, _ := n.named.Get(phone.ID); known.Label != "" || known.Adult {
		t.Errorf("the node knows what people call it: %+v", known)
	}

	d.bind(t, "203.0.113.2/32", "family")
	d.bind(t, "203.0.113.1/32", "")
	if _, err := d.named.Change(phone.ID, devices.Changed{Label: "Anna's", Profile: "adults"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	followOnce(t, follower, time.Minute)
	if got := n.profiles("203.0.113.1", "203.0.113.2", "2001:db8::7"); got != ",family,teens" || n.device(token) != "adults" {
		t.Errorf("then it has %q, and the device %q", got, n.device(token))
	}
	waiting := make(chan error)
	go func() { waiting <- follower.Once(t.Context(), time.Minute) }()
	if err := d.named.Remove(phone.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil || n.device(token) != "" || n.named.Len() != 0 {
		t.Errorf("a revoked device has %q: %v", n.device(token), err)
	}
}

// A desk that started again, or a node that was away for long, begins with the whole.
func TestBindingsOfADeskThatStartsAgain(t *testing.T) {
	d, n := newClientDesk(t), newClientele(t)
	d.bind(t, "203.0.113.1/32", "family")
	_, token, err := d.named.Add(devices.New{Profile: "kids"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	config := d.config()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.server.Config.Handler.ServeHTTP(w, r) }))
	defer front.Close()
	config.Desk = front.URL
	follower := n.follow(config)
	followOnce(t, follower, 0)
	d.server.Close()
	d.bind(t, "203.0.113.1/32", "")
	d.bind(t, "203.0.113.2/32", "teens")
	d.startTelling(t)
	followOnce(t, follower, 0)
	if got := n.profiles("203.0.113.1", "203.0.113.2"); got != ",teens" || n.device(token) != "kids" {
		t.Errorf("the node has %q, and the device %q", got, n.device(token))
	}

	var many []bindings.Change
	address := netip.MustParseAddr("10.0.0.0")
	for range 1<<16 + 1<<10 {
		many = append(many, bindings.Change{Subject: bindings.Subject{Network: netip.PrefixFrom(address, 32)}, Profile: "many", Until: time.Now().Add(time.Hour)})
		address = address.Next()
	}
	if refused, err := d.bound.Apply(many, time.Now()); err != nil || len(refused) > 0 {
		t.Fatal(len(refused), err)
	}
	followOnce(t, follower, 0)
	if n.bound.Len() != len(many)+1 || n.profiles("10.0.0.0", "10.1.3.255") != "many,many" {
		t.Errorf("the node has %d of %d", n.bound.Len(), len(many)+1)
	}
}

func TestBindingsThatAreNotTheDesks(t *testing.T) {
	d, n := newClientDesk(t), newClientele(t)
	d.bind(t, "203.0.113.1/32", "family")
	n.bind(t, "203.0.113.9/32", "before")
	var kept []byte
	change := func(body []byte) []byte { return body }
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kept == nil {
			recorded := httptest.NewRecorder()
			d.server.Config.Handler.ServeHTTP(recorded, r)
			kept = recorded.Body.Bytes()
		}
		_, _ = w.Write(change(kept))
	}))
	defer front.Close()
	config := d.config()
	config.Desk = front.URL
	for about, test := range map[string]struct {
		change func([]byte) []byte
		is     error
	}{
		"changed":   {func(body []byte) []byte { return bytes.Replace(body, []byte("family"), []byte("adults"), 1) }, fleet.ErrSignature},
		"cut off":   {func(body []byte) []byte { return body[:len(body)-69] }, nil},
		"too large": {func(body []byte) []byte { return append([]byte{'h', 0xff, 0xff, 0xff, 0xff}, body...) }, nil},
		"nothing":   {func([]byte) []byte { return nil }, nil},
		"strange":   {func(body []byte) []byte { return append([]byte{'x', 0, 0, 0, 0}, body...) }, nil},
	} {
		kept, change = nil, test.change
		if err := n.follow(config).Once(t.Context(), 0); err == nil || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v", about, err)
		}
	}
	change = func(body []byte) []byte { return body }
	if err := n.follow(config).Once(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "another question") {
		t.Errorf("played again: %v", err)
	}
	strange := d.config()
	strange.Keys = []ed25519.PublicKey{signingKey(t).Public().(ed25519.PublicKey)}
	if err := n.follow(strange).Once(t.Context(), 0); !errors.Is(err, fleet.ErrSignature) {
		t.Errorf("another desk's: %v", err)
	}
	if got := n.profiles("203.0.113.1", "203.0.113.9"); got != ",before" {
		t.Errorf("in force is %q", got)
	}
}
