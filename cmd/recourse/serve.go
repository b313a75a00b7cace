package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/misuse"
	public "github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/sockets"
	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// node is a running resolver with its desk. It is built from the bottom up and
// closed from the top down: doors first, so that nothing new comes in.
type node struct {
	config  *Config
	logger  *slog.Logger
	closers []io.Closer             // in the order in which they were opened
	ends    []func()                // of the work in the background, and of the web
	led     []func(context.Context) // what one process of a shared database does
	asItIs  bool                    // nothing is imported unless it is asked for

	certificates *tlsconf.Certificates // nil where nothing is encrypted

	blockPage http.Handler // nil where this node has no desk

	importer *importer
	clients  *clientele
	passes   *passDesk
	home     *home
	profiles *profileBook
	people   *people        // nil where this node has no desk
	standing *misuse.Office // nil where this node has no desk
	mirror   *fleet.Mirror  // nil where this node has a desk
	notices  *notices
	audit    *auditing
	// disclosed is what the portal says of the running configuration.
	disclosed atomic.Pointer[public.Disclosures]
	cookies   *cookie.Keys
	trust     trustHandler
	do53      []netip.AddrPort
	dot       []netip.AddrPort
	doh       []netip.AddrPort
	doq       []netip.AddrPort
	web       []netip.AddrPort
	block     []netip.AddrPort
	webTLS    []netip.AddrPort
	// console and consoleTLS are where the pages of staff are, when they are not on the web's.
	console    []netip.AddrPort
	consoleTLS []netip.AddrPort
	metrics    []netip.AddrPort
	updates    *lab.UpdateServer
	sockets    *sockets.Set
}

// runServe serves until the context ends. SIGHUP reads the configuration again; SIGUSR2
// starts the program anew in this process, with the sockets open meanwhile.
func runServe(ctx context.Context, env *environment, options ServeOptions) error {
	config, err := env.config(options.ConfigFlag, options.Lab)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR2)
	defer signal.Stop(signals)

	logger := slog.New(slog.NewJSONHandler(env.stderr, nil))
	inherited, err := sockets.Inherited(sockets.Config{Freebind: config.Listen.Freebind})
	if err != nil {
		return err
	}
	running, err := startNode(ctx, config, options.Lab, inherited, logger)
	if err != nil {
		return err
	}
	if err := running.welcome(ctx, env.stdout); err != nil {
		return errors.Join(err, running.Close())
	}
	running.tellManager(daemon.SdNotifyReady)
	for {
		select {
		case <-ctx.Done():
			running.tellManager(daemon.SdNotifyStopping)
			return running.Close()
		case signal := <-signals:
			running.tellManager(reloading())
			if signal == syscall.SIGHUP {
				running.reload(ctx, options)
			} else if next, err := running.prepareRestart(ctx, options); err != nil {
				logger.Error("the program is not started anew; this one keeps running", "error", err)
			} else {
				if err := running.Close(); err != nil {
					logger.Warn("before the program is started anew", "error", err)
				}
				return next.run()
			}
			running.tellManager(daemon.SdNotifyReady)
		}
	}
}

// startNode takes the state, loads lists and exceptions, and opens doors and pages.
// It answers when it returns.
func startNode(ctx context.Context, config *Config, inLab bool, open *sockets.Set, logger *slog.Logger) (*node, error) {
	n := &node{config: config, logger: logger, sockets: open, closers: []io.Closer{newHeadroom(int64(config.Resolver.Cache))}}
	if err := n.start(ctx, inLab); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *node) start(ctx context.Context, inLab bool) error {
	internet, err := n.startLab(inLab)
	if err != nil {
		return err
	}
	counts := newMetrics()
	resolved, err := n.startDesk(ctx, internet, counts)
	if err != nil {
		return err
	}
	n.startCounting(ctx, counts)
	n.audit.configured("started", n.config, n.importer.current.Load().Key, false)
	n.startCache(resolved.kept, inLab)
	for _, kept := range resolved.standIns {
		n.closers = append(n.closers, kept)
	}
	if err := n.startMetrics(counts); err != nil {
		return err
	}
	zones, err := n.startZones(ctx)
	if err != nil {
		return err
	}
	if n.config.resolves() {
		if err := n.startDoors(ctx, resolved, zones, counts); err != nil {
			return err
		}
	}
	if err := n.closeRest(); err != nil {
		return err
	}
	n.followCertificates(ctx)
	n.startLeading(ctx)
	n.background(ctx, n.importer.refresh)
	n.background(ctx, n.importer.keepCodes)
	n.background(ctx, n.importer.watch)
	if n.config.Resolver.DNSSEC != "off" { // who validates nothing need not follow keys
		n.background(ctx, func(ctx context.Context) { resolved.validator.Run(ctx, resolved.search) })
	}
	if resolved.clock != nil {
		n.background(ctx, func(ctx context.Context) { resolved.clock.Run(ctx, n.logger) })
	}
	return nil
}

