package portal

import (
	"net/http"
	"strings"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// statusContent is a case as its party sees it.
type statusContent struct {
	redress.Status
	ways
	// Link is the party's link, token included, to be kept.
	Link string
	// Resolving: nothing of ours blocks the name any more, and it resolves.
	Resolving bool
	// Proof is what the proof of control said just now; nil if none was run.
	Proof *redress.Proof
}

// cookieName is the cookie of one case. Each case has its own, at its own path, so
// that two filings do not take each other's place.
func cookieName(id redress.CaseID) string { return "case-" + string(id) }

// keep sets the cookies of a filing's cases.
func (h *handler) keep(w http.ResponseWriter, ids []redress.CaseID, token string) {
	for _, id := range ids {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the portal is https; a loopback portal is not
			Name: cookieName(id), Value: token, Path: "/cases/" + string(id), HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: strings.HasPrefix(h.operator.Portal, "https://"),
		})
	}
}

// caseOf reads the id of the path and the token of its cookie.
func caseOf(r *http.Request) (redress.CaseID, string, bool) {
	id, ok := redress.ParseCaseID(r.PathValue("id"))
	if !ok {
		return "", "", false
	}
	cookie, err := r.Cookie(cookieName(id))
	if err != nil {
		return id, "", true
	}
	return id, cookie.Value, true
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok {
		h.missingCase(w, r)
		return
	}
	if given := r.URL.Query().Get("token"); given != "" {
		h.admit(w, r, id, given)
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showStatus(w, r, http.StatusOK, &statusContent{Status: status, Link: h.desk.StatusURL(id, token)})
}

// admit takes the token of a party's link into a cookie and sends the browser to
// the clean address.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.keep(w, append([]redress.CaseID{id}, status.Linked...), token)
	h.pages.Redirect(w, r, "/cases/"+string(id))
}

func (h *handler) showStatus(w http.ResponseWriter, r *http.Request, code int, content *statusContent) {
	purpose := ""
	if content.Entry != nil {
		purpose = content.Entry.Purpose.String()
	}
	content.ways = ways{Operator: h.operator}
	if content.Entry != nil {
		content.Spelled = spell(content.Entry.Code.String())
	}
	// Green is only what the reader can try: decided, and the name resolves.
	content.Resolving = content.State == redress.Decided && len(content.StillBlockedBy) == 0 && h.resolves(r, content.Name)
	title := h.pages.Tongue(r).Say("status.title", "id", content.ID)
	h.pages.Write(w, r, code, "status", page.Head{Title: title, Purpose: purpose}, content)
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok {
		h.missingCase(w, r)
		return
	}
	if _, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		h.pages.TooMany(w, r)
		return
	}
	if !h.pages.ReadForm(w, r) {
		return
	}
	proof, err := h.desk.Verify(r.Context(), id, token, redress.Attempt{Method: redress.ByDNS})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showStatus(w, r, http.StatusOK, &statusContent{Status: status, Link: h.desk.StatusURL(id, token), Proof: &proof})
}

// Provable says whether there is still something to prove control for.
func (c *statusContent) Provable() bool {
	return c.State == redress.Submitted || c.State == redress.Referred
}

// resolves says whether a name has an address, past all filters.
func (h *handler) resolves(r *http.Request, name string) bool {
	parsed, err := wire.ParseName(name)
	return err == nil && h.reach.Resolves(r.Context(), parsed)
}
