package portal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config is what the portal obeys.
type Config struct {
	// Limited is the address that limits count by, and that a pass must have been asked for from; it
	// may be behind a front end. Nil: the connection's.
	Limited func(*http.Request) netip.Addr
	// Passes let people past blocks of security; nil: nobody is. They need a portal, and the
	// operator's PassZone.
	Passes Passes
	// Limits are shared with the API. Nil: the default ones, not shared.
	Limits *redress.Limits
	// Filings takes what is filed. Nil: the desk does, without limits but those in memory.
	Filings Filings
	// Papers takes what a party sends to show that a name is its own, for a person to look at. Nil: none is taken.
	Papers func(ctx context.Context, id redress.CaseID, token string, content []byte) error
	// Progress is how far the proof of control of a case is. Nil: that is not shown.
	Progress func(ctx context.Context, id redress.CaseID) (control.Progress, error)
	// Policy is the statement of what the resolver does, in the language of a tag. Nil: none.
	Policy func(tag string) *report.Statement
	// Household: the pages of a home are beside these, and the first page leads to them.
	Household bool
	// Watch: owners can watch a name, and the first page says so.
	Watch bool
}

// Index is the policy in force, as the pages read it.
type Index interface {
	redress.Index
	// ReasonOf is what the public may know of a match.
	ReasonOf(match policy.Match) policy.Reason
	// Explain judges a name for a client that need not be there.
	Explain(name wire.Name, subject policy.Subject, at time.Time) (policy.Verdict, error)
}

//go:embed templates/*.html texts/*.json
var files embed.FS

// Catalogue is the portal's texts, with those that an operator adds.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("portal", files, more)
}

// handler holds what the pages need.
type handler struct {
	config   Config
	operator policy.Operator
	kit      *page.Kit
	pages    *page.Pages
	desk     *redress.Desk
	index    func() Index
	reach    *redress.Reach
	guide    *guide.Guide
}

// Portal is the public pages, and the page that is seen in the place of blocked sites.
type Portal struct {
	pages, block http.Handler
}

// ServeHTTP serves the public pages; and where the host is a blocked site's, its block page.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.pages.ServeHTTP(w, r) }

// BlockPage serves the block page alone, whatever is asked for.
func (p *Portal) BlockPage() http.Handler { return p.block }

// New makes the public pages. The unfiltered resolver lies below policy. Its error is a fault of the
// program, of the portal's address or of an operator's texts.
func New(config Config, kit *page.Kit, desk *redress.Desk, index func() Index, unfiltered resolver.Handler) (*Portal, error) {
	if config.Limits == nil {
		config.Limits = redress.NewLimits(redress.DefaultRates())
	}
	if config.Limited == nil {
		config.Limited = route.Peer
	}
	h := &handler{config: config, operator: kit.Operator(), kit: kit, desk: desk, index: index, reach: redress.NewReach(unfiltered)}
	var err error
	if h.guide, err = guide.New(h.operator.Name, unfiltered, kit.More()); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	if h.pages, err = newPages(kit); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	pages, err := h.serve()
	if err != nil {
		return nil, err
	}
	return &Portal{pages: pages, block: page.Guarded(http.HandlerFunc(h.blockPage))}, nil
}

func newPages(kit *page.Kit) (*page.Pages, error) {
	texts, err := Catalogue(kit.More())
	if err != nil {
		return nil, err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	return kit.Pages(page.Source{Files: templates, Texts: texts, Offered: kit.Operator().Languages, Functions: template.FuncMap{
		"venues": venuesFor, "join": func(all []string) string { return strings.Join(all, ", ") },
	}})
}

func (h *handler) routes() []route.Route {
	return append(h.kit.Routes(), []route.Route{
		{Method: http.MethodGet, Path: "/{$}", Handler: h.home},
		{Method: http.MethodGet, Path: "/robots.txt", Handler: robots},
		{Method: http.MethodGet, Path: "/r", Handler: h.code},
		{Method: http.MethodGet, Path: "/r/{code}", Handler: h.reason},
		{Method: http.MethodGet, Path: "/r/{code}/dossier", Handler: h.dossier},
		{Method: http.MethodGet, Path: "/r/{code}/dossier.json", Handler: h.dossierJSON},
		{Method: http.MethodGet, Path: "/policy", Handler: h.policy},
		{Method: http.MethodGet, Path: "/contest", Handler: h.contest},
		{Method: http.MethodGet, Path: "/cases/new", Handler: h.blankForm},
		{Method: http.MethodPost, Path: "/cases/new", Handler: h.file},
		{Method: http.MethodGet, Path: "/cases/lost", Handler: h.lost},
		{Method: http.MethodPost, Path: "/cases/lost/words", Handler: h.recover},
		{Method: http.MethodPost, Path: "/cases/lost/renew", Handler: h.renewal},
		{Method: http.MethodGet, Path: "/cases/{id}", Handler: h.status},
		{Method: http.MethodGet, Path: "/cases/{id}/dossier.json", Handler: copyOf(h, h.desk.Dossier)},
		{Method: http.MethodGet, Path: "/cases/{id}/statement", Handler: h.statement},
		{Method: http.MethodGet, Path: "/cases/{id}/statement.json", Handler: copyOf(h, h.desk.Statement)},
		{Method: http.MethodPost, Path: "/cases/{id}/document", Handler: h.document},
		{Method: http.MethodPost, Path: "/cases/{id}/message", Handler: h.message},
		{Method: http.MethodPost, Path: "/cases/{id}/appeal", Handler: h.appeal},
		{Method: http.MethodPost, Path: "/cases/{id}/measure", Handler: h.appealMeasure},
		{Method: http.MethodPost, Path: "/cases/{id}/withdraw", Handler: h.withdraw},
		{Method: http.MethodPost, Path: "/cases/{id}/verify", Handler: h.verify},
	}...)
}

func (h *handler) serve() (http.Handler, error) {
	mux := http.NewServeMux()
	routed := route.MuxOf(h.routes(), h.pages.WrongMethod, h.pages.Missing)
	mux.Handle("/", routed)

	protection := http.NewCrossOriginProtection()
	if origin := h.origin(); origin != "" {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(h.pages.Foreign))
	return page.Guarded(protection.Handler(h.byHost(mux))), nil
}

// origin is the scheme and host of the portal's public address, which a front end
// may have before a host of another name.
func (h *handler) origin() string {
	scheme, rest, found := strings.Cut(h.operator.Portal, "://")
	if !found {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// fail shows the desk's errors that no form can mend.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, redress.ErrNotFound) {
		h.missingCase(w, r)
		return
	}
	h.pages.Failed(w, r, err)
}

// absent says what is not there, by the key of the portal's own texts.
func (h *handler) absent(w http.ResponseWriter, r *http.Request, key string) {
	tongue := h.pages.Tongue(r)
	h.pages.Fault(w, r, http.StatusNotFound, tongue.Say(key), tongue.Say(key+".text"))
}

func (h *handler) missingCase(w http.ResponseWriter, r *http.Request) {
	h.absent(w, r, "missing.case")
}

// robots lets search engines find the first page. What is looked up says of itself that it is not to
// be listed, which they only see if they may fetch it; cases are nobody's.
func robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /cases/\nDisallow: /api/\n")) // the client has gone; nobody is left to tell
}

// ways are those by which people reach us without this page.
type ways struct {
	Operator policy.Operator
	// Spelled is a reason code as it is read over the telephone; "" where the page has none.
	Spelled string
}
