package bundle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Own is names that are no list's: one list a kind, but of Canary one a set.
type Own struct {
	Kind  Kind        `json:"kind"`
	Set   string      `json:"set,omitempty"` // for Canary: which
	Names []wire.Name `json:"-"`
	// Manifest is a Canary's. Nothing that is compiled depends on it.
	Manifest *blocklists.Manifest `json:"-"`
}

// id is a list id that no manifest can have, because of its colon.
func (o *Own) id() blocklists.ListID {
	if o.Kind == Canary {
		return CanaryID(o.Set)
	}
	return o.Kind.ID()
}

// CanaryID is the id of a canary's list.
func CanaryID(set string) blocklists.ListID { return blocklists.ListID("canary:" + set) }

// scope is what each of the names covers: itself and what lies below it, but of canaries and
// of search engines, whose other hosts have no safe form, itself alone.
func (k Kind) scope() blocklists.Scope {
	if k == SafeSearch || k == Canary {
		return blocklists.Exact
	}
	return blocklists.Subtree
}

// ID is the id of the list of a kind that has one.
func (k Kind) ID() blocklists.ListID {
	switch k {
	case ProfileAllow:
		return "profiles:allow"
	case ProfileDeny:
		return "profiles:deny"
	case Service:
		return "services:names"
	case SafeSearch:
		return "safe-search:names"
	case Help:
		return "help:names"
	}
	return "operator:exceptions"
}

// Entry is one name as an entry of the kind's list, for [Bundle.With].
func (k Kind) Entry(name wire.Name) blocklists.Entry {
	return blocklists.Entry{List: k.ID(), Name: name, Scope: k.scope()}
}

// ListReport says how one list of the catalog came into the bundle.
type ListReport struct {
	List  blocklists.ListID `json:"list"`
	Parse parse.Report      `json:"parse"`
	Fetch fetch.Status      `json:"fetch"`
	// Duplicates are lines whose name and scope the list has already; they are among
	// the entries of Parse, not among the bundle's.
	Duplicates int `json:"duplicates"`
	// Carried says that the list was not read, because its source is as it was.
	Carried bool `json:"carried,omitempty"`
	Intake
}

// Input is all that a bundle is made of.
type Input struct {
	Catalog *blocklists.Catalog
	Own     []Own
	Store   *fetch.Store
	// Previous is the bundle before: of it come the times of first seeing, and the lists that
	// cannot be had or need not be read. nil: there is none.
	Previous *Bundle
	// Unmoved says that a list's source is as it was for Previous; nil: none is.
	Unmoved func(*blocklists.Manifest) bool
	// Pinned says that a list stays as it is in Previous; nil: none does.
	Pinned    func(blocklists.ListID) bool
	Inspector Inspector // nil: every entry is active
	// After is the generation in force: the new one's is higher.
	After uint64
	Now   time.Time
	Log   *slog.Logger
}

// Compile reads all lists of the catalog and makes the next bundle after previous,
// which may be nil. The reports are in the catalog's order. A list that cannot be had is
// left out and reported; an error means that there is no bundle at all. The inspector may be nil.
func Compile(ctx context.Context, catalog *blocklists.Catalog, own []Own, store *fetch.Store, previous *Bundle, inspector Inspector, now time.Time, log *slog.Logger) (*Bundle, []ListReport, error) {
	input := Input{Catalog: catalog, Own: own, Store: store, Previous: previous, Inspector: inspector, Now: now, Log: log}
	var to memory
	reports, err := input.compile(ctx, &to)
	if err != nil {
		return nil, nil, err
	}
	made, err := openImages([][]byte{to.octets}, listsOf(catalog, own), nil)
	return made, reports, err
}

// openImages opens bundles in memory that lie on each other.
func openImages(images [][]byte, lists []List, tell func(error)) (*Bundle, error) {
	var layers []*layer
	var metas []*meta
	for _, octets := range images {
		l, err := openImage(octets)
		if err != nil {
			return nil, err
		}
		m, err := l.decodeMeta()
		if err != nil {
			return nil, err
		}
		layers, metas = append(layers, l), append(metas, m)
	}
	return assemble(layers, metas, lists, &health{tell: tell})
}

// listsOf are the lists of a bundle in their order.
func listsOf(catalog *blocklists.Catalog, own []Own) []List {
	lists := make([]List, 0, len(catalog.Lists())+len(own))
	for _, manifest := range catalog.Lists() {
		lists = append(lists, List{Kind: Feed, ID: manifest.ID, Manifest: manifest})
	}
	for i := range own {
		lists = append(lists, List{Kind: own[i].Kind, ID: own[i].id(), Manifest: own[i].Manifest})
	}
	return lists
}

// compiler is one compile. Its runs are the rows of each list, sorted.
type compiler struct {
	*Input
	lists    []List
	readings []string
	reports  []ListReport // of the feeds
	joiner   joiner
	before   map[blocklists.ListID]*listMeta // of the previous bundle

	// history is set where the bundle before stays below: which of the new lists its lists are.
	history [][]int32

	sorting chan struct{} // bounds how many gatherings are in memory
	mu      sync.Mutex
	runs    [][]run // of each list
}

// compile writes the bundle to an image.
func (in *Input) compile(ctx context.Context, to *memory) ([]ListReport, error) {
	c := newCompiler(in)
	if err := c.gather(ctx); err != nil {
		return nil, err
	}
	return c.reports, c.twice(ctx, func() error {
		*to = memory{}
		return c.writeWhole(ctx, to)
	})
}

