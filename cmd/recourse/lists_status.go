package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
)

// listStatus is what lists status prints of one list.
type listStatus struct {
	bundle.ListReport
	Generation uint64 `json:"generation"` // in force
	Purpose    string `json:"purpose"`
	Entries    int    `json:"entries"` // those that are held among them
	HeldNow    int    `json:"held"`
	Refused    int    `json:"refused"`
	Trouble    string `json:"trouble,omitempty"`
	// Stale says that the source could not be used, and so that the list may be old.
	Stale bool `json:"stale"`
	// Overdue is how many entries are past their review, NextReview when the first is or was due.
	Overdue    int       `json:"overdue"`
	NextReview time.Time `json:"next_review,omitzero"`
	// Changed is when the list last brought something new.
	Changed     time.Time          `json:"last_change,omitzero"`
	Expires     time.Time          `json:"expires,omitzero"`
	PinnedSince time.Time          `json:"pinned_since,omitzero"`
	PinnedBy    string             `json:"pinned_by,omitempty"`
	Shadow      bool               `json:"shadow,omitempty"`
	Halted      time.Time          `json:"halted_since,omitzero"` // since when its staged entries do not act
	Alarms      []blocklists.Alarm `json:"alarms"`
}

// listsStatus is how all lists stand.
type listsStatus struct {
	Generation uint64   `json:"generation"`
	Kept       []uint64 `json:"kept_generations"`
	// Failed is why what was brought last is not in force; empty where it is.
	Failed string       `json:"failed,omitempty"`
	Lists  []listStatus `json:"lists"`
}

// statusOf puts together what is known of lists in force.
func statusOf(snapshot *policy.Snapshot, reports []bundle.ListReport, alarms []blocklists.Alarm, now time.Time) listsStatus {
	all := listsStatus{Generation: snapshot.Bundle.Generation(), Kept: []uint64{}, Lists: []listStatus{}}
	ledger := snapshot.Guard.Ledger()
	reviews := guard.Reviews(snapshot.Bundle, ledger, now)
	halted := snapshot.Trials().Halted()
	byID := map[blocklists.ListID]*bundle.ListReport{}
	for i := range reports {
		byID[reports[i].List] = &reports[i]
	}
	for i := range snapshot.Bundle.Lists() {
		list := &snapshot.Bundle.Lists()[i]
		report := byID[list.ID]
		if list.Kind != bundle.Feed || report == nil {
			continue
		}
		kept := ledger.List(list.ID)
		status := listStatus{
			ListReport: *report, Generation: all.Generation, Purpose: list.Manifest.Purpose.String(), Entries: list.Entries, HeldNow: list.Held, Refused: report.Parse.Refused,
			Stale: report.Fetch.Err != nil, Overdue: reviews[i].Overdue, NextReview: reviews[i].Next, Changed: report.Fetch.FetchedAt,
			Expires: list.Manifest.Expires, PinnedSince: kept.Pinned, PinnedBy: kept.PinnedBy, Shadow: list.Manifest.Shadow,
			Halted: halted[list.ID], Alarms: []blocklists.Alarm{},
		}
		if report.Fetch.Err != nil {
			status.Trouble = report.Fetch.Err.Error()
		}
		for _, alarm := range alarms {
			if alarm.List == list.ID {
				status.Alarms = append(status.Alarms, alarm)
			}
		}
		all.Lists = append(all.Lists, status)
	}
	return all
}

// status is how the lists of the running server stand.
func (i *importer) status(ctx context.Context) (listsStatus, error) {
	alarms, err := i.ledger.database.Alarms(ctx)
	if err != nil {
		return listsStatus{}, err
	}
	i.importing.Lock()
	defer i.importing.Unlock()
	status := statusOf(i.current.Load(), i.standing(), alarms, time.Now())
	if i.failed != nil {
		status.Failed = i.failed.Error()
	}
	generations, err := i.folder.Generations()
	for _, number := range generations {
		if number != i.current.Load().Bundle.File() {
			status.Kept = append(status.Kept, number)
		}
	}
	return status, err
}

