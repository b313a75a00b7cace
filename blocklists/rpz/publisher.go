package rpz

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// PublishConfig is the zones in which the policy is given to other resolvers.
type PublishConfig struct {
	// Zone is the zone, or with PerList the name below which each list has one of its own.
	Zone    wire.Name
	PerList bool
	// Purposes are those whose lists are published. Jurisdiction is whose law; empty is the
	// one that all law lists have in common, and none where they differ.
	Purposes     []blocklists.Purpose
	Jurisdiction string
	// Page is the addresses of the block page, for lists that answer with it.
	Page []netip.Addr
	// Key signs all transfers; Unsigned are networks that may do without.
	Key      *Key
	Unsigned []netip.Prefix
	// Notify are the secondaries that are told of a new serial.
	Notify []netip.AddrPort
	// Dir is where the zones are kept.
	Dir string
}

// Publisher makes policy zones of what is in force and serves them to secondaries.
type Publisher struct {
	config *PublishConfig
	view   func() *View
	log    *slog.Logger
	tell   announcing
	places chan struct{} // transfers at once

	mu    sync.RWMutex
	zones map[wire.Name]*zone
}

// maxTransfers bounds how many transfers run at once.
const maxTransfers = 8

// NewPublisher takes up what was published before. The view is that in force; it is looked
// at once a second.
func NewPublisher(config PublishConfig, view func() *View, log *slog.Logger) (*Publisher, error) {
	p := &Publisher{config: &config, view: view, log: log, tell: newAnnouncing(), places: make(chan struct{}, maxTransfers), zones: make(map[wire.Name]*zone)}
	for name := range p.config.split(view().Lists) {
		if _, err := p.zone(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// zone is one published zone. Its state is swapped whole.
type zone struct {
	name wire.Name
	dir  string

	mu    sync.RWMutex
	state *state
}

func (z *zone) current() *state {
	z.mu.RLock()
	defer z.mu.RUnlock()
	return z.state
}

// zone gives a zone by its name, and makes it where there is none yet.
func (p *Publisher) zone(name wire.Name) (*zone, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.zones[name]; known != nil {
		return known, nil
	}
	made := &zone{name: name, dir: filepath.Join(p.config.Dir, dirName(name))}
	if err := os.MkdirAll(made.dir, 0o750); err != nil {
		return nil, fmt.Errorf("serve_rpz: %w", err)
	}
	var err error
	if made.state, err = readState(made.dir); err != nil {
		p.log.Warn("policy zone: what was published before is lost; secondaries transfer the whole zone", "zone", name.String(), "error", err)
	}
	p.zones[name] = made
	return made, nil
}

// dirName is a name as the name of a folder: a letter, digit, hyphen or dot is itself.
func dirName(name wire.Name) string {
	var out []byte
	for _, c := range []byte(name.String()) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' && len(out) > 0 {
			out = append(out, c)
			continue
		}
		out = fmt.Appendf(out, "%%%02x", c)
	}
	return string(out)
}

// find gives a zone that is published.
func (p *Publisher) find(name wire.Name) *zone {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.zones[name]
}

// split says which lists go into which zone: those of the purposes, law of one
// jurisdiction only, highest purpose first. A secret list goes only to who has the key.
func (c *PublishConfig) split(lists []*blocklists.Manifest) map[wire.Name][]*blocklists.Manifest {
	chosen := slices.DeleteFunc(slices.Clone(lists), func(list *blocklists.Manifest) bool {
		return !slices.Contains(c.Purposes, list.Purpose) || list.Disclosure == blocklists.Secret && len(c.Unsigned) > 0 || list.Purpose == blocklists.Law && !c.PerList && !c.isLawHere(list, lists)
	})
	zones := make(map[wire.Name][]*blocklists.Manifest)
	if !c.PerList {
		zones[c.Zone] = chosen
		return zones
	}
	for _, list := range chosen {
		if name, err := c.Zone.Child(string(list.ID)); err == nil && c.inJurisdiction(list) {
			zones[name] = []*blocklists.Manifest{list}
		}
	}
	return zones
}

func (c *PublishConfig) inJurisdiction(list *blocklists.Manifest) bool {
	return list.Purpose != blocklists.Law || c.Jurisdiction == "" || slices.Contains(list.Jurisdiction, c.Jurisdiction)
}

// isLawHere: an order of one state must never reach clients of another, and a zone does
// not know who asks.
func (c *PublishConfig) isLawHere(list *blocklists.Manifest, all []*blocklists.Manifest) bool {
	if c.Jurisdiction != "" {
		return slices.Contains(list.Jurisdiction, c.Jurisdiction)
	}
	return !MixesLaw(all)
}

// MixesLaw says whether the law lists are not all in force in the same places.
func MixesLaw(lists []*blocklists.Manifest) bool {
	var first []string
	for _, list := range lists {
		if list.Purpose != blocklists.Law {
			continue
		}
		here := slices.Sorted(slices.Values(list.Jurisdiction))
		if first != nil && !slices.Equal(first, here) {
			return true
		}
		first = here
	}
	return false
}

// lookInterval is how soon a change of policy is seen.
const lookInterval = time.Second

// Run publishes what changes until the context ends.
func (p *Publisher) Run(ctx context.Context) {
	p.mu.RLock()
	for _, z := range p.zones {
		p.announce(ctx, z)
	}
	p.mu.RUnlock()
	defer p.tell.wait()
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	var seen published
	for {
		if view := p.view(); seen.differs(view) {
			seen = p.publish(ctx, view)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// published is what was made into zones last.
type published struct {
	generation, sequence uint64
	standsBy             string
	done                 bool
	turns                time.Time // when a date changes it
}

func (p *published) differs(view *View) bool {
	return !p.done || p.generation != view.Generation || p.sequence != view.Sequence || p.standsBy != view.StandsBy || !p.turns.IsZero() && !time.Now().Before(p.turns)
}

// retryPublish is when a zone that could not be written is tried again.
const retryPublish = time.Minute

func (p *Publisher) publish(ctx context.Context, view *View) published {
	made := published{generation: view.Generation, sequence: view.Sequence, standsBy: view.StandsBy, done: true}
	for name, lists := range p.config.split(view.Lists) {
		turns, err := p.publishZone(ctx, name, lists, view)
		if ctx.Err() != nil {
			return made
		}
		if err != nil {
			p.log.Error("policy zone: not published; the one before stays", "zone", name.String(), "error", err)
			turns = time.Now().Add(retryPublish)
		}
		if !turns.IsZero() && (made.turns.IsZero() || turns.Before(made.turns)) {
			made.turns = turns
		}
	}
	return made
}

func (p *Publisher) publishZone(ctx context.Context, name wire.Name, lists []*blocklists.Manifest, view *View) (turns time.Time, err error) {
	z, err := p.zone(name)
	if err != nil {
		return time.Time{}, err
	}
	work, err := newPublication(z)
	if err != nil {
		return time.Time{}, err
	}
	defer work.end()
	turns, skipped, err := build(ctx, p.config, view, lists, name, z.dir, time.Now(), work.differ.add)
	if err == nil {
		err = work.differ.end()
	}
	if err != nil {
		return time.Time{}, err
	}
	changed, err := work.commit(view.Generation)
	if err != nil {
		return time.Time{}, err
	}
	if skipped > 0 {
		p.log.Warn("policy zone: names are left out that cannot stand below the zone's", "zone", name.String(), "names", skipped)
	}
	if changed {
		state := z.current()
		p.log.Info("policy zone: published", "zone", name.String(), "serial", state.Serial, "rules", state.Rules)
		p.announce(ctx, z)
	}
	return turns, nil
}

// publication is one new version of a zone in the making.
type publication struct {
	zone   *zone
	old    *os.File // nil where there is none
	files  [3]*os.File
	differ *differ
}

func newPublication(z *zone) (*publication, error) {
	p := &publication{zone: z}
	var old io.Reader
	if before := z.current(); before.Serial != 0 {
		if file, err := os.Open(filepath.Join(z.dir, before.file())); err == nil {
			p.old, old = file, file
		} else { // lost: the serial goes on, the differences do not
			z.mu.Lock()
			z.state = &state{Serial: before.Serial}
			z.mu.Unlock()
		}
	}
	for i := range p.files {
		file, err := os.CreateTemp(z.dir, "writing-*")
		if err != nil {
			p.end()
			return nil, err
		}
		p.files[i] = file
	}
	var err error
	if p.differ, err = newDiffer(old, p.files[0], p.files[1], p.files[2]); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (p *publication) end() {
	if p.old != nil {
		p.old.Close()
	}
	for _, file := range p.files {
		if file != nil {
			file.Close()
			_ = os.Remove(file.Name()) // gone already when it was kept
		}
	}
}

// commit puts the new version in place under a new serial, if it is another than before.
func (p *publication) commit(generation uint64) (changed bool, err error) {
	before := p.zone.current()
	change := p.differ.different
	if p.old != nil && change.size() == 0 {
		return false, nil
	}
	serial := nextSerial(before.Serial, generation)
	change.From, change.To = before.Serial, serial
	after := before.next(serial, p.differ.rules, change)
	if p.old == nil {
		after.Differences = nil
	}
	for i, name := range []string{after.file(), change.removed(), change.added()} {
		err = errors.Join(err, p.files[i].Sync(), os.Rename(p.files[i].Name(), filepath.Join(p.zone.dir, name)))
	}
	if err != nil {
		return false, err
	}
	if err := after.save(p.zone.dir); err != nil {
		return false, err
	}
	p.zone.mu.Lock()
	p.zone.state = after
	p.zone.mu.Unlock()
	return true, nil
}

// nextSerial is the generation where that is after the serial before, else one more: an
// exception changes the zone without a new generation, and a generation may begin anew.
func nextSerial(before uint32, generation uint64) uint32 {
	next := uint32(generation)
	if next == 0 || before != 0 && compareSerial(next, before) <= 0 {
		next = before + 1
	}
	if next == 0 { // which stands for none here
		next = 1
	}
	return next
}