func newCompiler(in *Input) *compiler {
	if in.Previous == nil {
		in.Previous = Empty()
	}
	in.After = max(in.After, in.Previous.generation)
	c := &compiler{
		Input: in, lists: listsOf(in.Catalog, in.Own), reports: make([]ListReport, len(in.Catalog.Lists())),
		before: in.Previous.listMetas(), sorting: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	c.runs = make([][]run, len(c.lists))
	c.joiner = joiner{lists: make([]joined, len(c.lists)), now: uint32(max(0, in.Now.Unix())), inspector: in.Inspector}
	for i := range c.lists {
		if i < len(c.reports) {
			c.joiner.lists[i].manifest = c.lists[i].Manifest
			c.readings = append(c.readings, readingOf(c.lists[i].Manifest))
		} else {
			c.readings = append(c.readings, ownReading(&in.Own[i-len(c.reports)]))
		}
	}
	return c
}

func newSeed() seed {
	var octets [32]byte
	_, _ = rand.Read(octets[:]) // never fails (crypto/rand)
	var s seed
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(octets[8*i:]) | 1
	}
	return s
}

// readingOf is a digest of what in a manifest decides which entries its source gives.
func readingOf(m *blocklists.Manifest) string {
	return digest(parse.OptionsOf(m))
}

func ownReading(own *Own) string {
	var names []string
	for _, name := range own.Names {
		names = append(names, name.String())
	}
	return digest(names)
}

func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "" // no value of ours: nothing compares equal to it
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// gather reads all lists, several at a time.
func (c *compiler) gather(ctx context.Context) error {
	for i := range c.Own {
		if err := c.ownNames(len(c.reports)+i, &c.Own[i]); err != nil {
			return err
		}
	}
	next := make(chan int)
	var readers sync.WaitGroup
	for range cap(c.sorting) {
		readers.Go(func() {
			for i := range next {
				c.feed(ctx, i)
			}
		})
	}
	for i := range c.reports {
		next <- i
	}
	close(next)
	readers.Wait()
	return ctx.Err()
}

func (c *compiler) ownNames(number int, own *Own) error {
	var g gathering
	for i, name := range own.Names {
		row := parse.Row{Name: []byte(name), Scope: own.Kind.scope(), Line: uint32(i) + 1}
		if err := g.add(&row); err != nil {
			return fmt.Errorf("%s: %w", own.id(), err)
		}
	}
	c.runs[number] = []run{g.pack(uint32(number))}
	return nil
}

// feed reads a list, or takes it over from the bundle before.
func (c *compiler) feed(ctx context.Context, number int) {
	manifest := c.lists[number].Manifest
	report := &c.reports[number]
	report.List = manifest.ID
	before := c.before[manifest.ID]
	alike := before != nil && before.Reading == c.readings[number]
	if c.pinned(number, before) {
		return
	}
	if alike && !before.Report.Fetch.State.Absent() && c.Unmoved != nil && c.Unmoved(manifest) {
		c.joiner.lists[number].carried = true
		*report = before.Report
		report.Carried = true
		report.Fetch.Changed = false
		return
	}
	status, err := c.Store.Load(ctx, manifest, func(r io.Reader) (err error) {
		return c.headed(manifest, r, report, func(r io.Reader) (err error) {
			report.Parse, err = c.read(number, manifest, r)
			return err
		})
	})
	report.Fetch = status
	if err != nil {
		c.runs[number] = nil
		report.Parse.Entries = 0
		had := alike && !before.Report.Fetch.State.Absent()
		if had && status.State != fetch.Stopped { // one that stopped must not outlive its source
			c.joiner.lists[number].carried = true
			report.Parse.Entries, report.Fetch.State = before.Entries, fetch.Kept
			report.Held, report.Noted, report.Serial = before.Report.Held, before.Report.Noted, before.Report.Serial
		}
	}
	c.tell(report)
}

// read parses a list from its start, and sorts its rows on other cores meanwhile.
func (c *compiler) read(number int, manifest *blocklists.Manifest, r io.Reader) (parse.Report, error) {
	c.mu.Lock()
	c.runs[number] = nil
	c.mu.Unlock()
	var packing sync.WaitGroup
	defer packing.Wait()
	g := new(gathering)
	options := parse.OptionsOf(manifest)
	options.Now = c.Now
	report, err := parse.List(options, r, func(row parse.Row) error {
		if g.full() {
			c.pack(number, g, &packing)
			g = new(gathering)
		}
		return g.add(&row)
	})
	if err == nil && len(g.rows) > 0 {
		c.pack(number, g, &packing)
	}
	return report, err
}

// pack makes a run of what was gathered, beside the reading.
func (c *compiler) pack(number int, g *gathering, packing *sync.WaitGroup) {
	c.sorting <- struct{}{}
	packing.Go(func() {
		made := g.pack(uint32(number))
		<-c.sorting
		c.mu.Lock()
		defer c.mu.Unlock()
		c.runs[number] = append(c.runs[number], made)
	})
}

func (c *compiler) tell(report *ListReport) {
	args := []any{"list", report.List, "state", report.Fetch.State, "entries", report.Parse.Entries, "refused", report.Parse.Refused}
	switch report.Fetch.State {
	case fetch.OK:
		c.Log.Info("list: loaded", args...)
	case fetch.Kept:
		c.Log.Warn("list: the source cannot be used, the last good one stays", append(args, "since", report.Fetch.Since, "error", report.Fetch.Err)...)
	case fetch.Unasked:
		c.Log.Info("list: its source is asked once questions are answered", args...)
	default:
		c.Log.Error("list: cannot be had", append(args, "error", report.Fetch.Err)...)
	}
}
