package bundle

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Own is names that are no list's. Each covers itself and what lies below it.
type Own struct {
	Kind    Kind
	Profile string // for ProfileAllow and ProfileDeny
	Names   []wire.Name
}

// id is a list id that no manifest can have, because of its colon.
func (o *Own) id() blocklists.ListID {
	switch o.Kind {
	case ProfileAllow:
		return blocklists.ListID("profile:" + o.Profile + ":allow")
	case ProfileDeny:
		return blocklists.ListID("profile:" + o.Profile + ":deny")
	}
	return "operator:exceptions"
}

// ListReport says how one list of the catalog came into the bundle.
type ListReport struct {
	List  blocklists.ListID `json:"list"`
	Parse parse.Report      `json:"parse"`
	Fetch fetch.Status      `json:"fetch"`
	// Duplicates are lines whose name and scope the list has already; they are among
	// the entries of Parse, not among the bundle's.
	Duplicates int `json:"duplicates"`
}

// Compile reads all lists of the catalog and makes the next bundle after previous,
// which may be nil. The reports are in the catalog's order. A list that cannot be had is
// left out and reported; an error means that there is no bundle at all.
func Compile(ctx context.Context, catalog *blocklists.Catalog, own []Own, store *fetch.Store, previous *Bundle, now time.Time, log *slog.Logger) (*Bundle, []ListReport, error) {
	if previous == nil {
		previous = Empty()
	}
	manifests := catalog.Lists()
	if len(manifests)+len(own) > maxLists {
		return nil, nil, fmt.Errorf("%d lists are more than a bundle holds, which is %d", len(manifests)+len(own), maxLists)
	}
	c := &compiler{builder: builder{names: newIndex()}, store: store, previous: previous, now: now, log: log}
	reports := make([]ListReport, 0, len(manifests))
	for _, manifest := range manifests {
		reports = append(reports, c.feed(ctx, manifest))
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	for i := range own {
		if err := c.own(&own[i]); err != nil {
			return nil, nil, err
		}
	}
	made, duplicates := c.builder.build(previous.generation + 1)
	for i := range reports {
		reports[i].Duplicates = duplicates[i]
	}
	return made, reports, nil
}

type compiler struct {
	builder  builder
	store    *fetch.Store
	previous *Bundle
	now      time.Time
	log      *slog.Logger
}

// feed adds a list with its entries, or without any where it cannot be had.
func (c *compiler) feed(ctx context.Context, manifest *blocklists.Manifest) ListReport {
	c.builder.lists = append(c.builder.lists, List{Kind: Feed, ID: manifest.ID, Manifest: manifest})
	report := ListReport{List: manifest.ID}
	if reason, supported := manifest.Supported(); !supported {
		why := fmt.Errorf("%s: not supported by this version yet", reason)
		report.Fetch = fetch.Status{List: manifest.ID, State: fetch.Unsupported, Err: why}
		return report
	}
	start := c.builder.mark()
	seen := c.store.Seen(manifest.ID)
	status, err := c.store.Load(ctx, manifest, func(r io.Reader) (err error) {
		c.builder.back(start)
		seen.Forget()
		report.Parse, err = parse.List(parse.OptionsOf(manifest), r, func(row parse.Row) error {
			if row.Trigger != blocklists.OnName || row.Action != blocklists.Block && row.Action != blocklists.BlockNXDomain {
				return nil // this bundle has names to block and nothing else
			}
			name := wire.Name(row.Name)
			since := seen.At(name, row.Scope, c.now)
			return c.builder.add(name, row.Scope, row.Line, uint32(since.Unix()))
		})
		return err
	})
	report.Fetch = status
	if err != nil {
		c.builder.back(start)
		if status.State != fetch.Stopped { // whose entries must not outlive their source
			c.carryOver(manifest, &report)
		}
	} else if err := seen.Save(); err != nil {
		c.log.Warn("list: first-seen is not written down", "list", manifest.ID, "error", err)
	}
	c.tell(&report)
	return report
}

// carryOver takes a list's entries from the bundle before, if the list is still read alike.
func (c *compiler) carryOver(manifest *blocklists.Manifest, report *ListReport) {
	report.Parse.Entries = 0
	start := c.builder.mark()
	for id, entry := range c.previous.All() {
		list := c.previous.ListOf(id)
		if list.Manifest == nil || list.ID != manifest.ID || list.Manifest.Format != manifest.Format || list.Manifest.Scope != manifest.Scope {
			continue
		}
		if err := c.builder.add(entry.Name, entry.Scope, entry.Line, c.previous.entries[id].seen); err != nil {
			c.builder.back(start)
			report.Parse.Entries = 0
			return
		}
		report.Parse.Entries++
		report.Fetch.State = fetch.Kept
	}
}

func (c *compiler) tell(report *ListReport) {
	args := []any{"list", report.List, "state", report.Fetch.State, "entries", report.Parse.Entries, "refused", report.Parse.Refused}
	switch report.Fetch.State {
	case fetch.OK:
		c.log.Info("list: loaded", args...)
	case fetch.Kept:
		c.log.Warn("list: the source cannot be used, the last good one stays", append(args, "since", report.Fetch.Since, "error", report.Fetch.Err)...)
	default:
		c.log.Error("list: cannot be had", append(args, "error", report.Fetch.Err)...)
	}
}

func (c *compiler) own(own *Own) error {
	c.builder.lists = append(c.builder.lists, List{Kind: own.Kind, ID: own.id(), Profile: own.Profile})
	for i, name := range own.Names {
		if err := c.builder.add(name, blocklists.Subtree, uint32(i)+1, 0); err != nil {
			return fmt.Errorf("%s: %w", own.id(), err)
		}
	}
	return nil
}
