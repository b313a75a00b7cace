package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
)

// Source makes reports.
type Source interface {
	Report(ctx context.Context, period Period) (*Transparency, error)
}

// ErrCounting says that the log is being counted for the first time, and that there is no report yet.
var ErrCounting = errors.New("the log is being counted; try again in some minutes")

// pages show the report.
type pages struct {
	pages  *page.Pages
	source Source
	logger *slog.Logger
}

// shown is the page's content.
type shown struct {
	From, To string
	Wrong    string // a key of the texts
	Report   *said
}

// NewPages makes the handler of /report.
func NewPages(kit *page.Kit, source Source, logger *slog.Logger) (http.Handler, error) {
	files, err := fs.Sub(onlyPages{templates}, "templates")
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	texts, err := Catalogue(kit.More())
	if err != nil {
		return nil, err
	}
	made, err := kit.Pages(page.Source{Files: files, Texts: texts, Offered: kit.Operator().Languages, Functions: functions()})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	p := &pages{pages: made, source: source, logger: logger}
	wrongMethod := func(w http.ResponseWriter, _ string) {
		http.Error(w, "This page can only be read.", http.StatusMethodNotAllowed)
	}
	routes := append(kit.Routes(), route.Route{Method: http.MethodGet, Path: "/report", Handler: p.report})
	return page.Guarded(route.Mux(routes, wrongMethod, http.NotFound)), nil
}

// onlyPages leaves out the template of a report that stands alone.
type onlyPages struct{ fs.FS }

// ReadDir implements [fs.ReadDirFS].
func (o onlyPages) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	var kept []fs.DirEntry
	for _, entry := range entries {
		if entry.Name() != "alone.html" {
			kept = append(kept, entry)
		}
	}
	return kept, err
}

func (p *pages) report(w http.ResponseWriter, r *http.Request) {
	from, to := r.URL.Query().Get("from"), r.URL.Query().Get("to")
	content, status := shown{From: from, To: to}, http.StatusOK
	period, err := ParsePeriod(from, to, time.Now())
	if err == nil {
		content.From, content.To = period.From.Format(time.DateOnly), period.To.Format(time.DateOnly)
		made, err := p.source.Report(r.Context(), period)
		content.Report = &said{made, p.pages.Tongue(r)}
		if err != nil {
			content.Report = nil
			status = http.StatusServiceUnavailable
			p.logger.Error("there is no report", "error", err)
			content.Wrong = "absent"
		}
	} else {
		status, content.Wrong = http.StatusBadRequest, "period.wrong"
	}
	p.pages.Write(w, r, status, "report", page.Head{Title: p.pages.Tongue(r).Say("title"), Index: true}, content)
}
