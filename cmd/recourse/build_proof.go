package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	ownership "github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/letters"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/registry"
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
}

// makeProofs joins the ways to prove control of a name. They ask below policy, as the name is
// blocked here, and connect to public addresses only.
func (n *node) makeProofs(held *state, database *store.DB, resolved *resolution, current *policy.Current) (*proving, error) {
	key, err := sealed.LoadKey(held.path(papersKeyFile), papersKeyCredential)
	if err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	made := &proving{database: database}
	if made.seal, err = ownership.NewSeal(key); err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	made.letters, err = letters.New(letters.Config{
		Operator: n.config.Operator.Name, Contact: n.config.Operator.Contact, Portal: n.config.Operator.Portal, Location: time.Local,
		Blocking: func(name wire.Name) []string { return blocking(current, name) },
	})
	if err != nil {
		return nil, err
	}
	made.papers = ownership.NewPapers(database, made.seal)
	dialer := outbound.NewDialer(hosts{resolved.unfiltered}, nil)
	methods := proof.Methods{
		redress.ByDNS:      proof.NewTXT(resolved.unfiltered),
		redress.ByHTTP:     proof.NewFile(agent(), dialer),
		redress.ByPage:     proof.NewPage(agent(), dialer),
		redress.ByDocument: made.papers,
	}
	if n.config.Desk.Mail.SMTP != "" { // else a code would leave for nobody
		contacts := registry.New(agent(), "", outbound.Config{}, dialer)
		methods[redress.ByMail] = ownership.NewCodes(database, contacts, made.letters, n.logger)
	}
	made.provers = ownership.Note(database, methods)
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
	n.background(ctx, ownership.NewWorker(p.database, desk, n.logger).Run)
	n.background(ctx, func(ctx context.Context) { ownership.Janitor(ctx, p.database, p.papers, n.logger) })
}
