package fleet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/passing"
)

// Paths of the calls that nodes make.
const (
	ChangesPath  = "/fleet/v1/changes"
	ReceiptsPath = "/fleet/v1/receipts"
)

const (
	// MaxWait is how long a node may wait for a change; a web server gives up on longer replies.
	MaxWait = 20 * time.Second
	// maxNodes bounds who waits at once: a node for decisions, passes and clients.
	maxNodes  = 12288
	maxReport = 4 << 10

	signatureHeader = "Recourse-Signature"
	nonceParameter  = "nonce"
)

// DeskConfig is what a desk needs to serve nodes.
type DeskConfig struct {
	// Key signs the documents.
	Key ed25519.PrivateKey
	// Deployment tells apart keys of reason codes without telling them.
	Deployment string
	// Actor is who asks: only whoever has the role [redress.Node] is answered.
	Actor func(*http.Request) (redress.Actor, bool)
	// Passes are carried to nodes, where this desk gives any: nil where not. Note takes in who looked a
	// ticket up at a node, and Tell tells the other desks.
	Passes *Passes
	Note   func(*passing.Look) error
	Tell   passing.Tell
	// Clients are told to nodes; nil: none.
	Clients *Clients
}

// Desk serves nodes.
type Desk struct {
	config  DeskConfig
	db      *store.DB
	source  *Source
	places  chan struct{}
	closing <-chan struct{}
	logger  *slog.Logger
}

// NewDesk makes a desk that lets those who wait go when the context ends.
func NewDesk(ctx context.Context, config DeskConfig, db *store.DB, logger *slog.Logger) *Desk {
	return &Desk{config: config, db: db, source: NewSource(db), places: make(chan struct{}, maxNodes), closing: ctx.Done(), logger: logger}
}

// Handler serves the calls. Whoever is no node gets 401 or 403 and learns nothing.
func (d *Desk) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+ChangesPath, d.nodesOnly(d.changes))
	mux.HandleFunc("POST "+ReceiptsPath, d.nodesOnly(d.receipts))
	mux.HandleFunc("POST "+EventsPath, d.nodesOnly(d.events))
	if d.config.Passes != nil {
		mux.HandleFunc("GET "+PassesPath, d.nodesOnly(d.passes))
		mux.HandleFunc("POST "+LooksPath, d.nodesOnly(d.looks))
	}
	if d.config.Clients != nil {
		mux.HandleFunc("GET "+ClientsPath, d.nodesOnly(d.clients))
	}
	return mux
}

func (d *Desk) nodesOnly(serve func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		actor, known := d.config.Actor(r)
		switch {
		case !known:
			w.Header().Set("WWW-Authenticate", `Bearer realm="recourse fleet"`)
			http.Error(w, "this call needs the token of a node", http.StatusUnauthorized)
		case actor.Role != redress.Node:
			http.Error(w, "this token is not a node's", http.StatusForbidden)
		default:
			serve(w, r)
		}
	}
}

// question is what a node asks.
type question struct {
	asked
	at Position
}

func readQuestion(r *http.Request) (made question, err error) {
	common, query, err := readAsked(r)
	if err != nil {
		return made, err
	}
	made.asked = common
	for name, to := range map[string]*uint64{"exceptions": &made.at.Exceptions, "orders": &made.at.Orders, "profiles": &made.at.Profiles} {
		if *to, err = strconv.ParseUint(query.Get(name), 10, 63); err != nil {
			return made, fmt.Errorf("%s: not the number of a change", name)
		}
	}
	return made, nil
}

// validNode: letters, digits, dots and hyphens, 64 at most, so that a name is safe in a log,
// a page and a table.
func validNode(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// changes answers at once where there are some, and else when there are, or with none when
// the wait is over.
func (d *Desk) changes(w http.ResponseWriter, r *http.Request) {
	asked, err := readQuestion(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !d.takePlace(w) {
		return
	}
	defer d.leavePlace()
	made, err := d.await(r.Context(), &asked)
	if err != nil {
		d.unable(w, "changes", err)
		return
	}
	made.Nonce, made.At, made.Deployment = asked.nonce, time.Now().UTC(), d.config.Deployment
	body, signature, err := made.sign(d.config.Key)
	if err != nil {
		d.unable(w, "changes", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(signatureHeader, signature)
	_, _ = w.Write(body) // a node that has gone asks again
}

// takePlace lets a node wait; false where too many do, which is said.
func (d *Desk) takePlace(w http.ResponseWriter) bool {
	select {
	case d.places <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many nodes wait", http.StatusServiceUnavailable)
		return false
	}
}

func (d *Desk) leavePlace() { <-d.places }

func (d *Desk) await(ctx context.Context, asked *question) (*Document, error) {
	over := time.NewTimer(asked.wait)
	defer over.Stop()
	for {
		// Asked for before reading, so that no change falls between.
		exceptions, orders, profiles := d.db.Changed(store.ExceptionsTopic), d.db.Changed(store.OrdersTopic), d.db.Changed(store.ProfilesTopic)
		at, err := d.source.Position(ctx)
		if err != nil {
			return nil, err
		}
		if at != asked.at {
			return d.source.Since(ctx, asked.at)
		}
		select {
		case <-exceptions:
		case <-orders:
		case <-profiles:
		case <-over.C:
			return &Document{From: asked.at, To: asked.at}, nil
		case <-d.closing:
			return &Document{From: asked.at, To: asked.at}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (d *Desk) unable(w http.ResponseWriter, what string, err error) {
	if !errors.Is(err, context.Canceled) {
		d.logger.Error("a node could not be served", slog.String("call", what), slog.Any("error", err))
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, "the desk cannot say now; ask again", http.StatusServiceUnavailable)
}
