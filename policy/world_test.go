package policy_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/tally"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	key   = policy.Key("0123456789abcdef0123456789abcdef")

	operator = policy.Operator{Name: "Example Net", Contact: "mailto:redress@example.net", Portal: "http://127.0.0.1:8080", Languages: []string{"en"}}

	// The clients of the test world.
	italian = netip.MustParseAddr("127.0.0.1")
	child   = netip.MustParseAddr("127.0.0.2") // in Italy, profile kids
	french  = netip.MustParseAddr("127.0.0.3")
	nowhere = netip.MustParseAddr("127.0.0.4") // no jurisdiction
	elder   = netip.MustParseAddr("127.0.0.5") // in Italy, profile teens, which asked for nothing
	unknown = netip.MustParseAddr("192.0.2.1")
)

// testing.TB without the methods that rapid lacks.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// list makes a valid manifest and the list's text beside it.
type list struct {
	blocklists.Manifest
	names []string
}

func law(id string, names ...string) list {
	return list{names: names, Manifest: blocklists.Manifest{
		ID: blocklists.ListID(id), Purpose: blocklists.Law, Category: "copyright", OrderRef: "RG 1234/2026",
		Authority:    blocklists.Authority{Name: "Tribunale di Esempio", Kind: "court", Country: "IT"},
		LegalBasis:   []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}},
		Jurisdiction: []string{"IT"}, AtEnforceBy: "hold",
		Redress: blocklists.Redress{
			Venues:   []blocklists.Venue{{Kind: "court", Name: "Tribunale di Esempio", URL: "https://court.example/ricorsi"}},
			Deadline: 30 * 24 * time.Hour, DeadlineFrom: "notification", Languages: []string{"it"},
		},
	}}
}

func security(id string, names ...string) list {
	return list{names: names, Manifest: blocklists.Manifest{
		ID: blocklists.ListID(id), Purpose: blocklists.Security, Category: "phishing",
		Publisher: blocklists.Publisher{Name: "Example CERT"},
	}}
}

func user(id string, names ...string) list {
	return list{names: names, Manifest: blocklists.Manifest{
		ID: blocklists.ListID(id), Purpose: blocklists.User, Category: "gambling",
		Publisher: blocklists.Publisher{Name: "Example Lists"},
	}}
}

func (l list) with(change func(*blocklists.Manifest)) list {
	change(&l.Manifest)
	return l
}

func allow(names ...string) bundle.Own {
	return bundle.Own{Kind: bundle.ProfileAllow, Names: parsed(names)}
}

func deny(names ...string) bundle.Own {
	return bundle.Own{Kind: bundle.ProfileDeny, Names: parsed(names)}
}

func exempt(names ...string) bundle.Own {
	return bundle.Own{Kind: bundle.OperatorException, Names: parsed(names)}
}

func parsed(texts []string) []wire.Name {
	var names []wire.Name
	for _, text := range texts {
		names = append(names, wire.MustName(text))
	}
	return names
}

func decided(list string, name string) blocklists.Exception {
	return blocklists.Exception{ID: 1, Kind: blocklists.Decided, List: blocklists.ListID(list), Name: wire.MustName(name), Case: "C-1", At: today}
}

// compile makes the bundle after previous. Lists are subtree unless they say otherwise by exact.
func compile(t failer, previous *bundle.Bundle, lists []list, own ...bundle.Own) *bundle.Bundle {
	t.Helper()
	return compileBy(t, nil, previous, lists, own)
}

