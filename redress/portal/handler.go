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
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver"
)

// Config is what the portal obeys.
type Config struct {
	Operator policy.Operator
	// Location is the time zone of all times. Nil: UTC.
	Location *time.Location
	// Address says from where a request comes, for limits only. Nil: the connection's.
	Address func(*http.Request) netip.Addr
	// Limits are shared with the API. Nil: the default ones, not shared.
	Limits *redress.Limits
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

// route is one page.
type route struct {
	method  string
	path    string
	handler http.HandlerFunc
}

func (h *handler) routes() []route {
	return []route{
		{http.MethodGet, "/{$}", h.home},
		{http.MethodGet, h.stylePath, h.styleSheet},
		{http.MethodGet, "/r/{code}", h.reason},
		{http.MethodGet, "/contest", h.contest},
		{http.MethodGet, "/cases/new", h.blankForm},
		{http.MethodPost, "/cases/new", h.file},
		{http.MethodGet, "/cases/{id}", h.status},
		{http.MethodPost, "/cases/{id}/verify", h.verify},
	}
}

func (h *handler) serve() (http.Handler, error) {
	byPath := make(map[string][]route)
	for _, one := range h.routes() {
		byPath[one.path] = append(byPath[one.path], one)
	}
	mux := http.NewServeMux()
	for path, routes := range byPath {
		mux.HandleFunc(path, h.choose(routes))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { h.missing(w) })

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
	return guarded(protection.Handler(mux)), nil
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

func (h *handler) choose(routes []route) http.HandlerFunc {
	var allowed []string
	for _, one := range routes {
		allowed = append(allowed, one.method)
		if one.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	return func(w http.ResponseWriter, r *http.Request) {
		for _, one := range routes {
			if r.Method == one.method || r.Method == http.MethodHead && one.method == http.MethodGet {
				one.handler(w, r)
				return
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		h.fault(w, http.StatusMethodNotAllowed, "This page cannot be used that way", "Go back and follow a link or a button.")
	}
}

// guarded sets what every page has.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (h *handler) styleSheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(style) // the client has gone; nobody is left to tell
}

func (h *handler) address(r *http.Request) netip.Addr {
	if h.config.Address != nil {
		return h.config.Address(r)
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr()
}

// fail shows the desk's errors that no form can mend.
func (h *handler) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, redress.ErrNotFound) {
		h.missingCase(w)
		return
	}
	h.logger.Error("page failed", slog.Any("error", err))
	h.fault(w, http.StatusInternalServerError, "Something failed on our side", "Nothing was taken that we do not confirm. Try again in a few minutes.")
}
