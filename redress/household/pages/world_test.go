package pages_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/listening"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver"
)

// book has profiles in memory, and asks what profiles may say as the program does.
type book struct {
	database *store.DB
	mu       sync.Mutex
	configs  map[string]profile.Config
}

func (b *book) Profile(id string) (household.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	config, known := b.configs[id]
	entry := household.Entry{Config: config}
	config.Categories = nil // of no list here
	made, _ := profile.NewProfiles([]profile.Config{config}, nil)
	if len(made) == 1 {
		entry.Phase = made[0].Phase(time.Now())
	}
	return entry, known
}

func (b *book) Profiles() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.configs))
}

func (b *book) Change(ctx context.Context, change household.Change) (household.Entry, error) {
	before, known := b.Profile(change.ID)
	if !known && !change.Make {
		return household.Entry{}, redress.ErrNotFound
	}
	config := before.Config
	config.ID = change.ID
	err := b.database.Tx(ctx, func(tx *store.Tx) error {
		if err := change.Do(ctx, tx, &config); err != nil {
			return err
		}
		check := config
		check.Categories = nil
		if _, problems := profile.NewProfiles([]profile.Config{check}, nil); len(problems) > 0 {
			return &redress.Invalid{Fields: []redress.FieldProblem{{Field: problems[0].Key, Text: problems[0].Text}}}
		}
		return tx.PutProfile(ctx, &store.ProfileRecord{Config: config, By: change.By, At: time.Now()}, change.What)
	})
	if err != nil {
		return household.Entry{}, err
	}
	b.mu.Lock()
	b.configs[change.ID] = config
	b.mu.Unlock()
	entry, _ := b.Profile(change.ID)
	return entry, nil
}

// around are the devices of the test's home.
type around struct {
	registry *devices.Registry
	byAddr   map[netip.Addr]household.Visitor
	unnamed  []household.Device
}

func (a *around) Visitor(client resolver.Client) household.Visitor {
	if device, known := a.registry.Own(client, [6]byte{}, time.Now()); known {
		return household.Visitor{Device: "id-" + device.ID, ID: device.ID, Label: device.Label, Profile: device.Profile, Adult: device.Adult}
	}
	visitor := a.byAddr[client.Addr]
	if device, known := a.registry.Get(visitor.ID); known {
		visitor.Label, visitor.Profile, visitor.Adult = device.Label, device.Profile, device.Adult
	}
	return visitor
}

func (a *around) Device(client resolver.Client) string { return a.Visitor(client).Device }

func (a *around) Whose(client resolver.Client) string { return a.Visitor(client).Profile }

func (a *around) List() []household.Device {
	var all []household.Device
	named := make(map[string]bool)
	for _, device := range a.registry.List() {
		all = append(all, household.Device{
			Visitor: household.Visitor{Device: "id-" + device.ID, ID: device.ID, Label: device.Label, Profile: device.Profile, Adult: device.Adult},
			MAC:     device.MAC, Own: device.MAC == "",
		})
		named[device.MAC] = true
	}
	for _, visitor := range a.byAddr {
		if visitor.Fixed {
			all = append(all, household.Device{Visitor: visitor, Addresses: []netip.Addr{tabletAt}})
		}
	}
	for _, device := range a.unnamed {
		if !named[device.MAC] {
			all = append(all, device)
		}
	}
	return all
}

// charts count in memory.
type charts struct{ on bool }

func (c *charts) On() bool { return c.on }

func (c *charts) Switch(_ context.Context, _ string, on bool) error { c.on = on; return nil }

func (c *charts) Weeks(context.Context) ([]pages.Week, error) {
	monday := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	return []pages.Week{{Start: monday, Counts: map[string]int{"gambling": 12, "offline": 40}}, {Start: monday.AddDate(0, 0, 7), Counts: map[string]int{"gambling": 3}}}, nil
}

var (
	tabletAt = netip.MustParseAddr("192.168.1.20")
	parentAt = netip.MustParseAddr("192.168.1.30")
	guestAt  = netip.MustParseAddr("192.168.1.40")
)

// world is a home: a tablet that the file gives a profile, a phone on the link that has no name yet.
type world struct {
	t       *testing.T
	desk    *accountstest.Desk
	book    *book
	around  *around
	ear     *listening.Book
	probes  *probe.Probes
	charts  *charts
	config  pages.Config
	handler http.Handler
	parent  *http.Cookie
}