func compileBy(t failer, inspector bundle.Inspector, previous *bundle.Bundle, lists []list, own []bundle.Own) *bundle.Bundle {
	t.Helper()
	files := fstest.MapFS{}
	manifests := make([]*blocklists.Manifest, len(lists))
	for i := range lists {
		manifest := lists[i].Manifest
		manifest.Title = map[string]string{"en": string(manifest.ID)}
		manifest.Format, manifest.Source.File = "domains", "builtin:"+string(manifest.ID)
		if manifest.ReviewEvery == 0 {
			manifest.ReviewEvery = 90 * 24 * time.Hour
		}
		if manifest.Scope == blocklists.Exact {
			manifest.Scope = blocklists.Subtree
		}
		manifests[i] = &manifest
		files[string(manifest.ID)] = &fstest.MapFile{Data: []byte("# a list\n" + strings.Join(lists[i].names, "\n") + "\n"), Mode: 0o444}
	}
	return compileFiles(t, inspector, previous, manifests, files, own...)
}

// compileFiles makes the bundle after previous of lists in files of their names.
func compileFiles(t failer, inspector bundle.Inspector, previous *bundle.Bundle, manifests []*blocklists.Manifest, files fstest.MapFS, own ...bundle.Own) *bundle.Bundle {
	t.Helper()
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		t.Fatalf("catalog: %v", err)
	}
	// An absent folder: nothing is kept, and a preview writes nothing.
	store := fetch.New("absent", files, quiet).Preview()
	made, reports, err := bundle.Compile(context.Background(), catalog, own, store, previous, inspector, today, quiet)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	for _, report := range reports {
		if report.Fetch.State != fetch.OK {
			t.Fatalf("list %s: %s, %v", report.List, report.Fetch.State, report.Fetch.Err)
		}
	}
	return made
}

// compileLines makes a bundle of lists by their lines as JSON Lines; a list of none has one
// about something else.
func compileLines(t failer, lists []list, lines map[blocklists.ListID][]string, own ...bundle.Own) *bundle.Bundle {
	t.Helper()
	files, manifests := fstest.MapFS{}, []*blocklists.Manifest{}
	for i := range lists {
		manifest := lists[i].Manifest
		text := lines[manifest.ID]
		switch {
		case len(text) > 0:
		case slices.Contains(manifest.Match, "address"):
			text = []string{`{"prefix": "198.51.100.1/32"}`}
		default:
			text = []string{`{"name": "unrelated.example"}`}
		}
		manifest.Title = map[string]string{"en": string(manifest.ID)}
		manifest.Scope, manifest.ReviewEvery = blocklists.Subtree, 90*24*time.Hour
		manifest.Format, manifest.Source.File = "jsonl", "builtin:"+string(manifest.ID)
		manifests = append(manifests, &manifest)
		files[string(manifest.ID)] = &fstest.MapFile{Data: []byte(strings.Join(text, "\n") + "\n"), Mode: 0o444}
	}
	return compileFiles(t, holding{}, nil, manifests, files, own...)
}

// holding holds all entries of the lists whose ID says so.
type holding struct{}

func (holding) Inspect(list *blocklists.Manifest, _ *parse.Row, _ bool) (blocklists.Standing, string) {
	switch {
	case strings.HasPrefix(string(list.ID), "held"):
		return blocklists.Held, "held"
	case list.Shadow:
		return blocklists.Shadow, ""
	}
	return blocklists.Active, ""
}

func (holding) Head(*blocklists.Manifest, []byte) error { return nil }

func (holding) Weigh(*blocklists.Manifest, bundle.Change) bundle.Ruling { return bundle.Ruling{} }

// clients is the table of the test world. What the bundle has of profiles' own names is kids'.
func clients(t failer, index *bundle.Bundle) *profile.Table {
	t.Helper()
	var own []bundle.Own
	for _, entry := range index.All() {
		switch entry.List {
		case bundle.ProfileAllow.ID():
			own = append(own, bundle.Own{Kind: bundle.ProfileAllow, Names: []wire.Name{entry.Name}})
		case bundle.ProfileDeny.ID():
			own = append(own, bundle.Own{Kind: bundle.ProfileDeny, Names: []wire.Name{entry.Name}})
		}
	}
	return clientsOf(t, own, nil)
}

