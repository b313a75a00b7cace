package portal

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// blockContent is the page that is seen in the place of a blocked site.
type blockContent struct {
	*reasonContent
	Host    string
	Further string // the address of the whole reason
	// Passes: there may be a pass, on that page.
	Passes bool
}

// BlockPage is seen in the place of blocked sites, by plain HTTP: whatever host is asked for, it says
// who blocks it for who asks, and why.
func (h *handler) blockPage(w http.ResponseWriter, r *http.Request) {
	if style := h.kit.Style(); r.URL.Path == style.Path {
		style.Handler(w, r)
		return
	}
	name, is := hostName(r.Host)
	if !is {
		h.unblocked(w, r, "")
		return
	}
	index := h.index()
	match := h.blockedFor(r, index, name)
	if match == nil {
		h.unblocked(w, r, name.String())
		return
	}
	h.showBlock(w, r, index, match, name)
}

func (h *handler) showBlock(w http.ResponseWriter, r *http.Request, index Index, match *policy.Match, name wire.Name) {
	content := &blockContent{reasonContent: h.explain(h.pages.Tongue(r), index, match), Host: name.String()}
	content.Further = h.away("/r/" + content.Code.String())
	content.Passes = content.Passable && h.config.Passes != nil
	status := http.StatusForbidden
	w.Header().Add("Vary", "Accept")
	if content.Law {
		// RFC 7725, section 4: the link names who does the blocking, not who demands it.
		status = http.StatusUnavailableForLegalReasons
		w.Header().Set("Link", "<"+h.away("/")+`>; rel="blocked-by"`)
	}
	if wantsJSON(r.Header.Get("Accept")) {
		writeJSON(w, status, struct {
			Host string `json:"host"`
			policy.Reason
		}{content.Host, content.Reason})
		return
	}
	h.pages.Write(w, r, status, "block", page.Head{Title: content.Heading, Purpose: content.Purpose.String(), Away: h.away("")}, content)
}

// unblocked says that nothing of ours blocks the host, for who asks.
func (h *handler) unblocked(w http.ResponseWriter, r *http.Request, host string) {
	w.Header().Add("Vary", "Accept")
	if wantsJSON(r.Header.Get("Accept")) {
		writeJSON(w, http.StatusNotFound, struct {
			Host    string `json:"host"`
			Blocked bool   `json:"blocked"`
		}{host, false})
		return
	}
	title := h.pages.Tongue(r).Say("block.free")
	h.pages.Write(w, r, http.StatusNotFound, "unblocked", page.Head{Title: title, Away: h.away("")}, struct{ Host, Check string }{host, h.away("/?name=" + host)})
}

// blockedFor is what blocks a name for whoever asks, by their address; nil where nothing does. Who is no
// client of ours, as behind a front end, is told of what blocks it for somebody, but for confidential lists.
func (h *handler) blockedFor(r *http.Request, index Index, name wire.Name) *policy.Match {
	client := resolver.Client{Addr: h.config.Limited(r)}
	if match, admitted := judged(index, name, client); match != nil || !admitted {
		if match != nil {
			return match
		}
		return publicly(index, name)
	}
	// What the name leads to may be what is blocked.
	if _, ok := h.config.Limits.Lookups.Allow(client.Addr); !ok {
		return nil
	}
	for _, alias := range h.reach.Look(r.Context(), name).Aliases {
		if match, _ := judged(index, alias, client); match != nil {
			return match
		}
	}
	return nil
}

func judged(index Index, name wire.Name, client resolver.Client) (match *policy.Match, admitted bool) {
	verdict, err := index.Explain(name, policy.Subject{Client: client}, time.Now())
	if err != nil {
		return nil, false
	}
	if verdict.Action == policy.Pass {
		return nil, true
	}
	return verdict.Primary, true
}

func publicly(index Index, name wire.Name) *policy.Match {
	for _, match := range index.Matches(name) {
		if redress.Blocks(&match) && !redress.Secret(&match) {
			return &match
		}
	}
	return nil
}

// hostName reads the host of a request; false where it is no name.
func hostName(host string) (wire.Name, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" {
		return "", false
	}
	name, err := redress.ReadName(host)
	return name, err == nil
}

// away is an address of the portal as it is written from elsewhere.
func (h *handler) away(path string) string {
	return strings.TrimRight(h.operator.Portal, "/") + path
}

// wantsJSON says whether a program asks: it names JSON, and not pages.
func wantsJSON(accept string) bool {
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// isBlockedHost says whether a request that came to the portal is meant for a site that is blocked: its host
// is neither an address nor the portal's own, and some list that may be shown has it.
func (h *handler) isBlockedHost(r *http.Request) bool {
	name, is := hostName(r.Host)
	if !is {
		return false
	}
	if own, is := hostName(hostOf(h.operator.Portal)); is && own == name {
		return false
	}
	return publicly(h.index(), name) != nil
}

func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}
