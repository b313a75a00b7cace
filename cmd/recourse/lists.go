package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// runListsPlan compares the lists as their sources have them now with the last good
// copies, which are what a server on this state has in force. It changes nothing.
func runListsPlan(ctx context.Context, env *environment, options PlanOptions) error {
	config, err := env.config(options.ConfigFlag, false)
	if err != nil {
		return err
	}
	made, err := newRules(config)
	if err != nil {
		return err
	}
	logger, now := env.logger(), time.Now()
	store, err := askingStore(config, logger)
	if err != nil {
		return err
	}
	held, _, err := bundle.Compile(ctx, made.catalog, nil, store.LastGood(), bundle.Empty(), now, logger)
	if err != nil {
		return err
	}
	next, reports, err := bundle.Compile(ctx, made.catalog, nil, store.Preview(), held, now, logger)
	if err != nil {
		return err
	}
	plan := guard.Compare(held, next, reports)
	if options.JSON {
		return printJSON(env.stdout, plan)
	}
	return printPlan(env.stdout, &plan)
}

func printPlan(to io.Writer, plan *guard.Plan) error {
	var text strings.Builder
	for i := range plan.Lists {
		printChange(&text, &plan.Lists[i])
	}
	fmt.Fprintf(&text, "in all: would block %d, would unblock %d, unchanged %d, refused lines %d\n", plan.Block, plan.Unblock, plan.Unchanged, plan.Refused)
	_, err := io.WriteString(to, text.String())
	return err
}

func printChange(text *strings.Builder, change *guard.Change) {
	fmt.Fprintf(text, "list %s (%s): would block %d, would unblock %d, unchanged %d\n", change.List, change.Purpose, change.Block, change.Unblock, change.Unchanged)
	if change.Trouble != "" {
		fmt.Fprintf(text, "  %s: %s\n", change.State, change.Trouble)
	}
	printNames(text, "would block", change.Block, change.BlockNames)
	printNames(text, "would unblock", change.Unblock, change.UnblockNames)
	printNames(text, "look at this", change.Suspicious, change.SuspiciousNames)
	for _, refusal := range change.RefusedLines {
		fmt.Fprintf(text, "  refused line %d: %s: %s\n", refusal.Line, refusal.Text, refusal.Reason)
	}
	if rest := change.Refused - len(change.RefusedLines); rest > 0 {
		fmt.Fprintf(text, "  refused %d more lines\n", rest)
	}
	if change.Duplicates > 0 {
		fmt.Fprintf(text, "  %s said twice\n", count(change.Duplicates, "name"))
	}
}

func printNames(text *strings.Builder, what string, all int, names []guard.Name) {
	for _, name := range names {
		fmt.Fprintf(text, "  %s: %s (%s), line %d", what, name.Name, name.Scope, name.Line)
		if name.Because != "" {
			fmt.Fprintf(text, ": %s", name.Because)
		}
		for _, list := range name.Also {
			fmt.Fprintf(text, ", also covered by %s", list)
		}
		text.WriteByte('\n')
	}
	if rest := all - len(names); rest > 0 {
		fmt.Fprintf(text, "  %s: %d more\n", what, rest)
	}
}

// listStatus is what lists status prints of one list.
type listStatus struct {
	bundle.ListReport
	Purpose string `json:"purpose"`
	Entries int    `json:"entries"`
	Trouble string `json:"trouble,omitempty"`
	// Source is how the source stands, as the server wrote it down.
	Source *sourceReport `json:"source,omitempty"`
}

// sourceReport is what is known of a source between two imports.
type sourceReport struct {
	State       fetch.State `json:"state"`
	ConfirmedAt time.Time   `json:"confirmed_at,omitzero"`
	Trouble     string      `json:"trouble,omitempty"`
	Since       time.Time   `json:"since,omitzero"`
	StaleSince  time.Time   `json:"stale_since,omitzero"`
	SignedAt    time.Time   `json:"signed_at,omitzero"`
	Serial      uint32      `json:"serial,omitempty"`
}

func sourceStatus(status fetch.Status) *sourceReport {
	report := &sourceReport{State: status.State, ConfirmedAt: status.ConfirmedAt, Since: status.Since, StaleSince: status.StaleSince,
		SignedAt: status.SignedAt, Serial: status.Serial}
	if status.Err != nil {
		report.Trouble = status.Err.Error()
	}
	return report
}

// print says of the source what is worth a line: what is wrong, and what it proved.
func (r *sourceReport) print(text *strings.Builder) {
	if r.Trouble != "" {
		fmt.Fprintf(text, "  %s: the source cannot be used", r.State)
		if !r.Since.IsZero() {
			fmt.Fprintf(text, " since %s", r.Since.Format(time.RFC3339))
		}
		fmt.Fprintf(text, ": %s\n", r.Trouble)
	}
	if !r.StaleSince.IsZero() {
		fmt.Fprintf(text, "  stale since %s: the source was last heard of on %s\n", r.StaleSince.Format(time.RFC3339), r.ConfirmedAt.Format(time.RFC3339))
	}
	if !r.SignedAt.IsZero() {
		fmt.Fprintf(text, "  signed %s\n", r.SignedAt.Format(time.RFC3339))
	}
	if r.Serial != 0 {
		fmt.Fprintf(text, "  serial %d\n", r.Serial)
	}
}

// runListsStatus says how each list stands on this state. Exit status 1 says that a
// list is missing.
func runListsStatus(ctx context.Context, env *environment, options StatusOptions) error {
	config, err := env.config(options.ConfigFlag, false)
	if err != nil {
		return err
	}
	made, err := newRules(config)
	if err != nil {
		return err
	}
	logger := env.logger()
	store := newListStore(config, nil, logger)
	compiled, reports, err := bundle.Compile(ctx, made.catalog, nil, store.LastGood(), bundle.Empty(), time.Now(), logger)
	if err != nil {
		return err
	}
	statuses, missing := []listStatus{}, false
	for i, report := range reports {
		list := compiled.Lists()[i]
		status := listStatus{ListReport: report, Purpose: list.Manifest.Purpose.String(), Entries: list.Entries}
		if report.Fetch.State == fetch.Missing {
			status.Trouble, missing = report.Fetch.Err.Error(), true
		} else {
			status.Source = sourceStatus(store.Status(list.Manifest))
		}
		statuses = append(statuses, status)
	}
	if err := printStatus(env.stdout, options.JSON, statuses); err != nil {
		return err
	}
	if missing {
		return errNo
	}
	return nil
}

func printStatus(to io.Writer, asJSON bool, statuses []listStatus) error {
	if asJSON {
		return printJSON(to, statuses)
	}
	var text strings.Builder
	for _, status := range statuses {
		fmt.Fprintf(&text, "%s (%s): ", status.List, status.Purpose)
		if status.Trouble != "" {
			fmt.Fprintf(&text, "no good copy: %s\n", status.Trouble)
			continue
		}
		fmt.Fprintf(&text, "%s, read %s, %s refused, sha256 %s\n", count(status.Entries, "entry"), status.Fetch.FetchedAt.Format(time.RFC3339), count(status.Parse.Refused, "line"), status.Fetch.SHA256)
		if status.Source != nil {
			status.Source.print(&text)
		}
	}
	_, err := io.WriteString(to, text.String())
	return err
}
