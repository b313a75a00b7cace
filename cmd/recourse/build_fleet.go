package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
)

// The parts that a node can have.
const (
	roleResolve = "resolve"
	roleDesk    = "desk"
)

// Fleet is how nodes learn what a desk decided.
type Fleet struct {
	// The desk that a node without one of its own follows, how it proves to be a node, and
	// whose documents it believes.
	Desk      string `yaml:"desk"`
	TokenFile string `yaml:"token_file"`
	KeyFile   string `yaml:"key_file"`
	CAFile    string `yaml:"ca_file"` // who signs the desk's certificate; the system's authorities where empty
	// The other desks, where several share a database: each tells the others which passes it gave.
	Desks []string `yaml:"desks"`
	// A desk's key, the same at all desks of one database; one of its own where empty.
	SigningKeyFile string `yaml:"signing_key_file"`
	// The root of reason codes, the same at every node; one of its own where empty.
	DeploymentKeyFile string `yaml:"deployment_key_file"`
}

func (c *Config) hasDesk() bool  { return slices.Contains(c.Roles, roleDesk) }
func (c *Config) resolves() bool { return slices.Contains(c.Roles, roleResolve) }

// decisions is where a node learns what people decided: the database, or what a desk
// elsewhere told.
type decisions interface {
	Exceptions(ctx context.Context) (uint64, []blocklists.Exception, error)
	OrdersSince(ctx context.Context, after uint64) (uint64, []store.BookedOrder, error)
	Profiles(ctx context.Context) ([]store.ProfileRecord, error)
}

// openDecisions gives the database of a node with a desk, and else what it was told before.
func (n *node) openDecisions(held *state, database *store.DB) decisions {
	if n.config.hasDesk() {
		return n.openRemembered(held, database)
	}
	var err error
	if n.mirror, err = fleet.OpenMirror(held.path(fleetFile)); err != nil {
		n.logger.Error("the decisions on disk cannot be used; the desk is asked for all of them", "error", err)
	}
	return n.mirror
}

// decided puts all that people decided in force.
type decided struct {
	exceptions *effect
	orders     *orderBook
	profiles   *profileBook
}

// Apply implements [fleet.InForce].
func (d decided) Apply(ctx context.Context) (generation uint64, at time.Time, err error) {
	if err := d.profiles.reread(ctx); err != nil {
		return 0, time.Time{}, err
	}
	if _, _, err := d.exceptions.Apply(ctx); err != nil {
		return 0, time.Time{}, err
	}
	return d.orders.Apply(ctx)
}

// follow keeps this node at what a desk elsewhere decided.
func (n *node) follow(ctx context.Context, held *state, all decided) error {
	settings, client, err := n.config.following(held)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	follower := fleet.NewFollower(settings, n.mirror, all, client, writeSecret, n.logger)
	n.background(ctx, follower.Run)
	n.background(ctx, fleet.FollowClients(settings, n.clients.bindings, n.clients.devices, client, n.logger).Run)
	n.background(ctx, fleet.TellEvents(settings, n.audit.database, client, n.logger).Run)
	return nil
}

func (c *Config) following(held *state) (fleet.FollowConfig, *http.Client, error) {
	made := fleet.FollowConfig{Node: c.nodeName(), Version: agent(), Desk: strings.TrimRight(c.Fleet.Desk, "/")}
	keys, err := readDeskKeys(c.File(c.Fleet.KeyFile))
	if err != nil {
		return made, nil, err
	}
	made.Keys = keys
	if made.Token, err = c.ReadToken(&Token{File: c.Fleet.TokenFile}); err != nil {
		return made, nil, err
	}
	key, err := c.deploymentKey(held)
	if err != nil {
		return made, nil, err
	}
	made.Deployment = fingerprint(key)
	client, err := c.fleetClient()
	return made, client, err
}