// background runs work that ends when the node closes.
func (n *node) background(ctx context.Context, run func(context.Context)) {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); run(ctx) }()
	n.ends = append(n.ends, end)
	n.closers = append(n.closers, closerFunc(func() error { end(); <-done; return nil }))
}

// startPolicy puts in force what the disk has but for the lists: key and exceptions.
func (n *node) startPolicy(held *state) (*policy.Current, error) {
	key, err := n.config.deploymentKey(held)
	if err != nil {
		return nil, err
	}
	return policy.NewCurrent(&policy.Snapshot{Bundle: bundle.Empty(), Overlay: startOverlay(held.path(overlayFile), n.logger), Key: key}), nil
}

// startLists puts in force what is stored of the lists. It waits for no source of the
// network: those are asked through the resolver, which answers only when this is done.
func (n *node) startLists(ctx context.Context, current *policy.Current, resolved *resolution, ledger *ledger, orders *orderBook, counts *metrics) error {
	made, err := newRules(n.config)
	if err != nil {
		return err
	}
	n.importer = newImporter(n.config, newListStore(n.config, resolved.unfiltered, n.logger), current, ledger, counts, n.logger)
	n.importer.audit = n.audit
	n.importer.asItIs, n.importer.orders, n.importer.profiles, n.importer.live = n.asItIs, orders, n.profiles, n.clients.live()
	counts.watchSources(n.importer)
	return n.importer.begin(ctx, made)
}

func (n *node) startLab(wanted bool) (*lab.Internet, error) {
	if !wanted {
		return nil, nil
	}
	internet, err := lab.New(lab.Config{})
	if err != nil {
		return nil, err
	}
	if n.updates, err = internet.Updates("127.0.0.1:0"); err != nil {
		return nil, err
	}
	n.closers = append(n.closers, n.updates)
	return internet, nil
}

func (n *node) startMetrics(counts *metrics) error {
	if len(n.config.Listen.Metrics) == 0 {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(counts.registry, promhttp.HandlerOpts{}))
	var err error
	n.metrics, err = n.serveWeb(n.config.Listen.Metrics, mux, nil)
	return err
}

// reload reads the configuration again. What is wrong with it is said, and the old
// one keeps running.
func (n *node) reload(ctx context.Context, options ServeOptions) {
	n.reloadCertificates()
	if options.Config == "" {
		n.reimport(ctx, n.config)
		return
	}
	config, warnings, err := LoadConfig(options.Config)
	for _, warning := range warnings {
		n.logger.Warn("configuration", "warning", warning.String())
	}
	if err != nil {
		n.logger.Error("the new configuration is not used; the old one keeps running", "error", err)
		return
	}
	if !n.config.startsAs(config) {
		n.logger.Warn("listeners and their limits, tls, serve_rpz, zones and the state directory change with a restart; lists, profiles, clients, operator and the secrets of cookies change now")
	}
	n.reloadCookies(config)
	n.reloadNotices(config)
	if err := n.disclose(config); err != nil {
		n.logger.Error("the page /policy stays as it was", "error", err)
	}
	n.audit.configured("reloaded", config, n.importer.current.Load().Key, !n.config.startsAs(config))
	n.reimport(ctx, config)
}

func (n *node) reimport(ctx context.Context, config *Config) {
	made, err := newRules(config)
	if err == nil {
		made.standIns = n.config.StandIns() // what answers for them was made at the start
		made.operator.PassZone = n.config.passZone()
		err = n.importer.load(ctx, made)
	}
	if err == nil {
		n.profiles.warnOfChanged(config.Profiles)
	}
	if err != nil {
		n.logger.Error("the lists were not imported; those in force stay", "error", err)
	}
}

