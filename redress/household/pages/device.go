package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver"
)

// deviceView is what the device's own page shows. Nothing in it says more than which kinds of filters are on.
type deviceView struct {
	household.Visitor
	Served     bool
	Filters    bool
	State      string
	Until      time.Time
	Kinds      []string // keys of texts
	Categories []string
	By         string // who asked for the filter
	Listening  time.Time
	Charts     bool
	CanFind    bool
}

// home is the adults' first page, or for whoever is not signed in the device's own.
func (h *handler) home(w http.ResponseWriter, r *http.Request) {
	who, signedIn := h.config.Gate.Who(r)
	if !signedIn {
		h.device(w, r)
		return
	}
	h.config.Gate.Require(h.overview, mayManage()...)(w, r)
	_ = who
}

func (h *handler) device(w http.ResponseWriter, r *http.Request) {
	visitor := h.visitor(r)
	view := deviceView{Visitor: visitor, Served: visitor.Device != "", CanFind: h.config.Probes != nil}
	if visitor.Profile != "" {
		if entry, err := h.config.Office.Show(visitor.Profile); err == nil {
			view.describe(&entry)
		}
	}
	if until, is := h.config.Ear.Until(visitor.Device); is {
		view.Listening = until
	}
	view.Charts = h.config.Charts != nil && h.config.Charts.On()
	h.write(w, r, http.StatusOK, "device", h.pages.Tongue(r).Say("menu.device"), &view)
}

// describe says which kinds of filters a profile has, and not what is in them.
func (v *deviceView) describe(entry *household.Entry) {
	v.Filters, v.State, v.Until, v.By = entry.Filters(), entry.Phase.State.String(), entry.Phase.Until, entry.Requested.By
	v.Categories = entry.Categories
	for key, has := range map[string]bool{
		"kind.services": len(entry.Services) > 0, "kind.search": entry.SafeSearch.Any(), "kind.names": len(entry.Deny) > 0, "kind.bedtime": len(entry.Schedule.Offline) > 0,
	} {
		if has {
			v.Kinds = append(v.Kinds, key)
		}
	}
	sortStrings(v.Kinds)
}

// leaveDevice takes an adult's device out of its profile. It is the device itself that asks.
func (h *handler) leaveDevice(w http.ResponseWriter, r *http.Request) {
	visitor := h.visitor(r)
	if visitor.ID == "" || !visitor.Adult || visitor.Profile == "" {
		h.fail(w, r, redress.ErrNotPermitted)
		return
	}
	if _, err := h.config.Registry.Change(visitor.ID, devices.Changed{Label: visitor.Label, Adult: true}, time.Now()); err != nil {
		h.fail(w, r, err)
		return
	}
	if cookie, err := r.Cookie(deviceCookie); err == nil { // it holds what the device was before
		http.SetCookie(w, &http.Cookie{Name: cookie.Name, Path: Root, MaxAge: -1, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode}) //nolint:gosec // a home has no TLS
	}
	h.done(w, r, "/home/device")
}

// askView is the form for a name, and what would be sent of it.
type askView struct {
	Can      bool
	Name     string
	Sure     bool // what is sent is shown
	Sent     bool
	Mistakes page.Mistakes
}

func (h *handler) askForm(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if len(name) > redress.MaxPasted {
		name = ""
	}
	h.showAsk(w, r, http.StatusOK, &askView{Can: h.visitor(r).Profile != "", Name: name, Sent: r.URL.Query().Has("sent")})
}

func (h *handler) showAsk(w http.ResponseWriter, r *http.Request, status int, view *askView) {
	h.write(w, r, status, "ask", h.pages.Tongue(r).Say("ask.title"), view)
}

// ask shows what is sent and, once somebody has seen it, sends that.
func (h *handler) ask(w http.ResponseWriter, r *http.Request) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	if _, ok := h.config.Limits.Cases.Allow(h.config.Address(r)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	visitor := h.visitor(r)
	view := &askView{Can: visitor.Profile != "", Name: r.PostForm.Get("name")}
	if !view.Can {
		h.fail(w, r, redress.ErrNotPermitted)
		return
	}
	name, err := redress.ReadName(view.Name)
	if err != nil {
		view.Mistakes = page.Mistakes{{Field: "name", Text: h.pages.Tongue(r).Say("ask.wrong")}}
		h.showAsk(w, r, http.StatusUnprocessableEntity, view)
		return
	}
	view.Name, view.Sure = strings.TrimSuffix(name.String(), "."), true
	if r.PostForm.Get("sure") != "yes" {
		h.showAsk(w, r, http.StatusOK, view)
		return
	}
	if err := h.config.Office.AskFor(r.Context(), visitor, view.Name); err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, "/home/ask?sent")
}

// client is a client at an address.
func client(h *handler, r *http.Request) resolver.Client {
	return resolver.Client{Addr: h.config.Address(r)}
}

// state is what a profile does now, in the word of the API.
func stateOf(entry *household.Entry) string {
	if entry.Phase.State == profile.Filtering && !entry.Filters() {
		return "unfiltered"
	}
	return entry.Phase.State.String()
}
