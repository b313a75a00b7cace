package signin

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/provider"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
)

// Config is what the pages obey.
type Config struct {
	// Portal is the public address of the pages.
	Portal string
	// Title is what an app for codes says that it is for.
	Title string
	// Offered are the languages to choose from. Empty: all.
	Offered []string
	// More holds an operator's own files of texts. Nil: none.
	More fs.FS
	// Provider vouches for people. Nil: none.
	Provider *provider.Provider
	// ProviderName is what the button for it says.
	ProviderName string
	// May says whether somebody may sign in over the connection of a request.
	May func(*http.Request) bool
	// Network is the address that attempts are counted by. Nil: the connection's.
	Network func(*http.Request) netip.Addr
	// Home is where somebody of a role goes after sign-in. Nil: to their own account.
	Home func(redress.ActorRole) string
}

//go:embed templates/*.html texts/*.json passkey.js
var files embed.FS

// Catalogue is the texts of these pages.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("signin", files, more)
}

// handler holds what the pages need.
type handler struct {
	config Config
	office *accounts.Office
	gate   *accounts.Gate
	pages  *page.Pages
	script page.Asset
	logger *slog.Logger
}

// Pages are the pages of sign-in.
type Pages struct{ h *handler }

// New makes the pages.
func New(config Config, kit *page.Kit, office *accounts.Office, gate *accounts.Gate, logger *slog.Logger) (*Pages, error) {
	if config.Network == nil {
		config.Network = route.Peer
	}
	if config.May == nil {
		config.May = func(r *http.Request) bool { return r.TLS != nil }
	}
	if config.Home == nil {
		config.Home = func(redress.ActorRole) string { return accountPath }
	}
	texts, err := Catalogue(config.More)
	if err != nil {
		return nil, err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	script, err := files.ReadFile("passkey.js")
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	h := &handler{config: config, office: office, gate: gate, script: page.NewAsset("passkey.js", "text/javascript; charset=utf-8", script), logger: logger}
	h.pages, err = kit.Pages(page.Source{Files: templates, Texts: texts, Offered: config.Offered, Section: "signin.section"})
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	return &Pages{h}, nil
}

// Addresses of the pages.
const (
	accountPath  = "/account"
	welcomePath  = "/welcome"
	claimPath    = "/claim"
	providerPath = accounts.SignInPath + "/provider"
	// CallbackPath is where a provider sends browsers back to.
	CallbackPath = accounts.SignInPath + "/oidc"
)

// Routes are all pages.
func (p *Pages) Routes() []route.Route {
	h := p.h
	get, post, all := http.MethodGet, http.MethodPost, accounts.Roles()
	own := func(next accounts.Handler) http.HandlerFunc { return h.gate.Require(next, all...) }
	grave := func(next accounts.Handler) http.HandlerFunc { return h.gate.Recently(next, all...) }
	return []route.Route{
		h.script.Route(),
		{Method: get, Path: accounts.SignInPath, Handler: h.guarded(h.form)},
		{Method: post, Path: accounts.SignInPath, Handler: h.guarded(h.signIn)},
		{Method: post, Path: accounts.SignInPath + "/passkey/begin", Handler: h.guarded(h.beginPasskey)},
		{Method: post, Path: accounts.SignInPath + "/passkey", Handler: h.guarded(h.finishPasskey)},
		{Method: get, Path: providerPath, Handler: h.guarded(h.toProvider)},
		{Method: get, Path: CallbackPath, Handler: h.guarded(h.fromProvider)},
		{Method: get, Path: accounts.AgainPath, Handler: h.guarded(own(h.againForm))},
		{Method: post, Path: accounts.AgainPath, Handler: h.guarded(own(h.again))},
		{Method: post, Path: "/sign-out", Handler: h.signOut},
		{Method: get, Path: claimPath, Handler: h.guarded(h.claimForm)},
		{Method: post, Path: claimPath, Handler: h.guarded(h.claim)},
		{Method: get, Path: welcomePath, Handler: h.guarded(h.welcome)},
		{Method: post, Path: welcomePath, Handler: h.guarded(h.accept)},
		{Method: post, Path: welcomePath + "/passkey/begin", Handler: h.guarded(h.beginAccept)},
		{Method: post, Path: welcomePath + "/passkey", Handler: h.guarded(h.finishAccept)},
		{Method: get, Path: accountPath, Handler: own(h.account)},
		{Method: post, Path: accountPath + "/sessions", Handler: own(h.endSessions)},
		{Method: get, Path: accountPath + "/password", Handler: grave(h.passwordForm)},
		{Method: post, Path: accountPath + "/password", Handler: grave(h.setPassword)},
		{Method: post, Path: accountPath + "/codes", Handler: grave(h.newCodes)},
		{Method: get, Path: accountPath + "/passkeys", Handler: grave(h.passkeyForm)},
		{Method: post, Path: accountPath + "/passkeys/begin", Handler: grave(h.beginAdd)},
		{Method: post, Path: accountPath + "/passkeys", Handler: grave(h.finishAdd)},
		{Method: post, Path: accountPath + "/passkeys/remove", Handler: grave(h.removePasskey)},
	}
}

// Handler serves the pages. What other sites send is refused.
func (p *Pages) Handler() (http.Handler, error) {
	wrongMethod := func(w http.ResponseWriter, _ string) {
		http.Error(w, "This page cannot be used that way.", http.StatusMethodNotAllowed)
	}
	mux := route.Mux(p.Routes(), wrongMethod, p.h.pages.Missing)
	protection := http.NewCrossOriginProtection()
	if portal, err := url.Parse(p.h.config.Portal); err == nil && portal.Host != "" {
		if err := protection.AddTrustedOrigin(portal.Scheme + "://" + portal.Host); err != nil {
			return nil, fmt.Errorf("signin: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(p.h.pages.Foreign))
	return page.Guarded(protection.Handler(mux)), nil
}

// guarded keeps people from showing who they are over a connection that others read.
func (h *handler) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.config.May(r) {
			next(w, r)
			return
		}
		tongue := h.pages.Tongue(r)
		h.pages.Fault(w, r, http.StatusForbidden, tongue.Say("plain.title"), tongue.Say("plain.text", "address", h.config.Portal))
	}
}

// head is what stands around a page. With script: the one for passkeys.
func (h *handler) head(r *http.Request, title string, script bool) page.Head {
	head := page.Head{Title: h.pages.Tongue(r).Say(title)}
	if script && h.office.Passkeys() {
		head.Script = h.script.Path
	}
	return head
}

// signedIn is head for pages of somebody who is.
func (h *handler) signedIn(r *http.Request, title string, who accounts.Identity, script bool) page.Head {
	head := h.head(r, title, script)
	head.SignedIn, head.SignOut = who.Name, "/sign-out"
	return head
}

// after is where to go after sign-in: back to what was asked for, or home.
func (h *handler) after(next string, role redress.ActorRole) string {
	if next = accounts.Local(next); next != "/" {
		return next
	}
	return h.config.Home(role)
}

// admit gives the browser what it is let in with.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, admission *accounts.Admission) {
	h.gate.Admit(w, r, admission.Session)
	if admission.Device != "" {
		h.gate.Put(w, r, accounts.DeviceCookie, admission.Device, int(deviceAge/time.Second))
	}
}

// deviceAge is how long a browser is known again.
const deviceAge = 365 * 24 * time.Hour

// unseen says why something is not done that no form can mend.
func (h *handler) unseen(w http.ResponseWriter, r *http.Request, err error) {
	tongue := h.pages.Tongue(r)
	if throttled, is := errors.AsType[*accounts.Throttled](err); is {
		w.Header().Set("Retry-After", redress.RetryIn(throttled.Wait))
		h.pages.Fault(w, r, http.StatusTooManyRequests, tongue.Say("throttled.title"), tongue.Say("throttled.text", "wait", tongue.Duration(rounded(throttled.Wait))))
		return
	}
	if errors.Is(err, accounts.ErrWord) {
		h.pages.Fault(w, r, http.StatusNotFound, tongue.Say("word.title"), tongue.Say("word.text"))
		return
	}
	h.pages.Failed(w, r, err)
}

// rounded is a length of time that is said in words: whole minutes, when there are some.
func rounded(wait time.Duration) time.Duration {
	if wait > time.Minute {
		return wait.Truncate(time.Minute) + time.Minute
	}
	return wait
}
