package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
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
	held := state{dir: config.StateDir()}
	ledger, err := readLedger(held.path(holdsFile), now)
	if err != nil {
		return err
	}
	store, err := askingStore(config, logger)
	if err != nil {
		return err
	}
	safeguards := made.guard.With(ledger)
	if made.catalog, err = expandCatalogs(made.catalog, store.Preview(), logger); err != nil {
		return err
	}
	old, _, err := bundle.Compile(ctx, made.catalog, nil, store.LastGood(), bundle.Empty(), safeguards, now, slog.New(slog.DiscardHandler)) // that nothing is in force yet is no error
	if err != nil {
		return err
	}
	next, reports, err := bundle.Compile(ctx, made.catalog, nil, store.Preview(), old, safeguards, now, logger)
	if err != nil {
		return err
	}
	plan := guard.Compare(old, next, reports, safeguards)
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
	for _, hit := range plan.TopHits {
		fmt.Fprintf(&text, "rank %d: %s is covered by %s (%s) of list %s, line %d%s\n", hit.Rank, hit.Popular, hit.Name, hit.Scope, hit.List, hit.Line, heldWord(hit.Held))
	}
	for _, conflict := range plan.Conflicts {
		fmt.Fprintf(&text, "conflict: %s is allowed by %s and blocked by list %s (%s), %s (%s), line %d%s\n", conflict.Name, conflict.Allowed,
			conflict.List, conflict.Purpose, conflict.Entry, conflict.Scope, conflict.Line, heldWord(conflict.Held))
	}
	if rest := plan.ConflictCount - len(plan.Conflicts); rest > 0 {
		fmt.Fprintf(&text, "conflict: %d more\n", rest)
	}
	for _, overlap := range plan.Overlaps {
		fmt.Fprintf(&text, "overlap: list %s (%s) and list %s (%s) have %s in common, as %s\n", overlap.Lists[0], overlap.Purposes[0],
			overlap.Lists[1], overlap.Purposes[1], count(overlap.Entries, "entry"), strings.Join(overlap.Names, ", "))
	}
	fmt.Fprintf(&text, "in all: would block %d, would unblock %d, unchanged %d, held %d%s, refused lines %d\n", plan.Block, plan.Unblock, plan.Unchanged, plan.Held, exceptionsOf(&plan.Counts), plan.Refused)
	_, err := io.WriteString(to, text.String())
	return err
}

// exceptionsOf counts the exceptions of lists, where there are any.
func exceptionsOf(c *guard.Counts) string {
	said := ""
	if c.Pass > 0 {
		said += fmt.Sprintf(", would let pass %d", c.Pass)
	}
	if c.NoPass > 0 {
		said += fmt.Sprintf(", would let pass no longer %d", c.NoPass)
	}
	return said
}

// subjectWords are a name with its scope or a prefix, and what it is sought in.
func subjectWords(name string, scope blocklists.Scope, trigger blocklists.Trigger) string {
	switch {
	case trigger == blocklists.OnName:
		return fmt.Sprintf("%s (%s)", name, scope)
	case trigger.ByAddress():
		return fmt.Sprintf("%s (%s)", name, trigger)
	}
	return fmt.Sprintf("%s (%s, %s)", name, trigger, scope)
}

func heldWord(held bool) string {
	if held {
		return "; held"
	}
	return ""
}

func printChange(text *strings.Builder, change *guard.Change) {
	fmt.Fprintf(text, "list %s (%s): would block %d, would unblock %d, unchanged %d, held %d%s\n", change.List, change.Purpose, change.Block, change.Unblock, change.Unchanged, change.Held, exceptionsOf(&change.Counts))
	if change.Trouble != "" {
		fmt.Fprintf(text, "  %s: %s\n", change.State, change.Trouble)
	}
	switch {
	case change.Pinned:
		text.WriteString("  not read: a rollback fixed it, until recourse lists apply\n")
	case change.Shadow:
		text.WriteString("  in shadow mode: what it would block is counted, and not blocked\n")
	}
	if change.HeldBecause != "" {
		fmt.Fprintf(text, "  all that is new is held: %s\n", change.HeldBecause)
	}
	printNames(text, "would block", change.Block, change.BlockNames)
	printNames(text, "would unblock", change.Unblock, change.UnblockNames)
	printNames(text, "would let pass", change.Pass, change.PassNames)
	printNames(text, "would let pass no longer", change.NoPass, change.NoPassNames)
	printNames(text, "held", change.Held, change.HeldNames)
	printNames(text, "popular, and not held", change.Popular, change.PopularNames)
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
		fmt.Fprintf(text, "  %s: %s, line %d", what, subjectWords(name.Name, name.Scope, name.Trigger), name.Line)
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
