package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/report"
)

// Heads signs how the log of events stands.
type Heads interface {
	Head(ctx context.Context) (redress.Head, error)
}

// head is what goes into a receipt: whoever keeps it can hold the log to it. A receipt without
// one is better than none.
func (h *handler) head(ctx context.Context) *redress.Head {
	if h.config.Heads == nil {
		return nil
	}
	head, err := h.config.Heads.Head(ctx)
	if err != nil {
		h.logger.Error("a receipt has no head of the log", slog.Any("error", err))
		return nil
	}
	return &head
}

// report gives the transparency report of a period.
func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	if h.config.Reports == nil {
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "No report is made here."})
		return
	}
	if _, local := h.actor(r); !local {
		if wait, ok := h.config.Limits.Lookups.Allow(h.config.Limited(r)); !ok {
			tooMany(w, wait)
			return
		}
	}
	query := r.URL.Query()
	period, err := report.ParsePeriod(query.Get("from"), query.Get("to"), time.Now())
	if format := query.Get("format"); err != nil || format != "" && format != "json" && format != "csv" {
		detail := "The parameter format is json or csv."
		if err != nil {
			detail = "There is no such period: " + err.Error() + "."
		}
		write(w, problem{Type: typeBase + "invalid", Title: "This cannot be read", Status: http.StatusBadRequest, Detail: detail})
		return
	}
	made, err := h.config.Reports.Report(r.Context(), period)
	if err != nil {
		h.logger.Error("there is no report", slog.Any("error", err))
		write(w, problem{Title: "There is no report now", Status: http.StatusServiceUnavailable, Detail: "The log cannot be read, is being counted, or does not add up. The operator's log says which."})
		return
	}
	if query.Get("format") != "csv" {
		respond(w, http.StatusOK, made)
		return
	}
	var table bytes.Buffer
	if err := made.CSV(&table); err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(table.Bytes()) // the client has gone; nobody is left to tell
}
