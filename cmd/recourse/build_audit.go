package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	public "github.com/recourse-dns/recourse/redress/report"
)

// auditing is the log of events as the server writes to it beside cases and orders.
type auditing struct {
	publisher *audit.Publisher
	begun     error // why the key is not published yet
	queue     *audit.Queue
	memory    *memory
	database  *store.DB
	books     *public.Books // nil without a desk
	pages     http.Handler
	report    map[string]http.Handler // by pattern
	logger    *slog.Logger
}

// startAudit opens the queue and publishes the key and, every hour, the head.
func (n *node) startAudit(ctx context.Context, held *state, database *store.DB) error {
	path := held.path(auditKeyFile)
	if err := n.later(audit.Resume(ctx, database, path)); err != nil {
		return err
	}
	key, err := audit.LoadKey(path)
	if err != nil {
		return err
	}
	signer, err := audit.NewSigner(n.config.Operator.Portal, key)
	if err != nil {
		return err
	}
	queue, err := audit.OpenQueue(held.path(auditQueueFile), n.logger)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, queue)
	publisher := audit.NewPublisher(database, signer, n.logger)
	begun := publisher.Begin(ctx)
	if err := n.later(begun); err != nil {
		return err
	}
	n.audit = &auditing{publisher: publisher, begun: begun, database: database, queue: queue, memory: readMemory(held.path(auditMemoryFile), n.logger), logger: n.logger}
	n.audit.pages = audit.NewPages(database, signer, audit.NewFeed(n.config.Operator.Portal, database, n.toldOfList), n.logger)
	n.background(ctx, func(ctx context.Context) { queue.Run(ctx, audit.Log{DB: database}) })
	return nil
}

// register serves what is public of the log.
func (a *auditing) register(mux *http.ServeMux) {
	mux.Handle("/audit/", a.pages)
	for pattern, handler := range a.report {
		mux.Handle(pattern, handler)
	}
}

// toldOfList is what the feed may say of a list in force.
func (n *node) toldOfList(id string) (audit.Told, bool) {
	last := n.importer.last.Load()
	if last == nil {
		return audit.Told{}, false
	}
	manifest := last.rules.catalog.List(blocklists.ListID(id))
	if manifest == nil || manifest.Disclosure == blocklists.Secret {
		return audit.Told{}, false
	}
	title := manifest.Title["en"]
	if title == "" {
		title = id
	}
	return audit.Told{Title: title, Purpose: manifest.Purpose.String(), Names: manifest.Disclosure == blocklists.Full}, true
}

// catalog has the lists in force, with those that the configuration does not name itself.
func (n *node) catalog() *blocklists.Catalog { return n.importer.last.Load().rules.catalog }

// told has the lists that the configuration names; where it has mistakes, none.
func (c *Config) told() *blocklists.Catalog {
	catalog, err := c.Catalog()
	if err != nil {
		return &blocklists.Catalog{}
	}
	return catalog
}

// record takes down what happened by itself.
func (a *auditing) record(subject string, kind redress.EventKind, facts any) {
	a.recordBy(subject, kind, redress.Actor{Name: "desk", Role: redress.System}, facts)
}

// recordBy takes down what somebody did. The nil auditing takes nothing down.
func (a *auditing) recordBy(subject string, kind redress.EventKind, by redress.Actor, facts any) {
	if a == nil {
		return
	}
	event, err := redress.About(subject, kind, by, time.Now(), facts)
	if err != nil {
		a.logger.Error("an event is not taken down", "error", err)
		return
	}
	a.queue.Record(event)
}
