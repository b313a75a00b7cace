package portal

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
)

// Config is what the portal obeys.
type Config struct {
	Operator policy.Operator
	// Location is the time zone of all times. Nil: UTC.
	Location *time.Location
	// Limited is the address that limits count by, and that a pass must have been asked for from; it
	// may be behind a front end. Nil: the connection's.
	Limited func(*http.Request) netip.Addr
	// Passes let people past blocks of security; nil: nobody is. They need a portal, and the
	// operator's PassZone.
	Passes Passes
	// Limits are shared with the API. Nil: the default ones, not shared.
	Limits *redress.Limits
	// Policy is the statement of what the resolver does. Nil: none.
	Policy func() *report.Statement
}

// Index is the policy in force, as the pages read it.
type Index interface {
	redress.Index
	// ReasonOf is what the public may know of a match.
	ReasonOf(match policy.Match) policy.Reason
}

//go:embed style.css
var style []byte

// handler holds what the pages need.
type handler struct {
	config    Config
	desk      *redress.Desk
	index     func() Index
	reach     *redress.Reach
	templates map[string]*template.Template
	stylePath string
	logger    *slog.Logger
}

// New makes the handler of the public pages. The unfiltered resolver lies below
// policy. Its error is a fault of the program or of the portal's address.
func New(config Config, desk *redress.Desk, index func() Index, unfiltered resolver.Handler, logger *slog.Logger) (http.Handler, error) {
	if config.Limits == nil {
		config.Limits = redress.NewLimits(redress.DefaultRates())
	}
	if config.Limited == nil {
		config.Limited = route.Peer
	}
	if config.Location == nil {
		config.Location = time.UTC
	}
	sum := sha256.Sum256(style)
	h := &handler{
		config: config, desk: desk, index: index, reach: redress.NewReach(unfiltered), logger: logger,
		stylePath: "/style-" + hex.EncodeToString(sum[:6]) + ".css",
	}
	var err error
	if h.templates, err = parseTemplates(config.Location); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	return h.serve()
}

func (h *handler) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/{$}", Handler: h.home},
		{Method: http.MethodGet, Path: h.stylePath, Handler: h.styleSheet},
		{Method: http.MethodGet, Path: "/r/{code}", Handler: h.reason},
		{Method: http.MethodGet, Path: "/policy", Handler: h.policy},
		{Method: http.MethodGet, Path: "/contest", Handler: h.contest},
		{Method: http.MethodGet, Path: "/cases/new", Handler: h.blankForm},
		{Method: http.MethodPost, Path: "/cases/new", Handler: h.file},
		{Method: http.MethodGet, Path: "/cases/{id}", Handler: h.status},
		{Method: http.MethodPost, Path: "/cases/{id}/verify", Handler: h.verify},
	}
}

func (h *handler) serve() (http.Handler, error) {
	wrongMethod := func(w http.ResponseWriter, _ string) {
		h.fault(w, http.StatusMethodNotAllowed, "This page cannot be used that way", "Go back and follow a link or a button.")
	}
	mux := route.Mux(h.routes(), wrongMethod, func(w http.ResponseWriter, _ *http.Request) { h.missing(w) })

	protection := http.NewCrossOriginProtection()
	if origin := h.origin(); origin != "" {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.fault(w, http.StatusForbidden, "This form was sent from another site",
			"We took nothing from it. Open the form here and send it again.")
	}))
	return route.Guarded(contentPolicy(""), protection.Handler(h.byHost(mux))), nil
}

// origin is the scheme and host of the portal's public address, which a front end
// may have before a host of another name.
func (h *handler) origin() string {
	scheme, rest, found := strings.Cut(h.config.Operator.Portal, "://")
	if !found {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

func (h *handler) styleSheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(style) // the client has gone; nobody is left to tell
}

// fail shows the desk's errors that no form can mend.
func (h *handler) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, redress.ErrNotFound) {
		h.missingCase(w)
		return
	}
	h.logger.Error("page failed", slog.Any("error", err))
	if store.Unavailable(err) {
		w.Header().Set("Retry-After", strconv.Itoa(redress.RetryAfter))
		h.fault(w, http.StatusServiceUnavailable, "We cannot take anything now", "Our records cannot be reached at the moment. What you sent was not taken: send it again in a few minutes. Nothing else is affected.")
		return
	}
	h.fault(w, http.StatusInternalServerError, "Something failed on our side", "Nothing was taken that we do not confirm. Try again in a few minutes.")
}
