package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/portal"
	cases "github.com/recourse-dns/recourse/redress/store"
	"github.com/recourse-dns/recourse/resolver/lab"
)

// effect puts what the database says of exceptions in force. It is derived anew
// each time, so that to apply it twice, or after a crash, changes nothing.
type effect struct {
	decisions decisions
	current   *policy.Current
	path      string // of the overlay, from which a node starts without the database

	mu      sync.Mutex // one Apply at a time, so that the newer overlay is written last
	written *policy.Overlay
}

// Apply reads the exceptions, writes them to disk and swaps them in. The next query
// sees them when it returns.
func (e *effect) Apply(ctx context.Context) (uint64, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sequence, exceptions, err := e.decisions.Exceptions(ctx)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("apply exceptions: %w", err)
	}
	if snapshot := e.current.Load(); e.written != nil && e.written == snapshot.Overlay && e.written.Sequence() == sequence {
		return snapshot.Bundle.Generation(), time.Now().UTC(), nil
	}
	overlay := policy.NewOverlay(sequence, exceptions)
	var generation uint64
	e.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		snapshot.Overlay = overlay
		generation = snapshot.Bundle.Generation()
		return snapshot
	})
	if err := policy.WriteOverlay(e.path, overlay); err != nil {
		return 0, time.Time{}, fmt.Errorf("apply exceptions: they are in force, but not on disk: %w", err)
	}
	e.written = overlay
	return generation, time.Now().UTC(), nil
}

// startOverlay is what is in force before the database is asked: the overlay on
// disk. A damaged one is said and left out, since the database has it all.
func startOverlay(path string, logger *slog.Logger) *policy.Overlay {
	overlay, err := policy.ReadOverlay(path)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.NewOverlay(0, nil)
	}
	if err != nil {
		logger.Warn("the exceptions on disk cannot be used; the database is asked", "error", err)
		return policy.NewOverlay(0, nil)
	}
	return overlay
}

// settleInterval is how often decisions that could not be put in force are tried again.
const settleInterval = 5 * time.Second

// startDesk takes the state and starts everything but the doors: policy, the
// resolver, database, pages and API. Commands that find no server running do the same.
func (n *node) startDesk(ctx context.Context, internet *lab.Internet, counts *metrics) (*resolution, error) {
	held, err := openState(n.config.StateDir())
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, held)
	if err := n.startCertificates(held, counts); err != nil {
		return nil, err
	}
	database, err := n.config.database().OpenLater(ctx, n.logger)
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, database)
	if err := n.checkShared(ctx, held, database); err != nil {
		return nil, err
	}
	if err := n.startAudit(ctx, held, database); err != nil {
		return nil, err
	}
	current, err := n.startPolicy(held)
	if err != nil {
		return nil, err
	}
	if n.clients, err = n.startClients(ctx, held); err != nil {
		return nil, err
	}
	if n.passes, err = n.startPasses(ctx, held, current); err != nil {
		return nil, err
	}
	n.home = n.startHome(current, counts)
	resolved, err := newResolution(n.config, internet, current, counts, n.config.discovery(n.certified()), stages(n.passes.stage, n.home.stage), n.logger)
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, resolved.network)
	counts.watch(resolved, current)
	if err := n.makeNotices(database, resolved, counts); err != nil {
		return nil, err
	}
	if n.config.hasDesk() {
		n.startRetention(database, counts)
	}
	lists := &ledger{database: database, path: held.path(holdsFile), told: discloser{catalog: n.catalog}, logger: n.logger}
	from := n.openDecisions(held, database)
	ordered := newOrderBook(from, current, n.logger)
	if err := n.later(ordered.begin(ctx)); err != nil {
		return nil, err
	}
	if err := n.startProfiles(ctx, held, database, from, current); err != nil {
		return nil, err
	}
	if err := n.startLists(ctx, current, resolved, lists, ordered, counts); err != nil {
		return nil, err
	}
	apply := &effect{decisions: from, current: current, path: held.path(overlayFile)}
	if _, _, err := apply.Apply(ctx); n.later(err) != nil {
		return nil, err
	}
	n.trust = trustHandler{validator: resolved.validator}
	all := decided{apply, ordered, n.profiles}
	if !n.config.hasDesk() {
		return resolved, n.startBare(ctx, held, current, resolved, all)
	}
	return resolved, n.startPages(ctx, held, current, resolved, database, all, n.startOrders(ctx, database, ordered))
}