// clientsOf is the table where kids and teens have these names of their own.
func clientsOf(t failer, ofKids, ofTeens []bundle.Own) *profile.Table {
	t.Helper()
	kids := &profile.Profile{ID: "kids", Categories: []string{"gambling"}, RequestedBy: "account-42", RequestedAt: today}
	teens := &profile.Profile{ID: "teens"}
	give(kids, ofKids)
	give(teens, ofTeens)
	return tableOf(t, kids, teens)
}

// give makes names a profile's own.
func give(to *profile.Profile, own []bundle.Own) {
	for i := range own {
		switch own[i].Kind {
		case bundle.ProfileAllow:
			to.Allow = append(to.Allow, own[i].Names...)
		case bundle.ProfileDeny:
			to.Deny = append(to.Deny, own[i].Names...)
		}
	}
	slices.Sort(to.Allow)
	slices.Sort(to.Deny)
}

// tableOf is the table of the test world, of these two profiles.
func tableOf(t failer, kids, teens *profile.Profile) *profile.Table {
	t.Helper()
	row := func(network, jurisdiction, profileID string) profile.Client {
		return profile.Client{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix(network)}}, Jurisdiction: jurisdiction, Profile: profileID}
	}
	table, problems := profile.NewTable([]profile.Client{
		row("127.0.0.2/32", "IT", "kids"), row("127.0.0.3/32", "FR", ""), row("127.0.0.4/32", "", ""),
		row("127.0.0.5/32", "IT", "teens"), row("127.0.0.0/8", "IT", ""),
	}, []*profile.Profile{kids, teens})
	if len(problems) > 0 {
		t.Fatalf("clients: %v", problems)
	}
	return table
}

func snapshot(t failer, index *bundle.Bundle, exceptions ...blocklists.Exception) *policy.Snapshot {
	t.Helper()
	return &policy.Snapshot{Bundle: index, Overlay: policy.NewOverlay(uint64(len(exceptions)), exceptions), Clients: clients(t, index), Operator: operator, Key: key}
}

func who(t failer, s *policy.Snapshot, addr netip.Addr) profile.Who {
	t.Helper()
	who, admitted := s.Clients.Who(resolver.Client{Addr: addr}, today)
	if !admitted {
		t.Fatalf("%s is not admitted", addr)
	}
	return who
}

func links(names ...string) []resolver.Link {
	var links []resolver.Link
	for i, name := range names {
		link := resolver.Link{Name: wire.MustName(name)}
		if i > 0 {
			link.Kind = resolver.Alias
		}
		links = append(links, link)
	}
	return links
}

// query is a question that a client asked over UDP with OPT.
func query(addr netip.Addr, name string, qtype uint16) *resolver.Query {
	q := resolver.NewQuery(wire.MustName(name), qtype, nil)
	q.Client = resolver.Client{Addr: addr, Door: resolver.UDP}
	q.Now, q.Budget = today, resolver.TextBudget
	return q
}

// counter keeps the counters that the filter asks for.
type counter struct {
	mu   sync.Mutex
	made map[blocklists.ListID]tally.Counter
}

func (c *counter) Blocked(list blocklists.ListID, _ blocklists.Purpose) tally.Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[blocklists.ListID]tally.Counter{}
	}
	if _, known := c.made[list]; !known {
		c.made[list] = tally.New()
	}
	return c.made[list]
}

func (c *counter) WouldBlock(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter {
	return c.Blocked("would:"+list, purpose)
}

// blocks is what was counted, where anything was.
func (c *counter) blocks() map[blocklists.ListID]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := map[blocklists.ListID]int{}
	for list, counter := range c.made {
		if count := counter.Load(); count != 0 {
			counted[list] = int(count)
		}
	}
	return counted
}

// reply makes an answer of records in presentation format, packed as a cache keeps it.
func reply(t testing.TB, q *resolver.Query, records ...string) *resolver.Answer {
	t.Helper()
	message := q.Message()
	for _, text := range records {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		message.Answer = append(message.Answer, record)
	}
	answer, err := resolver.NewAnswer(message, today).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
