package portal

import (
	"net/http"
	"strings"

	"github.com/recourse-dns/recourse/redress"
)

// statusContent is a case as its party sees it.
type statusContent struct {
	redress.Status
	// Link is the party's link, token included, to be kept.
	Link string
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
			Secure: strings.HasPrefix(h.config.Operator.Portal, "https://"),
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
		h.missingCase(w)
		return
	}
	if given := r.URL.Query().Get("token"); given != "" {
		h.admit(w, r, id, given)
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.showStatus(w, http.StatusOK, &statusContent{Status: status, Link: h.desk.StatusURL(id, token)})
}

// admit takes the token of a party's link into a cookie and sends the browser to
// the clean address.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.keep(w, append([]redress.CaseID{id}, status.Linked...), token)
	http.Redirect(w, r, "/cases/"+string(id), http.StatusSeeOther) //nolint:gosec // G710: the id was parsed as a case id, and the path is ours
}

func (h *handler) showStatus(w http.ResponseWriter, code int, content *statusContent) {
	purpose := ""
	if content.Entry != nil {
		purpose = content.Entry.Purpose.String()
	}
	h.render(w, code, "status", "Case "+string(content.ID), purpose, content)
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok {
		h.missingCase(w)
		return
	}
	if _, ok := h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		h.tooMany(w)
		return
	}
	if !h.readForm(w, r) {
		return
	}
	proof, err := h.desk.Verify(r.Context(), id, token, redress.Attempt{Method: redress.ByDNS})
	if err != nil {
		h.fail(w, err)
		return
	}
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.showStatus(w, http.StatusOK, &statusContent{Status: status, Link: h.desk.StatusURL(id, token), Proof: &proof})
}
