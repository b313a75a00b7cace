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
	store := newListStore(config, logger)
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
	compiled, reports, err := bundle.Compile(ctx, made.catalog, nil, newListStore(config, logger).LastGood(), bundle.Empty(), time.Now(), logger)
	if err != nil {
		return err
	}
	statuses, missing := []listStatus{}, false
	for i, report := range reports {
		list := compiled.Lists()[i]
		status := listStatus{ListReport: report, Purpose: list.Manifest.Purpose.String(), Entries: list.Entries}
		if report.Fetch.State == fetch.Missing {
			status.Trouble, missing = report.Fetch.Err.Error(), true
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
	}
	_, err := io.WriteString(to, text.String())
	return err
}
