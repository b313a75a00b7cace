package portal

import (
	"net/http"

	"github.com/recourse-dns/recourse/redress/page"
)

// policy shows what the operator discloses of the resolver.
func (h *handler) policy(w http.ResponseWriter, r *http.Request) {
	if h.config.Policy == nil {
		h.pages.Missing(w, r)
		return
	}
	statement := h.config.Policy(h.pages.Tongue(r).Tag())
	h.pages.Write(w, r, http.StatusOK, "policy", page.Head{Title: statement.Title, Index: true}, statement)
}
