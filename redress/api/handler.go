package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
)

// Config is what the API obeys.
type Config struct {
	// Tokens are those of programs.
	Tokens []Token
	// Actor says who is at the other end where the connection tells it, as on the
	// control socket. Nil: nowhere.
	Actor func(*http.Request) (redress.Actor, bool)
	// Address says from where a request comes. Nil: the connection's.
	Address func(*http.Request) netip.Addr
	// Limited is the address that limits count by, which may be behind a front end. Nil: Address.
	Limited func(*http.Request) netip.Addr
	// Limits are shared with the portal. Nil: the default ones, not shared.
	Limits *redress.Limits
	// Filings takes what the public files. Nil: the desk does, without limits but those in memory.
	Filings Filings
	// Misuse knows of warnings and suspensions. Nil: there are none.
	Misuse Misuse
	// Replies keeps replies for calls with an Idempotency-Key. Nil: the key is passed over.
	Replies Replies
	// Orders is where orders of authorities come in. Nil: nowhere.
	Orders *orders.Office
	// Exceptions is where they are made and ended by hand. Nil: nowhere.
	Exceptions *exceptions.Office
	// Heads signs the log of events for receipts. Nil: receipts have no head.
	Heads Heads
	// Reports makes transparency reports. Nil: there are none.
	Reports report.Source
	// Clients are those that programs bind. Nil: none.
	Clients *Clients
	// Profiles is what households do with theirs. Nil: nothing.
	Profiles *household.Office
	// Proofs is what of proofs of control lasts. Nil: nothing.
	Proofs *Proofs
}

// Token lets a program act. Only the hash of the secret is known here.
type Token struct {
	Name string
	Role redress.ActorRole
	Hash redress.TokenHash
	// Cleared: its bearer may decide cases about secret lists.
	Cleared bool
	// Until is when the token ends; zero for never.
	Until time.Time
	// Rate is how often it may call; the zero value: without a limit.
	Rate redress.Rate
	// Binding is of the role authority; what it says of jurisdiction, networks and
	// certificates, of provisioning and household too.
	Binding Binding
	// Profiles are those that the role household may change; empty for all.
	Profiles []string
}

// Binding is what a token of an authority may do, and from where.
type Binding struct {
	Authority    string
	Lists        []blocklists.ListID // empty: all of the authority
	Jurisdiction []string
	DailyMax     uint32         // names a day; 0: no bound
	Networks     []netip.Prefix // from which the token works; empty: from anywhere
	// Certificates are the SHA-256 of those of which the client must show one; empty: none.
	Certificates [][32]byte
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
	if config.Address == nil {
		config.Address = route.Peer
	}
	if config.Limited == nil {
		config.Limited = config.Address
	}
	h := &handler{config: config, desk: desk, index: index, reach: redress.NewReach(unfiltered), logger: logger}
	return h.serve()
}

func (h *handler) routes() []route.Route {
	routes := []route.Route{
		{Method: http.MethodGet, Path: "/api/v1/openapi.json", Handler: h.document},
		{Method: http.MethodGet, Path: "/api/v1/lookup", Handler: h.lookup},
		{Method: http.MethodGet, Path: "/api/v1/report", Handler: h.report},
		{Method: http.MethodGet, Path: "/api/v1/reasons/{code}", Handler: h.reason},
		{Method: http.MethodPost, Path: "/api/v1/cases", Handler: h.file},
		{Method: http.MethodGet, Path: "/api/v1/cases", Handler: h.list},
		{Method: http.MethodGet, Path: "/api/v1/cases/{id}", Handler: h.show},
		{Method: http.MethodPost, Path: "/api/v1/cases/{id}/verify", Handler: h.verify},
		{Method: http.MethodPost, Path: "/api/v1/cases/{id}/decision", Handler: h.decide},
	}
	routes = append(routes, h.caseRoutes()...)
	routes = append(routes, h.orderRoutes()...)
	routes = append(routes, h.exceptionRoutes()...)
	routes = append(routes, h.proofRoutes()...)
	routes = append(routes, h.misuseRoutes()...)
	routes = append(routes, h.profileRoutes()...)
	routes = append(routes, h.nameRoutes()...)
	return append(routes, h.clientRoutes()...)
}

func (h *handler) serve() http.Handler {
	wrongMethod := func(w http.ResponseWriter, allowed string) {
		write(w, problem{Title: "Method not allowed", Status: http.StatusMethodNotAllowed, Detail: "This address answers " + allowed + "."})
	}
	missing := func(w http.ResponseWriter, _ *http.Request) {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no such call. The calls are described at /api/v1/openapi.json."})
	}
	return route.Guarded("default-src 'none'; frame-ancestors 'none'", h.rated(route.Mux(h.authorised(h.replayed(h.routes())), wrongMethod, missing)))
}
