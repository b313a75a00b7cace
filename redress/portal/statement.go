package portal

import (
	"net/http"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// statementContent is the statement of reasons of a case, as it was sent or in another language.
type statementContent struct {
	redress.Statement
	// Sent is the language of the one that was sent.
	Sent string
}

// statement shows the statement of reasons of a case's last decision as the party was sent it, or in the
// language that is asked for.
func (h *handler) statement(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok {
		h.missingCase(w, r)
		return
	}
	made, err := h.desk.Statement(r.Context(), id, token)
	switch {
	case isRefusal(err), err == nil && made.Written == nil:
		h.missingCase(w, r)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	content := statementContent{Sent: made.Written.Language}
	content.Statement = h.desk.StatementIn(made, bounded(r.URL.Query().Get("version")))
	h.pages.Write(w, r, http.StatusOK, "statement", page.Head{Title: h.pages.Tongue(r).Say("statement.title"), Purpose: made.Purpose}, &content)
}
