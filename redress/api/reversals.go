package api

import (
	"net/http"
	"strconv"

	"github.com/recourse-dns/recourse/blocklists"
)

// reversals is one file for whoever maintains a list: what was reversed against it, and why. Of a
// secret list, and of one that there is not, it says the same.
func (h *handler) reversals(w http.ResponseWriter, r *http.Request) {
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			write(w, problem{Type: typeBase + "invalid", Title: "A parameter is not right", Status: http.StatusBadRequest, Errors: []fieldProblem{{Field: "after", Detail: "is not what an answer of this call had as next"}}})
			return
		}
	}
	file, err := h.desk.Reversals(r.Context(), blocklists.ListID(r.PathValue("id")), after)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, file)
}
