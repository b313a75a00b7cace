package api

import (
	"net/http"

	"github.com/recourse-dns/recourse/blocklists"
)

// reversals is one file for whoever maintains a list: what was reversed against it, and why. Of a
// secret list, and of one that there is not, it says the same.
func (h *handler) reversals(w http.ResponseWriter, r *http.Request) {
	place, is := after(w, r, readNumber)
	if !is {
		return
	}
	file, err := h.desk.Reversals(r.Context(), blocklists.ListID(r.PathValue("id")), place)
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, file)
}