// startPages puts desk, API and portal on the web listeners and the control socket.
func (n *node) startPages(ctx context.Context, held *state, current *policy.Current, resolved *resolution, database *store.DB, all decided, office *orders.Office) error {
	tokens, err := readTokens(n.config)
	if err != nil {
		return err
	}
	if n.people, err = newPeople(n.config, held, database, n); err != nil {
		return err
	}
	proofs, err := n.makeProofs(held, database, resolved, current)
	if err != nil {
		return err
	}
	kept := cases.New(database)
	casework := n.caseworkConfig(current, kept, database, resolved.unfiltered)
	casework.Tell = proofs.letters.Tell
	if err := n.writeStatements(&casework); err != nil {
		return err
	}
	desk := redress.NewDesk(casework, kept, proofs.provers,
		func() redress.Index { return current.Load() }, all.exceptions, n.logger)
	limits, limited, door := n.startLimits(ctx, database, desk)
	counted, err := n.startReports(database)
	if err != nil {
		return err
	}
	households := household.New(n.profiles, n.profiles, database)
	excepted := n.startExceptions(ctx, database, all.exceptions)
	calls := api.New(api.Config{Reports: counted, Heads: n.audit.publisher, Tokens: tokens, Actor: peerOf, Limits: limits, Filings: door, Misuse: n.standing, Limited: limited, Replies: database, Orders: office, Exceptions: excepted, Profiles: households, Clients: n.clients.calls(n.config, current), Proofs: proofs.calls()}, desk, func() api.Index { return current.Load() }, resolved.unfiltered, n.logger)
	if err := n.disclose(n.config); err != nil {
		return err
	}
	kit, err := n.config.pageKit(n.logger)
	if err != nil {
		return err
	}
	shown, err := portal.New(portal.Config{Limits: limits, Filings: door, Limited: limited, Passes: n.passes.forPages(), Papers: papersOf(proofs.papers, desk), Progress: proofs.progress, Policy: n.policyIn, Household: n.config.isHome(), Watch: n.config.Desk.Mail.SMTP != ""}, kit, desk, func() portal.Index { return current.Load() }, resolved.unfiltered)
	if err != nil {
		return err
	}
	n.blockPage = shown.BlockPage()
	pages, err := n.withSignIn(kit, shown)
	if err != nil {
		return err
	}
	if pages, err = n.withHome(ctx, households, database, kit, limits, pages); err != nil {
		return err
	}
	if pages, err = proofs.watchPages(kit, limits, limited, pages); err != nil {
		return err
	}
	if pages, err = n.startConsole(kit, desk, office, excepted, database, current, resolved, pages); err != nil {
		return err
	}
	n.background(ctx, func(ctx context.Context) { desk.Run(ctx, settleInterval) })
	proofs.start(ctx, n, desk)
	n.background(ctx, func(ctx context.Context) { n.keepUp(ctx, database, all) })
	nodes, public, err := n.startFleet(ctx, held, database, api.ByToken(tokens))
	if err != nil {
		return err
	}
	return n.startWeb(held, calls, n.fleetCalls(n.private(calls, current, resolved), database, public), nodes, pages)
}

func (n *node) startWeb(held *state, calls, private, nodes, pages http.Handler) error {
	mux := http.NewServeMux()
	health{ready: n.importer.ready}.register(mux)
	mux.Handle("/api/", calls)
	n.audit.register(mux)
	mux.Handle("/fleet/", nodes)
	mux.Handle("/", pages)
	if err := n.openWeb(mux); err != nil {
		return err
	}
	control, err := startControl(held.path(controlFile), n.trust.beside(private))
	if err != nil {
		return err
	}
	n.closers = append(n.closers, control)
	return nil
}

// openWeb serves the pages where they are wanted, plain and over TLS.
func (n *node) openWeb(pages http.Handler) (err error) {
	if n.block, err = n.serveWeb(n.config.BlockPage.Listen, n.blockPage, nil); err != nil {
		return err
	}
	if n.web, err = n.serveWeb(n.config.Listen.Web, pages, nil); err != nil || len(n.config.Listen.WebTLS) == 0 {
		return err
	}
	encrypted := n.encrypted("h2", "http/1.1")
	if slices.ContainsFunc(n.config.Desk.Tokens, func(token Token) bool { return token.Certificate != "" }) {
		encrypted.ClientAuth = tls.RequestClientCert // which the token is held to, and nothing else
	}
	n.webTLS, err = n.serveWeb(n.config.Listen.WebTLS, pages, encrypted)
	return err
}

// serveWeb serves until the node closes. All such servers then end at the same time, as the
// doors do: each lets its clients finish for a moment.
func (n *node) serveWeb(addresses []netip.AddrPort, handler http.Handler, encrypted *tls.Config) ([]netip.AddrPort, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	web, err := listenWeb(n.sockets, addresses, handler, encrypted)
	if err != nil {
		return nil, err
	}
	n.ends, n.closers = append(n.ends, web.end), append(n.closers, web)
	return web.addrs, nil
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

// readTokens reads the tokens of programs that this version knows what to do with.
func readTokens(config *Config) ([]api.Token, error) {
	var tokens []api.Token
	for i := range config.Desk.Tokens {
		token := &config.Desk.Tokens[i]
		if !slices.Contains([]redress.ActorRole{redress.Reviewer, redress.SecondReviewer, redress.Operator, redress.Auditor, redress.Authority, redress.Household, redress.Provisioning, redress.Node}, redress.ActorRole(token.Role)) {
			continue
		}
		secret, err := config.ReadToken(token)
		if err != nil {
			return nil, fmt.Errorf("token %q: %w", token.Name, err)
		}
		binding, err := config.binding(token)
		if err != nil {
			return nil, fmt.Errorf("token %q: %w", token.Name, err)
		}
		tokens = append(tokens, api.Token{Name: token.Name, Role: redress.ActorRole(token.Role), Hash: redress.HashToken(secret), Until: token.Until, Binding: binding, Profiles: token.Profiles, Cleared: token.Cleared,
			Rate: redress.Rate{Burst: int(token.Rate.Burst), PerMinute: int(token.Rate.PerMinute)}})
	}
	return tokens, nil
}