func newWorld(t *testing.T, changes ...func(*pages.Config)) *world {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	desk := accountstest.New(t)
	registry, err := devices.Open(filepath.Join(t.TempDir(), "devices"), sealed.Key{1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error(err)
		}
	})
	requested := profile.Requested{By: "parent", At: time.Now()}
	w := &world{t: t, desk: desk, charts: new(charts)}
	w.book = &book{database: desk.Database, configs: map[string]profile.Config{
		"tablet": {ID: "tablet", Requested: requested, Categories: []string{"gambling"}, Services: []string{"tiktok"}, Deny: []string{"secret-rule.example"}},
		"other":  {ID: "other", Requested: requested, Deny: []string{"neighbours.example"}},
	}}
	w.around = &around{registry: registry, byAddr: map[netip.Addr]household.Visitor{
		tabletAt: {Device: "at-192.168.1.20", Profile: "tablet", Fixed: true}, guestAt: {Device: "at-192.168.1.40"}, parentAt: {Device: "at-192.168.1.30"},
	}, unnamed: []household.Device{{Visitor: household.Visitor{Device: "mac-02005e100007"}, MAC: "02:00:5e:10:00:07", Addresses: []netip.Addr{netip.MustParseAddr("192.168.1.50")}, Unnamed: true}}}
	w.ear, w.probes = listening.New(w.around), probe.New(w.around)
	kit, err := page.New(page.Config{Operator: policy.Operator{Name: "Home", Contact: "mailto:parent@home.example", Portal: "http://dns.home.arpa:8080"}}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	w.config = pages.Config{
		Kit: kit, Languages: []string{"en"}, Gate: desk.Gate, Office: household.New(w.book, w.around, desk.Database), Devices: w.around, Registry: registry, Ear: w.ear, Probes: w.probes,
		Check: pages.Check{Zone: "check.dns.home.arpa", Scheme: "http", Port: "8080"}, Hosts: []string{"dns.home.arpa"}, Origin: "http://dns.home.arpa:8080",
		Address: func(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() }, Limits: redress.NewLimits(redress.DefaultRates()),
		Categories: func() []string { return []string{"adult", "gambling"} }, Zone: "Europe/Berlin", Charts: w.charts,
		Servers: func(netip.Addr) []netip.Addr {
			return []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
		},
	}
	for _, change := range changes {
		change(&w.config)
	}
	if w.handler, err = pages.New(w.config); err != nil {
		t.Fatal(err)
	}
	w.parent = desk.SignedIn(t, "parent", redress.Household)
	return w
}

// request is a request as a browser on this site sends it.
func request(method, path string, from netip.Addr, form url.Values, cookies ...*http.Cookie) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "http://dns.home.arpa:8080"+path, body)
	r.RemoteAddr = netip.AddrPortFrom(from, 4711).String()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://dns.home.arpa:8080")
	}
	for _, cookie := range cookies {
		if cookie != nil {
			r.AddCookie(cookie)
		}
	}
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	reply := httptest.NewRecorder()
	w.handler.ServeHTTP(reply, r)
	return reply
}

// get shows a page that has to be there.
func (w *world) get(path string, from netip.Addr, cookies ...*http.Cookie) string {
	w.t.Helper()
	reply := w.do(request(http.MethodGet, path, from, nil, cookies...))
	if reply.Code != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, reply.Code, reply.Body)
	}
	return reply.Body.String()
}

// post sends a form that has to be taken, and gives where it leads.
func (w *world) post(path string, from netip.Addr, form url.Values, cookies ...*http.Cookie) string {
	w.t.Helper()
	reply := w.do(request(http.MethodPost, path, from, form, cookies...))
	if reply.Code != http.StatusSeeOther {
		w.t.Fatalf("POST %s: %d %s", path, reply.Code, reply.Body)
	}
	return reply.Header().Get("Location")
}

func (w *world) wants(about, body string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			w.t.Errorf("%s: %q is missing in\n%s", about, text, body)
		}
	}
}

func (w *world) lacks(about, body string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			w.t.Errorf("%s: %q stands in\n%s", about, text, body)
		}
	}
}
