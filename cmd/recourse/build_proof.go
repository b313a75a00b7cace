package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	ownership "github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/letters"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/registry"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/redress/watch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// What documents and watchers' mailboxes are sealed with.
const (
	papersKeyFile       = "documents.key"
	papersKeyCredential = "recourse-documents"
)

// proving is how this node finds out who controls a name, and what parties are told by mail.
type proving struct {
	database *store.DB
	provers  redress.Prover
	papers   *ownership.Papers
	seal     *ownership.Seal
	letters  *letters.Writer
	guide    *guide.Guide
	watches  *watch.Office
	blocking func(wire.Name) []string
}

// makeProofs joins the ways to prove control of a name. They ask below policy, as the name is
// blocked here, and connect to public addresses only.
func (n *node) makeProofs(held *state, database *store.DB, resolved *resolution, current *policy.Current) (*proving, error) {
	key, err := sealed.LoadKey(held.path(papersKeyFile), papersKeyCredential)
	if err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	made := &proving{database: database, blocking: func(name wire.Name) []string { return blocking(current, name) }}
	if made.seal, err = ownership.NewSeal(key); err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	made.letters, err = letters.New(letters.Config{
		Operator: n.config.Operator.Name, Contact: n.config.Operator.Contact, Portal: n.config.Operator.Portal, Location: time.Local,
		Blocking: made.blocking, MayWrite: n.config.mayWrite(database),
	})
	if err != nil {
		return nil, err
	}
	if made.guide, err = guide.New(n.config.Operator.Name, resolved.unfiltered, nil); err != nil {
		return nil, err
	}
	made.papers = ownership.NewPapers(database, made.seal)
	dialer := outbound.NewDialer(hosts{resolved.unfiltered}, nil)
	methods := proof.Methods{
		redress.ByDNS:      proof.NewTXTAt(resolved.unfiltered, resolved.network, nil),
		redress.ByHTTP:     proof.NewFile(agent(), dialer),
		redress.ByPage:     proof.NewPage(agent(), dialer),
		redress.ByDocument: made.papers,
	}
	if n.config.Desk.Mail.SMTP != "" { // else a code would leave for nobody
		contacts := registry.New(agent(), "", outbound.Config{}, dialer)
		methods[redress.ByMail] = ownership.NewCodes(database, contacts, made.letters, n.logger)
	}
	made.provers = ownership.Note(database, methods)
	made.watches = watch.New(database, made.seal, methods, made.letters)
	return made, nil
}

// blocking are the lists that block a name now, but for secret ones.
func blocking(current *policy.Current, name wire.Name) []string {
	var lists []string
	for _, match := range current.Load().Matches(name) {
		if redress.Blocks(&match) && !redress.Secret(&match) && !slices.Contains(lists, string(match.Entry.List)) {
			lists = append(lists, string(match.Entry.List))
		}
	}
	return lists
}

// start looks at open challenges, and erases what is no longer needed.
func (p *proving) start(ctx context.Context, n *node, desk *redress.Desk) {
	n.alone(ownership.NewWorker(p.database, desk, p.unproved, n.logger).Run)
	n.background(ctx, func(ctx context.Context) { ownership.Janitor(ctx, p.database, p.papers, n.logger) })
	n.alone(watch.NewWorker(p.watches, p.blocking, n.logger).Run)
}

// unproved writes to a party whose challenge ended without a proof.
func (p *proving) unproved(ctx context.Context, id redress.CaseID) (notify.Message, bool) {
	one, err := cases.New(p.database).Case(ctx, id)
	if err != nil {
		return notify.Message{}, false // gone, or asked for again when the database is back
	}
	return p.letters.Unproved(one)
}

// calls is what programs see and send of proofs.
func (p *proving) calls() *api.Proofs {
	return &api.Proofs{
		Progress: p.progress, Papers: p.papers, Guide: p.guide,
	}
}

func (p *proving) progress(ctx context.Context, id redress.CaseID) (ownership.Progress, error) {
	return ownership.ProgressOf(ctx, p.database, id)
}

// watchPages puts the pages for owners who watch a name beside others.
func (p *proving) watchPages(kit *page.Kit, limits *redress.Limits, limited func(*http.Request) netip.Addr, others http.Handler) (http.Handler, error) {
	pages, err := p.watches.Handler(watch.Door{Blocking: p.blocking, Explain: p.guide, Limits: limits, Limited: limited}, kit)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/watch", pages)
	mux.Handle("/watch/", pages)
	mux.Handle("/", others)
	return mux, nil
}
