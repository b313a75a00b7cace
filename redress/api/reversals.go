package api

import (
	"errors"
	"io"
	"net/http"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
)

// reversals is one file for whoever maintains a list: what was reversed against it, and why. Of a
// secret list, and of one that there is not, it says the same.
func (h *handler) reversals(w http.ResponseWriter, r *http.Request) {
	if format := r.URL.Query().Get("format"); format != "" && format != "json" {
		h.contested(w, r, format)
		return
	}
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

// contested is the same for programs that read lists: names, days and how many filings there were.
func (h *handler) contested(w http.ResponseWriter, r *http.Request, format string) {
	file, err := h.desk.ContestedFile(r.Context(), blocklists.ListID(r.PathValue("id")), format)
	switch {
	case errors.Is(err, redress.ErrFormat):
		write(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "format must be json, csv or domains."})
		return
	case err != nil:
		h.fail(w, err)
		return
	}
	kind := map[string]string{"csv": "text/csv; charset=utf-8"}[format]
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(w, file) //nolint:gosec // names and numbers as text, which no browser takes for a page; the client may have gone
}
