package pages

import (
	"net"
	"net/http"
	"strconv"

	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/redress/page"
)

// probing is a page whose pictures are at names that are made for this showing.
type probing struct {
	Pictures []string
	Next     string // where the page leads by itself
	Full     bool
	Can      bool
}

// begin makes a showing and lets the page load its pictures.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, path string) *probing {
	if h.config.Probes == nil {
		return new(probing)
	}
	view := &probing{Can: true}
	if _, ok := h.config.Limits.Passes.Allow(h.config.Address(r)); !ok {
		view.Full = true
		return view
	}
	label, made := h.config.Probes.Make()
	if !made {
		view.Full = true
		return view
	}
	names := []string{probe.Only4, probe.Only6}
	for i := range probe.Names {
		names = append(names, strconv.Itoa(i))
	}
	var origins string
	for _, name := range names {
		origin := h.config.Check.origin(name + "." + label)
		origins += " " + origin
		view.Pictures = append(view.Pictures, origin+"/seen.svg")
	}
	view.Next = path + label
	w.Header().Set("Content-Security-Policy", page.ContentPolicy("")+"; img-src"+origins)
	w.Header().Set("Refresh", "4; url="+view.Next)
	return view
}

func (c Check) origin(below string) string {
	host := below + "." + c.Zone
	if c.Port != "" {
		host = net.JoinHostPort(host, c.Port)
	}
	return c.Scheme + "://" + host
}

func (h *handler) check(w http.ResponseWriter, r *http.Request) {
	view := h.begin(w, r, "/home/check/")
	h.write(w, r, http.StatusOK, "check", h.pages.Tongue(r).Say("menu.check"), view)
}

// checkedView is what a showing brought to light.
type checkedView struct {
	probe.Seen
	Verdict string
	Own     bool // the device has a name of its own, which works elsewhere too
	Outside bool // the page itself came from no client of ours
}

func (h *handler) checked(w http.ResponseWriter, r *http.Request) {
	if h.config.Probes == nil {
		h.pages.Missing(w, r)
		return
	}
	seen, known := h.config.Probes.Seen(r.PathValue("label"))
	if !known {
		h.pages.Redirect(w, r, "/home/check")
		return
	}
	view := checkedView{Seen: seen, Verdict: [...]string{"elsewhere", "partly", "here"}[seen.Verdict()]}
	visitor, recognised := h.config.Probes.Recognise(r.PathValue("label"), h.config.Address(r))
	view.Own = recognised && seen.Encrypted && visitor.ID != ""
	view.Outside = h.config.Devices.Visitor(client(h, r)).Device == ""
	h.write(w, r, http.StatusOK, "checked", h.pages.Tongue(r).Say("menu.check"), &view)
}

// findDevice finds out which device looks names up for the page's reader, where its address does not tell.
func (h *handler) findDevice(w http.ResponseWriter, r *http.Request) {
	view := h.begin(w, r, "/home/device/found/")
	h.write(w, r, http.StatusOK, "check", h.pages.Tongue(r).Say("device.find"), view)
}

// foundDevice remembers which showing it was, for a quarter of an hour, in a cookie.
func (h *handler) foundDevice(w http.ResponseWriter, r *http.Request) {
	label := r.PathValue("label")
	if h.config.Probes == nil {
		h.pages.Missing(w, r)
		return
	}
	if _, is := h.config.Probes.Recognise(label, h.config.Address(r)); is {
		http.SetCookie(w, &http.Cookie{Name: deviceCookie, Value: label, Path: Root, MaxAge: 15 * 60, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode}) //nolint:gosec // a home has no TLS
	}
	h.done(w, r, "/home/device")
}
