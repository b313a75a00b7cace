package main

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// standing is how the lists in force stand by what their sources said last. A report is
// of the compile that made it, and a source that falls silent brings nothing to compile.
func (i *importer) standing() []bundle.ListReport {
	last := i.last.Load()
	reports := slices.Clone(last.reports)
	for at := range reports {
		manifest := last.rules.catalog.List(reports[at].List)
		if manifest == nil {
			continue
		}
		stand(&reports[at], i.store.Status(manifest))
	}
	return reports
}

// stand puts into a report what the source said since. What safeguards say of the list as
// a whole stays, and so does whether it is in force, until the next compile.
func stand(report *bundle.ListReport, source fetch.Status) {
	was := &report.Fetch
	was.ConfirmedAt, was.StaleSince = source.ConfirmedAt, source.StaleSince
	if report.Untaken && source.Since.IsZero() {
		return
	}
	was.Since = source.Since
	switch {
	case was.State.Absent() || was.State == fetch.Stopped:
		if source.Err != nil {
			was.Err = source.Err
		}
		if was.State == fetch.Unasked {
			was.State = source.State
		}
	case source.Since.IsZero():
		was.State, was.Err = fetch.OK, nil
	default:
		was.State, was.Err = fetch.Kept, source.Err
	}
}

// sourcesTurned says whether the source of some list came into trouble, or out of it, since
// the alarms were settled.
func sourcesTurned(settled, now []bundle.ListReport) bool {
	return !slices.EqualFunc(settled, now, func(a, b bundle.ListReport) bool {
		return (a.Fetch.Err == nil) == (b.Fetch.Err == nil)
	})
}