// fleetClient talks to the desk alone: by no proxy, and to no address that it is sent on to,
// for each request carries the node's token.
func (c *Config) fleetClient() (*http.Client, error) {
	encrypted := &tls.Config{MinVersion: tls.VersionTLS13}
	if c.Fleet.CAFile != "" {
		octets, err := readBounded(c.File(c.Fleet.CAFile))
		if err != nil {
			return nil, err
		}
		encrypted.RootCAs = x509.NewCertPool()
		if !encrypted.RootCAs.AppendCertsFromPEM(octets) {
			return nil, errors.New("ca_file holds no certificate")
		}
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: encrypted, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// startFleet makes the desk that serves nodes, and gives the key that they verify it with.
func (n *node) startFleet(ctx context.Context, held *state, database *store.DB, actor func(*http.Request) (redress.Actor, bool)) (nodes http.Handler, public string, err error) {
	key, err := n.config.signingKey(held)
	if err != nil {
		return nil, "", err
	}
	deployment, err := n.config.deploymentKey(held)
	if err != nil {
		return nil, "", err
	}
	if public, err = publicPEM(key); err != nil {
		return nil, "", err
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	n.ends = append(n.ends, end)
	settings := fleet.DeskConfig{Key: key, Deployment: fingerprint(deployment), Actor: actor}
	n.passes.serveNodes(&settings)
	if n.config.hasNodes() {
		settings.Clients = fleet.NewClients(n.clients.bindings, n.clients.devices)
	}
	return fleet.NewDesk(ctx, settings, database, n.logger).Handler(), public, nil
}

// elsewhere answers for all that a node without a desk does not do, with where it is done.
func elsewhere(desk string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sayProblem(w, http.StatusMisdirectedRequest, "This node has no desk", "It resolves only, and follows the desk at "+desk+". Ask there.")
	})
}

// startBare puts what a node without a desk has on its listeners: its health, and the way to
// the desk's pages.
func (n *node) startBare(ctx context.Context, held *state, current *policy.Current, resolved *resolution, all decided) error {
	desk := n.config.Fleet.Desk
	portal := http.RedirectHandler(n.config.Operator.Portal, http.StatusSeeOther)
	if n.config.Operator.Portal == "" {
		portal = elsewhere(desk)
	}
	away := elsewhere(desk)
	if err := n.bareBlockPage(current, resolved); err != nil {
		return err
	}
	if err := n.startWeb(held, away, n.private(away, current, resolved), away, portal); err != nil {
		return err
	}
	return n.follow(ctx, held, all)
}

// private are the calls of the control socket: those of the API, and of this machine alone.
func (n *node) private(calls http.Handler, current *policy.Current, resolved *resolution) http.Handler {
	return auditCalls(n.accountCalls(noticeCalls(listCalls(explainCalls(controlCalls(calls, resolved), current), n.importer), n.notices)), n.audit.database)
}

const (
	// keepUpRetry is how soon what the database could not say is asked again.
	keepUpRetry = 5 * time.Second
	// keepUpPulse is how often a desk that shares its database says that it is there.
	keepUpPulse = 20 * time.Second
)

// keepUp puts in force what any desk of the database decided, and notes that it is.
func (n *node) keepUp(ctx context.Context, database *store.DB, all decided) {
	failed := false
	for ctx.Err() == nil {
		exceptions, orders, profiles := database.Changed(store.ExceptionsTopic), database.Changed(store.OrdersTopic), database.Changed(store.ProfilesTopic)
		again := time.Duration(1<<63 - 1)
		if n.config.sharesDatabase() {
			again = keepUpPulse
		}
		if err := n.catchUp(ctx, database, all); err != nil && ctx.Err() == nil {
			again = keepUpRetry
			if !failed {
				n.logger.Error("what other desks decided cannot be read; what is in force stays", "error", err)
			}
			failed = true
		} else if failed {
			n.logger.Info("decisions can be read again")
			failed = false
		}
		timer := time.NewTimer(again)
		select {
		case <-exceptions:
		case <-orders:
		case <-profiles:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	if !failed {
		n.rememberLast(ctx, database)
	}
}

func (n *node) catchUp(ctx context.Context, database *store.DB, all decided) error {
	// Read first: the receipt claims no more than what was there before it came in force.
	at, err := fleet.NewSource(database).Position(ctx)
	if err != nil {
		return err
	}
	generation, since, err := all.Apply(ctx)
	if err != nil {
		return err
	}
	if err := n.mirror.Remember(ctx, fleet.NewSource(database), writeSecret); err != nil { // the database has it; the file is a copy
		n.logger.Warn("what was decided is not on disk beside the database", "error", err)
	}
	report := fleet.Report{Node: n.config.nodeName(), Version: agent(), At: since, Generation: generation, Position: at}
	return fleet.Note(ctx, database, &report, time.Now())
}

// sharesDatabase says whether other nodes may write to the database too.
func (c *Config) sharesDatabase() bool { return store.IsPostgres(c.Desk.Store) }

// everywhere gives the nodes that have what was decided in a case in force.
func everywhere(database *store.DB) func(context.Context, redress.CaseID) ([]redress.InForceAt, error) {
	return func(ctx context.Context, id redress.CaseID) ([]redress.InForceAt, error) {
		receipts, err := fleet.CaseReceipts(ctx, database, string(id))
		nodes := make([]redress.InForceAt, 0, len(receipts))
		for _, one := range receipts {
			nodes = append(nodes, redress.InForceAt(one))
		}
		return nodes, err
	}
}
