package accounts

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// GateConfig is what a gate obeys.
type GateConfig struct {
	// Secure says whether a request came over TLS, to us or to the front end. Nil: whether to us.
	Secure func(*http.Request) bool
	// Refuse shows why a page is not shown: 403 who may not, 503 when the database is not there. Nil: in plain text.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, heading, text string)
}

// Gate tells pages who asks.
type Gate struct {
	config GateConfig
	office *Office
}

// NewGate makes a gate before an office.
func NewGate(config GateConfig, office *Office) *Gate {
	if config.Secure == nil {
		config.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if config.Refuse == nil {
		config.Refuse = func(w http.ResponseWriter, _ *http.Request, status int, heading, text string) {
			http.Error(w, heading+": "+text, status)
		}
	}
	return &Gate{config: config, office: office}
}

// Handler is a page that knows who asks.
type Handler func(w http.ResponseWriter, r *http.Request, who Identity)

// Addresses of the pages of sign-in.
const (
	SignInPath = "/sign-in"
	AgainPath  = "/sign-in/again"
)

// Who says who asks; false where nobody is signed in, and where that cannot be found out now.
func (g *Gate) Who(r *http.Request) (Identity, bool) {
	who, err := g.identify(r)
	return who, err == nil
}

func (g *Gate) identify(r *http.Request) (Identity, error) {
	token := g.session(r)
	if token == "" {
		return Identity{}, ErrNoSession
	}
	who, err := g.office.Identify(r.Context(), token)
	if err != nil && !errors.Is(err, ErrNoSession) {
		g.office.logger.Error("nobody can be let in", slog.Any("error", err))
	}
	return who, err
}

// Require lets in who has one of the roles. Who is not signed in is sent to do so, and comes back.
func (g *Gate) Require(next Handler, roles ...redress.ActorRole) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := g.identify(r)
		switch {
		case errors.Is(err, ErrNoSession):
			g.toSignIn(w, r, SignInPath)
		case err != nil:
			w.Header().Set("Retry-After", "30")
			g.config.Refuse(w, r, http.StatusServiceUnavailable, "We cannot see who you are just now", "Our database does not answer. Try again in a minute.")
		case !slices.Contains(roles, who.Role):
			g.config.Refuse(w, r, http.StatusForbidden, "Your account may not do this", "It is for others at this desk. Ask whoever runs it if you should.")
		default:
			next(w, r, who)
		}
	}
}

// RecentTerm is how long ago somebody may have shown who they are, for what cannot be taken back.
const RecentTerm = 15 * time.Minute

// Recently is [Gate.Require] for what cannot be taken back: who has not shown of late who they are, is asked to.
// The page with the form wants it as well as its sending, so that nothing filled in is lost.
func (g *Gate) Recently(next Handler, roles ...redress.ActorRole) http.HandlerFunc {
	return g.Require(func(w http.ResponseWriter, r *http.Request, who Identity) {
		if time.Since(who.Proved) >= RecentTerm {
			g.toSignIn(w, r, AgainPath)
			return
		}
		next(w, r, who)
	}, roles...)
}

// toSignIn sends to a page of sign-in, from where it goes back to the page that was asked for, or from
// which the form came.
func (g *Gate) toSignIn(w http.ResponseWriter, r *http.Request, path string) {
	back := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		back = ""
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			back = from.RequestURI()
		}
	}
	if back = Local(back); back != "/" {
		path += "?next=" + url.QueryEscape(back)
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// maxNext bounds the address that is gone back to.
const maxNext = 2000

// Local is an address of this site to go to; / where the text is none, so that no link leads through
// our sign-in to another site.
func Local(text string) string {
	parsed, err := url.Parse(text)
	switch {
	case err != nil, len(text) > maxNext, !strings.HasPrefix(text, "/"), strings.HasPrefix(text, "//"), strings.ContainsAny(text, "\\\r\n\t"):
		return "/"
	case parsed.Scheme != "", parsed.Host != "", parsed.User != nil, strings.HasPrefix(parsed.Path, "//"):
		return "/"
	}
	return parsed.RequestURI()
}
