package api

import (
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

// Config is what the API obeys.
type Config struct {
	// Tokens are those of programs.
	Tokens []Token
	// Actor says who is at the other end where the connection tells it, as on the
	// control socket. Nil: nowhere.
	Actor func(*http.Request) (redress.Actor, bool)
	// Address says from where a request comes, for limits only. Nil: the connection's.
	Address func(*http.Request) netip.Addr
	// Limits are shared with the portal. Nil: the default ones, not shared.
	Limits *redress.Limits
}

// Token lets a program act. Only the hash of the secret is known here.
type Token struct {
	Name string
	Role redress.ActorRole
	Hash redress.TokenHash
	// Until is when the token ends; zero for never.
	Until time.Time
}

// Index is the policy in force, as the API reads it.
type Index interface {
	redress.Index
	// ReasonOf is what the public may know of a match.
	ReasonOf(match policy.Match) policy.Reason
}

// handler holds what the routes need.
type handler struct {
	config Config
	desk   *redress.Desk
	index  func() Index
	reach  *redress.Reach
	logger *slog.Logger
}

// New makes the handler of /api/v1/. The unfiltered resolver lies below policy.
func New(config Config, desk *redress.Desk, index func() Index, unfiltered resolver.Handler, logger *slog.Logger) http.Handler {
	if config.Limits == nil {
		config.Limits = redress.NewLimits(redress.DefaultRates())
	}
	h := &handler{config: config, desk: desk, index: index, reach: redress.NewReach(unfiltered), logger: logger}
	return h.serve()
}

// route is one call of the contract.
type route struct {
	method  string
	path    string
	handler http.HandlerFunc
}

func (h *handler) routes() []route {
	return []route{
		{http.MethodGet, "/api/v1/openapi.json", h.document},
		{http.MethodGet, "/api/v1/lookup", h.lookup},
		{http.MethodGet, "/api/v1/reasons/{code}", h.reason},
		{http.MethodPost, "/api/v1/cases", h.file},
		{http.MethodGet, "/api/v1/cases", h.list},
		{http.MethodGet, "/api/v1/cases/{id}", h.show},
		{http.MethodPost, "/api/v1/cases/{id}/verify", h.verify},
		{http.MethodPost, "/api/v1/cases/{id}/decision", h.decide},
	}
}

// serve joins the routes of one path, so that a wrong method is a problem too.
func (h *handler) serve() http.Handler {
	byPath := make(map[string][]route)
	for _, one := range h.routes() {
		byPath[one.path] = append(byPath[one.path], one)
	}
	mux := http.NewServeMux()
	for path, routes := range byPath {
		mux.HandleFunc(path, choose(routes))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no such call. The calls are described at /api/v1/openapi.json."})
	})
	return guarded(mux)
}

func choose(routes []route) http.HandlerFunc {
	allowed := make([]string, 0, len(routes)+1)
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
		write(w, problem{Title: "Method not allowed", Status: http.StatusMethodNotAllowed, Detail: "This address answers " + strings.Join(allowed, ", ") + "."})
	}
}

// guarded sets what every reply has.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
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
