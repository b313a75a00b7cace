package pages

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
)

// Root is below which all pages are.
const Root = "/home/"

//go:embed templates/*.html texts/*.json
var files embed.FS

type handler struct {
	config  Config
	pages   *page.Pages
	handing *handing
}

// Catalogue is the texts of the pages.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("home", files, more)
}

// New makes the handler of all below [Root]. An error is a fault of the program.
func New(config Config) (http.Handler, error) {
	texts, err := Catalogue(config.More)
	if err != nil {
		return nil, err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	h := &handler{config: config, handing: newHanding()}
	if h.pages, err = config.Kit.Pages(page.Source{Files: templates, Texts: texts, Offered: config.Languages, Functions: functions(), Home: Root, Section: "section"}); err != nil {
		return nil, fmt.Errorf("household pages: %w", err)
	}
	return h.serve()
}

func (h *handler) routes() []route.Route {
	adult := func(next accounts.Handler) http.HandlerFunc { return h.config.Gate.Require(next, mayManage()...) }
	routes := []route.Route{
		{Method: http.MethodGet, Path: "/home/{$}", Handler: h.home},
		{Method: http.MethodGet, Path: "/home/device", Handler: h.device},
		{Method: http.MethodGet, Path: "/home/device/find", Handler: h.findDevice},
		{Method: http.MethodGet, Path: "/home/device/found/{label}", Handler: h.foundDevice},
		{Method: http.MethodPost, Path: "/home/device/leave", Handler: h.leaveDevice},
		{Method: http.MethodGet, Path: "/home/ask", Handler: h.askForm},
		{Method: http.MethodPost, Path: "/home/ask", Handler: h.ask},
		{Method: http.MethodGet, Path: "/home/check", Handler: h.check},
		{Method: http.MethodGet, Path: "/home/check/{label}", Handler: h.checked},
		{Method: http.MethodGet, Path: "/home/router", Handler: h.routers},
		{Method: http.MethodGet, Path: "/home/router/{kind}", Handler: h.router},
		{Method: http.MethodGet, Path: "/home/take/{code}", Handler: h.take},
		{Method: http.MethodGet, Path: "/home/take/{code}/recourse.mobileconfig", Handler: h.appleProfile},
		{Method: http.MethodGet, Path: "/home/devices", Handler: adult(h.devices)},
		{Method: http.MethodPost, Path: "/home/devices", Handler: adult(h.addDevice)},
		{Method: http.MethodPost, Path: "/home/devices/{id}", Handler: adult(h.changeDevice)},
		{Method: http.MethodPost, Path: "/home/devices/{id}/remove", Handler: adult(h.removeDevice)},
		{Method: http.MethodGet, Path: "/home/fix/{device}", Handler: adult(h.fix)},
		{Method: http.MethodPost, Path: "/home/fix/{device}", Handler: adult(h.startFix)},
		{Method: http.MethodPost, Path: "/home/fix/{device}/stop", Handler: adult(h.stopFix)},
		{Method: http.MethodPost, Path: "/home/fix/{device}/allow", Handler: adult(h.fixName)},
		{Method: http.MethodPost, Path: "/home/charts", Handler: adult(h.switchCharts)},
		{Method: http.MethodGet, Path: "/home/charts", Handler: adult(h.charts)},
		{Method: http.MethodPost, Path: "/home/profiles", Handler: adult(h.makeProfile)},
	}
	return append(routes, h.profileRoutes()...)
}

func (h *handler) serve() (http.Handler, error) {
	mux := http.NewServeMux()
	wrong := h.pages.WrongMethod
	byPath := make(map[string]map[string]http.HandlerFunc)
	for _, one := range h.routes() {
		if byPath[one.Path] == nil {
			byPath[one.Path] = make(map[string]http.HandlerFunc)
		}
		byPath[one.Path][one.Method] = one.Handler
	}
	for path, methods := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if serve := methods[method]; serve != nil {
				serve(w, r)
				return
			}
			w.Header().Set("Allow", allowed(methods))
			wrong(w, r)
		})
	}
	mux.HandleFunc("/", h.pages.Missing)
	protection := http.NewCrossOriginProtection()
	if h.config.Origin != "" {
		if err := protection.AddTrustedOrigin(h.config.Origin); err != nil {
			return nil, fmt.Errorf("household pages: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(h.pages.Foreign))
	return page.Guarded(h.ours(protection.Handler(mux))), nil
}

func allowed(methods map[string]http.HandlerFunc) string {
	var names []string
	for method := range methods {
		names = append(names, method)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ours lets in who comes by an address or by a name of ours. A page of a stranger whose name leads here, for a
// moment, would else read what a home has set up, and change it with the reader's own cookie.
func (h *handler) ours(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.isOurs(r.Host) {
			tongue := h.pages.Tongue(r)
			h.pages.Fault(w, r, http.StatusMisdirectedRequest, tongue.Say("host.title"), tongue.Say("host.text"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" {
		return true
	}
	return slices.Contains(h.config.Hosts, host)
}

// Pictures answers requests for the pictures of probes, which come by names below the check zone, and passes on all others.
func Pictures(zone string, probes *probe.Probes, address func(*http.Request) netip.Addr, next http.Handler) http.Handler {
	if probes == nil || zone == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		label, is := probe.LabelOf(r.Host, zone)
		if !is {
			next.ServeHTTP(w, r)
			return
		}
		if !probes.Fetched(label, address(r)) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)) // the client has gone; nobody is left to tell
	})
}

// deviceCookie holds the label of the showing by which a device was recognised.
const deviceCookie = "recourse-device"

// visitor is the device that asks for a page: the one at its address, or the one that was recognised by a probe.
func (h *handler) visitor(r *http.Request) household.Visitor {
	from := h.config.Address(r)
	if cookie, err := r.Cookie(deviceCookie); err == nil && h.config.Probes != nil {
		if visitor, is := h.config.Probes.Recognise(cookie.Value, from); is {
			return visitor
		}
	}
	return h.config.Devices.Visitor(resolver.Client{Addr: from})
}

// write writes a page with the menu.
func (h *handler) write(w http.ResponseWriter, r *http.Request, status int, name, title string, content any) {
	tongue := h.pages.Tongue(r)
	who, signedIn := h.config.Gate.Who(r)
	head := page.Head{Title: title, Purpose: "user"}
	entries := []struct{ path, key string }{{"/home/device", "menu.device"}, {"/home/check", "menu.check"}, {"/home/router", "menu.router"}}
	if signedIn && slices.Contains(mayManage(), who.Role) {
		head.SignedIn, head.SignOut = who.Name, "/sign-out"
		entries = append([]struct{ path, key string }{{Root, "menu.home"}, {"/home/devices", "menu.devices"}}, entries...)
		if who.Role == redress.Operator && h.config.Console != "" {
			entries = append(entries, struct{ path, key string }{h.config.Console, "menu.console"})
		}
	}
	for _, entry := range entries {
		head.Navigation = append(head.Navigation, page.Link{Text: tongue.Say(entry.key), Address: entry.path, Current: r.URL.Path == entry.path})
	}
	h.pages.Write(w, r, status, name, head, content)
}

// done leads on after a form, so that loading the page again sends nothing twice.
func (h *handler) done(w http.ResponseWriter, r *http.Request, to string) { h.pages.Redirect(w, r, to) }

// fail says what cannot be done.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	tongue := h.pages.Tongue(r)
	var invalid *redress.Invalid
	say := func(status int, key string) {
		h.pages.Fault(w, r, status, tongue.Say("not.title"), tongue.Say(key))
	}
	switch {
	case errors.As(err, &invalid):
		say(http.StatusUnprocessableEntity, "not.invalid")
	case errors.Is(err, redress.ErrNotFound):
		h.pages.Missing(w, r)
	case errors.Is(err, redress.ErrNotPermitted):
		say(http.StatusForbidden, "not.permitted")
	case errors.Is(err, household.ErrNoBedtime):
		say(http.StatusConflict, "not.bedtime")
	case errors.Is(err, store.ErrManyRequests):
		say(http.StatusTooManyRequests, "not.many")
	default:
		h.pages.Failed(w, r, err)
	}
}
