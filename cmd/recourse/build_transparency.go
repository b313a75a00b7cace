package main

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
	public "github.com/recourse-dns/recourse/redress/report"
)

// bookInterval is how often the log is counted for the report.
const bookInterval = 10 * time.Minute

// reports makes transparency reports of what the database has.
type reports struct {
	books    *public.Books
	operator func() (name, portal string)
}

// Report implements public.Source.
func (r reports) Report(ctx context.Context, period public.Period) (*public.Transparency, error) {
	name, portal := r.operator()
	return r.books.Counted(ctx, name, portal, period)
}

// startReports has reports made, and their page served; startCounting counts the log for them.
func (n *node) startReports(database *store.DB) (public.Source, error) {
	made := reports{books: public.NewBooks(database, n.logger), operator: func() (string, string) { return n.config.Operator.Name, n.config.Operator.Portal }}
	kit, err := n.config.pageKit(n.logger)
	if err != nil {
		return nil, err
	}
	pages, err := public.NewPages(kit, made, n.logger)
	if err != nil {
		return nil, err
	}
	n.audit.staffed(&n.config.Report)
	n.audit.books = made.books
	n.audit.report = map[string]http.Handler{"/report": pages}
	for _, asset := range kit.Routes() {
		n.audit.report[asset.Path] = pages
	}
	return made, nil
}

// staffed tells what the operator states of the desk, where it is another than before.
func (a *auditing) staffed(config *public.Config) {
	is := audit.StaffFacts{
		Reviewers: int(config.Reviewers), Languages: config.Languages, TrainingHours: int(config.TrainingHours), Clients: int(config.Clients),
	}
	if reflect.DeepEqual(a.memory.Staff, is) {
		return
	}
	a.memory.Staff = is
	a.memory.save(a.logger)
	a.record("desk", audit.Staff, is)
}
