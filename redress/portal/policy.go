package portal

import "net/http"

// policy shows what the operator discloses of the resolver.
func (h *handler) policy(w http.ResponseWriter, _ *http.Request) {
	if h.config.Policy == nil {
		h.missing(w)
		return
	}
	statement := h.config.Policy()
	h.render(w, http.StatusOK, "policy", statement.Title, "", statement)
}
