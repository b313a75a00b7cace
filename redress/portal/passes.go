package portal

import (
	"context"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/passing"
)

// Passes let people past blocks of security for a while.
type Passes interface {
	// Make makes a ticket for a match; false where there is none to have.
	Make(match *policy.Match) (label string, made bool)
	// Ready says what the ticket would lead to for whoever comes from the address.
	Ready(label string, from netip.Addr) passing.Outcome
	// Redeem uses the ticket up.
	Redeem(ctx context.Context, label string, from netip.Addr) passing.Result
}

// Paths below a ticket's own name.
const (
	passStyle = "/pass.css"
	passForm  = "/pass"
)

// passOffer is the part of a reason's page by which a person gets past the block.
type passOffer struct {
	Base string // the address of the ticket's own name; "" where there is no room for a ticket
	For  time.Duration
}

// offerPass makes the browser look a ticket's name up, where the block offers a pass.
func (h *handler) offerPass(w http.ResponseWriter, r *http.Request, match *policy.Match, reason *policy.Reason) *passOffer {
	if h.config.Passes == nil || !reason.Passable {
		return nil
	}
	offer := &passOffer{For: reason.PassFor}
	if _, ok := h.config.Limits.Passes.Allow(h.config.Limited(r)); !ok {
		return offer
	}
	label, made := h.config.Passes.Make(match)
	if !made {
		return offer
	}
	offer.Base = h.ticketOrigin(label)
	header := w.Header()
	header.Set("Content-Security-Policy", page.ContentPolicy(offer.Base))
	// The form goes to another name and must say from which site it comes, as no site can for ours.
	header.Set("Referrer-Policy", "strict-origin")
	return offer
}

// ticketOrigin is the portal's address under a ticket's name.
func (h *handler) ticketOrigin(label string) string {
	portal, err := url.Parse(h.operator.Portal)
	if err != nil {
		return ""
	}
	host := label + "." + strings.TrimSuffix(h.operator.PassZone, ".")
	if port := portal.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	return portal.Scheme + "://" + host
}

// ticketOf is the label that a request's host is the name of; false where it is another host.
func (h *handler) ticketOf(r *http.Request) (label string, is bool) {
	if h.config.Passes == nil {
		return "", false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return strings.CutSuffix(host, "."+strings.ToLower(strings.TrimSuffix(h.operator.PassZone, ".")))
}

// byHost sends what comes for a ticket's name to the ticket, and all else to the portal.
func (h *handler) byHost(portal http.Handler) http.Handler {
	style := h.kit.Style()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		label, is := h.ticketOf(r)
		if is && r.TLS == nil {
			// Browsers heed it only over TLS, and complain.
			w.Header().Del("Cross-Origin-Opener-Policy")
		}
		switch {
		case !is && h.isBlockedHost(r):
			h.blockPage(w, r)
		case !is:
			portal.ServeHTTP(w, r)
		case r.Method == http.MethodPost && r.URL.Path == passForm:
			h.redeem(w, r, label)
		case r.Method == http.MethodGet && r.URL.Path == passStyle:
			h.showPass(w, r, label)
		case r.Method == http.MethodGet && r.URL.Path == style.Path:
			style.Handler(w, r)
		default:
			// Links of pages here lead to the portal, too.
			http.Redirect(w, r, strings.TrimRight(h.operator.Portal, "/")+"/", http.StatusSeeOther)
		}
	})
}

// shownBy is the class of what the page shows for an outcome; "" where it stays as it is.
func shownBy(outcome passing.Outcome) string {
	switch outcome {
	case passing.Granted:
		return "pass-form"
	case passing.Elsewhere:
		return "pass-elsewhere"
	case passing.Shared:
		return "pass-shared"
	case passing.Forbidden:
		return "pass-forbidden"
	}
	return ""
}

// showPass is the style sheet that only a browser gets which looks names up here: it shows the form,
// or why there is none.
func (h *handler) showPass(w http.ResponseWriter, r *http.Request, label string) {
	class := shownBy(h.config.Passes.Ready(label, h.config.Limited(r)))
	if class == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(".pass-none{display:none}." + class + "{display:block}\n")) // the client has gone; nobody is left to tell
}

// passContent is the page of what became of a pass.
type passContent struct {
	passing.Result
	Heading string
	Text    string
	Back    string       // the page of the block; "" where that is not known
	Site    template.URL // where the person wanted to go; "" where there is no pass
}

func (h *handler) redeem(w http.ResponseWriter, r *http.Request, label string) {
	if _, ok := h.config.Limits.Passes.Allow(h.config.Limited(r)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	content := passContent{Result: h.config.Passes.Redeem(r.Context(), label, h.config.Limited(r))}
	if content.Code != 0 {
		content.Back = strings.TrimRight(h.operator.Portal, "/") + "/r/" + content.Code.String()
	}
	status := http.StatusForbidden
	tongue := h.pages.Tongue(r)
	key := passKey(content.Outcome)
	content.Heading, content.Text = tongue.Say(key), tongue.Say(key+".text")
	switch content.Outcome {
	case passing.Granted:
		status, content.Site = http.StatusOK, template.URL(page.SafeLink("http://"+content.Name+"/")) //nolint:gosec // its scheme is http
	case passing.Full:
		status = http.StatusServiceUnavailable
	}
	h.pages.Write(w, r, status, "pass", page.Head{Title: content.Heading, Purpose: "security"}, &content)
}

// passKey is the key of the text that says what became of a pass.
func passKey(outcome passing.Outcome) string {
	switch outcome {
	case passing.Granted:
		return "passed.granted"
	case passing.NotHere:
		return "pass.none"
	case passing.Elsewhere:
		return "passed.elsewhere"
	case passing.Shared:
		return "pass.shared"
	case passing.Forbidden:
		return "pass.forbidden"
	case passing.Lifted:
		return "passed.lifted"
	case passing.Full:
		return "passed.full"
	}
	return "passed.spent"
}