// closeTime bounds how long an end may take.
const closeTime = 1400 * time.Millisecond

// Close stops everything. What still waits is ended, what is written is whole. Done again
// it does nothing.
func (n *node) Close() error {
	closers := n.closers
	n.closers = nil
	for _, end := range n.ends { // all at once; each is waited for in its turn
		end()
	}
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, closer := range slices.Backward(closers) {
			errs = append(errs, closer.Close())
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeTime):
		return errors.New("not everything had ended in time")
	}
}

// welcome says what listens where, and three things to try. Its last line begins
// with "Ready": whoever waits for the server reads up to there.
func (n *node) welcome(ctx context.Context, to io.Writer) error {
	var text strings.Builder
	for _, address := range n.do53 {
		fmt.Fprintf(&text, "DNS      %s (UDP and TCP)\n", address)
	}
	for _, address := range n.dot {
		fmt.Fprintf(&text, "DNS      %s (TLS)\n", address)
	}
	for _, address := range n.doh {
		fmt.Fprintf(&text, "DNS      https://%s%s (HTTP/2 and HTTP/3)\n", address, doh.Path)
	}
	for _, address := range n.doq {
		fmt.Fprintf(&text, "DNS      %s (QUIC)\n", address)
	}
	for _, address := range n.block {
		fmt.Fprintf(&text, "blocked  http://%s (whatever the host)\n", address)
	}
	for _, address := range n.web {
		fmt.Fprintf(&text, "web      http://%s\n", address)
	}
	for _, address := range n.webTLS {
		fmt.Fprintf(&text, "web      https://%s\n", address)
	}
	for _, address := range n.console {
		fmt.Fprintf(&text, "console  http://%s%s\n", address, console.Path)
	}
	for _, address := range n.consoleTLS {
		fmt.Fprintf(&text, "console  https://%s%s\n", address, console.Path)
	}
	for _, address := range n.metrics {
		fmt.Fprintf(&text, "metrics  http://%s/metrics\n", address)
	}
	n.welcomeCertificates(&text)
	fmt.Fprintf(&text, "state    %s\n", n.config.StateDir())
	if n.updates != nil {
		fmt.Fprintf(&text, "\n%s", updateHelp(n.updates))
	}
	n.suggest(&text)
	if err := n.welcomeClaim(ctx, &text); err != nil {
		return err
	}
	text.WriteString("\nReady.\n")
	_, err := io.WriteString(to, text.String())
	return err
}

// maxSuggested is how many entries are tried for one that this machine is blocked from.
const maxSuggested = 100

// suggest writes a name that resolves, a blocked one, and the page that explains it.
func (n *node) suggest(text *strings.Builder) {
	if len(n.do53) == 0 {
		return
	}
	resolving := "www.example.com"
	if n.updates != nil {
		resolving = "www.signed.example"
	}
	address := n.do53[0].Addr()
	if address.IsUnspecified() {
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	ask := fmt.Sprintf("kdig @%s -p %d +edns", address, n.do53[0].Port())
	fmt.Fprintf(text, "\nTry:\n  %s %s\n", ask, resolving)
	if blocked := n.blockedFor(address); blocked != nil {
		fmt.Fprintf(text, "  %s %s\n  %s/r/%s\n", ask, blocked.Entry.Name, n.config.Operator.Portal, blocked.Code)
	}
}

// blockedFor gives an entry that blocks its name for a client, of the list that stands first; nil for none.
func (n *node) blockedFor(address netip.Addr) *policy.Match {
	snapshot := n.importer.current.Load()
	var first *policy.Match
	place, tried := 0, 0
	for id, entry := range snapshot.Bundle.All() {
		if tried++; tried > maxSuggested {
			break
		}
		if entry.Trigger != blocklists.OnName {
			continue
		}
		list := snapshot.Bundle.ListIndex(id)
		verdict, err := snapshot.Explain(entry.Name, policy.Subject{Client: resolver.Client{Addr: address}}, time.Now())
		if err == nil && verdict.Action == policy.Block && verdict.Primary.Entry.Name == entry.Name && (first == nil || list < place) {
			first, place = verdict.Primary, list
		}
	}
	return first
}