// storedStatus is how the lists stand on the state of a stopped server: by their last
// good copies, with nothing asked and nothing written.
func storedStatus(ctx context.Context, config *Config) (listsStatus, error) {
	made, err := newRules(config)
	if err != nil {
		return listsStatus{}, err
	}
	logger, now := slog.New(slog.DiscardHandler), time.Now() // all that there is to say is in the status
	held := state{dir: config.StateDir()}
	ledger, err := readLedger(held.path(holdsFile), now)
	if err != nil {
		return listsStatus{}, err
	}
	safeguards := made.guard.With(ledger)
	store := newListStore(config, nil, logger).LastGood()
	if made.catalog, err = expandCatalogs(made.catalog, store, logger); err != nil {
		return listsStatus{}, err
	}
	compiled, reports, err := bundle.Compile(ctx, made.catalog, nil, store, bundle.Empty(), safeguards, now, logger)
	if err != nil {
		return listsStatus{}, err
	}
	for i := range reports {
		if reports[i].Fetch.State == fetch.Kept {
			reports[i].Fetch.Err = nil // nobody asked the source: that is no trouble of its own
		}
	}
	_, holds := heldBy(made.catalog, reports, ledger)
	alarms := guard.Alarms(guard.Situation{Bundle: compiled, Reports: reports, Holds: holds, Ledger: ledger, Now: now})
	snapshot := &policy.Snapshot{Bundle: compiled, Guard: safeguards}
	return statusOf(snapshot, reports, alarms, now), nil
}

// runListsStatus says how each list stands. Exit status 1 says that a list is missing.
func runListsStatus(ctx context.Context, env *environment, options StatusOptions) error {
	config, err := env.config(options.ConfigFlag, false)
	if err != nil {
		return err
	}
	var status listsStatus
	client, running, err := runningLists(config)
	switch {
	case err != nil:
		return err
	case running:
		err = client.call(ctx, "GET", "status", nil, &status)
	default:
		status, err = storedStatus(ctx, config)
	}
	if err != nil {
		return err
	}
	if err := printStatus(env.stdout, options.JSON, &status); err != nil {
		return err
	}
	for i := range status.Lists {
		if status.Lists[i].Fetch.State == fetch.Missing && !status.Lists[i].Pinned {
			return errNo
		}
	}
	return nil
}

func printStatus(to io.Writer, asJSON bool, status *listsStatus) error {
	if asJSON {
		return printJSON(to, status.Lists)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "generation %d", status.Generation)
	for i, kept := range status.Kept {
		if i == 0 {
			text.WriteString("; kept to go back to:")
		}
		fmt.Fprintf(&text, " %d", kept)
	}
	text.WriteByte('\n')
	if status.Failed != "" {
		fmt.Fprintf(&text, "the last import failed and is tried again; what is in force stays: %s\n", oneLine(status.Failed))
	}
	for i := range status.Lists {
		status.Lists[i].print(&text)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

// printSource says when the source last confirmed the list, and what is wrong with it.
func (s *listStatus) printSource(text *strings.Builder) {
	if !s.Fetch.ConfirmedAt.IsZero() {
		fmt.Fprintf(text, "  confirmed by its source %s\n", s.Fetch.ConfirmedAt.Format(time.RFC3339))
	}
	isTold := func(alarm blocklists.Alarm) bool { return strings.Contains(alarm.Detail, s.Trouble) }
	if s.Trouble != "" && !slices.ContainsFunc(s.Alarms, isTold) {
		fmt.Fprintf(text, "  in trouble since %s: %s\n", s.Fetch.Since.Format(time.RFC3339), oneLine(s.Trouble))
	}
}

// oneLine has the errors of one cause after another in a line.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

func (s *listStatus) print(text *strings.Builder) {
	fmt.Fprintf(text, "%s (%s): ", s.List, s.Purpose)
	if s.Fetch.State == fetch.Unasked && !s.Pinned {
		text.WriteString("its source has not been asked yet\n")
		return
	}
	if s.Fetch.State == fetch.Missing && !s.Pinned {
		fmt.Fprintf(text, "no good copy: %s\n", oneLine(s.Trouble))
		return
	}
	fmt.Fprintf(text, "%s, %d held, read %s, %s refused, sha256 %s\n", count(s.Entries, "entry"), s.HeldNow, s.Fetch.FetchedAt.Format(time.RFC3339), count(s.Refused, "line"), s.Fetch.SHA256)
	s.printSource(text)
	if s.Shadow {
		text.WriteString("  in shadow mode: counted, without effect\n")
	}
	if !s.PinnedSince.IsZero() {
		fmt.Fprintf(text, "  pinned by %s since %s, until recourse lists apply --list %s\n", s.PinnedBy, s.PinnedSince.Format(time.RFC3339), s.List)
	}
	if !s.Halted.IsZero() {
		fmt.Fprintf(text, "  its new entries are halted since %s\n", s.Halted.Format(time.RFC3339))
	}
	if !s.NextReview.IsZero() {
		fmt.Fprintf(text, "  next review %s, %d overdue\n", s.NextReview.Format(time.DateOnly), s.Overdue)
	}
	for _, alarm := range s.Alarms {
		fmt.Fprintf(text, "  %s since %s: %s\n", alarm.Kind, alarm.Since.Format(time.RFC3339), alarm.Detail)
	}
}
