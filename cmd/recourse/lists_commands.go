package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// listsClient asks the running server about its lists.
type listsClient struct{ client *http.Client }

func newListsClient(client *http.Client) *listsClient {
	patient := *client
	patient.Timeout = importTime // a rollback takes no time, an import of millions does
	return &listsClient{client: &patient}
}

// runningLists finds the server that holds the state; false where none does.
func runningLists(config *Config) (*listsClient, bool, error) {
	held, err := openState(config.StateDir())
	if errors.Is(err, errHeld) {
		return newListsClient(dialControl(filepath.Join(config.StateDir(), controlFile))), true, nil
	}
	if err != nil {
		return nil, false, err
	}
	return nil, false, held.Close()
}

func (c *listsClient) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	octets, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://server"+listPaths+path, bytes.NewReader(octets))
	if err != nil {
		return nil, err
	}
	reply, err := c.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the server cannot be reached: %w", err)
	}
	if reply.StatusCode < 300 {
		return reply, nil
	}
	defer reply.Body.Close()
	if octets, err = io.ReadAll(io.LimitReader(reply.Body, maxReply)); err != nil {
		return nil, fmt.Errorf("the server's reply: %w", err)
	}
	return nil, problemOf(reply.StatusCode, octets)
}

func (c *listsClient) call(ctx context.Context, method, path string, body, into any) error {
	reply, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if err := json.NewDecoder(reply.Body).Decode(into); err != nil {
		return fmt.Errorf("the server's reply: %w", err)
	}
	return nil
}

// withLists does a thing by the running server or, where none runs, on what it left, which
// nothing is imported into first.
func withLists(ctx context.Context, env *environment, flag ConfigFlag, do func(*listsClient) error) error {
	desk, err := openNode(ctx, env, flag, &node{asItIs: true})
	if err != nil {
		return err
	}
	return errors.Join(do(newListsClient(desk.client)), desk.close())
}

// withLedger does a thing by the running server or, where none runs, on the database.
func withLedger(ctx context.Context, env *environment, flag ConfigFlag, remote func(*listsClient) error, local func(*Config, *ledger) error) error {
	config, err := env.config(flag, false)
	if err != nil {
		return err
	}
	held, err := openState(config.StateDir())
	if errors.Is(err, errHeld) {
		return remote(newListsClient(dialControl(filepath.Join(config.StateDir(), controlFile))))
	}
	if err != nil {
		return err
	}
	database, err := config.database().Open(ctx, env.logger())
	if err != nil {
		return errors.Join(err, held.Close())
	}
	err = local(config, &ledger{database: database, path: held.path(holdsFile), told: discloser{catalog: config.told}, logger: env.logger()})
	return errors.Join(err, database.Close(), held.Close())
}

func runListsHolds(ctx context.Context, env *environment, options HoldsOptions) error {
	var holds []guard.HoldRecord
	err := withLedger(ctx, env, options.ConfigFlag,
		func(c *listsClient) error { return c.call(ctx, "GET", "holds", nil, &holds) },
		func(_ *Config, l *ledger) error {
			found, err := l.database.Holds(ctx)
			holds = recordsOf(found)
			return err
		})
	if err != nil {
		return err
	}
	if options.JSON {
		return printJSON(env.stdout, holds)
	}
	return printHolds(env.stdout, holds)
}

func printHolds(to io.Writer, holds []guard.HoldRecord) error {
	var text strings.Builder
	for i := range holds {
		hold := &holds[i]
		what := hold.Name + hold.Prefix
		if what == "" {
			what = "--" + string(hold.Safeguard)
		} else {
			what += fmt.Sprintf(" (%s), line %d", hold.Scope, hold.Line)
		}
		fmt.Fprintf(&text, "%s %s: %s; since %s; ", hold.List, what, hold.Detail, hold.Since.Format(time.RFC3339))
		text.WriteString(releasedText(hold))
		text.WriteByte('\n')
	}
	if len(holds) == 0 {
		text.WriteString("Nothing is held.\n")
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func releasedText(hold *guard.HoldRecord) string {
	people := make([]string, 0, len(hold.Releases))
	for _, release := range hold.Releases {
		people = append(people, release.By)
	}
	switch by := strings.Join(people, ", "); {
	case hold.Released:
		return "released by " + by
	case by != "":
		return fmt.Sprintf("released by %s, and %d more must", by, hold.Needed-len(people))
	case hold.Needed == 1:
		return "one person may release it"
	}
	return fmt.Sprintf("%d different people must release it", hold.Needed)
}

func runListsRelease(ctx context.Context, env *environment, options ReleaseOptions) error {
	what := release{List: options.List, Name: options.Name, By: options.By, Note: options.Note, Whole: options.whole()}
	var holds []guard.HoldRecord
	err := withLedger(ctx, env, options.ConfigFlag,
		func(c *listsClient) error { return c.call(ctx, "POST", "release", what, &holds) },
		func(config *Config, l *ledger) error {
			in, catalog, err := storedBundle(config, env.logger())
			if err != nil {
				return err
			}
			released, err := l.releaseFrom(ctx, in, catalog.List(what.List), what, localActor())
			holds = recordsOf(released)
			return err
		})
	if err != nil {
		return err
	}
	if options.JSON {
		return printJSON(env.stdout, holds)
	}
	return printHolds(env.stdout, holds)
}

// storedBundle is what a stopped server had in force; empty where it never ran.
func storedBundle(config *Config, logger *slog.Logger) (*bundle.Bundle, *blocklists.Catalog, error) {
	made, err := newRules(config)
	if err != nil {
		return nil, nil, err
	}
	catalog, err := expandCatalogs(made.catalog, newListStore(config, nil, logger), logger)
	if err != nil {
		return nil, nil, err
	}
	folder := bundle.Folder{Dir: filepath.Join(config.StateDir(), bundlesDir)}
	held, err := folder.Newest(0, catalog, made.own)
	if err != nil {
		logger.Error("ALARM: a bundle on the disk is damaged", "error", err)
	}
	if held == nil {
		held = bundle.Empty()
	}
	return held, catalog, nil
}

func runListsConfirm(ctx context.Context, env *environment, options ConfirmOptions) error {
	what := confirmation{List: options.List, Name: options.Name, By: options.By, Note: options.Note}
	err := withLedger(ctx, env, options.ConfigFlag,
		func(c *listsClient) error { return c.call(ctx, "POST", "confirm", what, &what) },
		func(_ *Config, l *ledger) error { _, err := l.confirm(ctx, what, localActor()); return err })
	if err != nil {
		return err
	}
	if options.JSON {
		return printJSON(env.stdout, what)
	}
	subject := "the whole list"
	if what.Name != "" {
		subject = what.Name
	}
	_, err = fmt.Fprintf(env.stdout, "%s confirmed %s of %s; its review counts from now\n", what.By, subject, what.List)
	return err
}

func runListsApply(ctx context.Context, env *environment, options ApplyOptions) error {
	return withLists(ctx, env, options.ConfigFlag, func(c *listsClient) error {
		var plan guard.Plan
		if err := c.call(ctx, "POST", "apply", application{Lists: options.List}, &plan); err != nil {
			return err
		}
		if options.JSON {
			return printJSON(env.stdout, plan)
		}
		var text strings.Builder
		for i := range plan.Lists {
			change := &plan.Lists[i]
			fmt.Fprintf(&text, "list %s (%s): %d more in force, %d fewer, %d as before, %d held\n", change.List, change.Purpose, change.Block, change.Unblock, change.Unchanged, change.Held)
			if change.Trouble != "" {
				fmt.Fprintf(&text, "  %s: %s\n", change.State, change.Trouble)
			}
		}
		fmt.Fprintf(&text, "generation %d is in force\n", plan.To)
		_, err := io.WriteString(env.stdout, text.String())
		return err
	})
}

func runListsRollback(ctx context.Context, env *environment, options RollbackOptions) error {
	return withLists(ctx, env, options.ConfigFlag, func(c *listsClient) error {
		var done rolledBack
		if err := c.call(ctx, "POST", "rollback", target{Generation: options.Generation}, &done); err != nil {
			return err
		}
		if options.JSON {
			return printJSON(env.stdout, done)
		}
		var text strings.Builder
		fmt.Fprintf(&text, "generation %d is in force, with what generation %d had: %d blocked again, %d no longer blocked\n", done.Now, done.To, done.Changed.Block, done.Changed.Unblock)
		for _, list := range done.Pinned {
			fmt.Fprintf(&text, "list %s stays as it is; when its source is right again: recourse lists apply --list %s\n", list, list)
		}
		_, err := io.WriteString(env.stdout, text.String())
		return err
	})
}

func runListsDiff(ctx context.Context, env *environment, options DiffOptions) error {
	return withLists(ctx, env, options.ConfigFlag, func(c *listsClient) error {
		query := url.Values{}
		if options.From != 0 {
			query.Set("from", fmt.Sprint(options.From))
		}
		if options.To != 0 {
			query.Set("to", fmt.Sprint(options.To))
		}
		var plan guard.Plan
		if err := c.call(ctx, "GET", "diff?"+query.Encode(), nil, &plan); err != nil {
			return err
		}
		if options.JSON {
			return printJSON(env.stdout, plan)
		}
		return printDiff(env.stdout, &plan)
	})
}

func printDiff(to io.Writer, plan *guard.Plan) error {
	var text strings.Builder
	fmt.Fprintf(&text, "generation %d to %d: %d more, %d fewer, %d as before\n", plan.From, plan.To, plan.Block, plan.Unblock, plan.Unchanged)
	for i := range plan.Lists {
		change := &plan.Lists[i]
		if change.Block+change.Unblock == 0 {
			continue
		}
		fmt.Fprintf(&text, "list %s (%s):\n", change.List, change.Purpose)
		printNames(&text, "+", change.Block, change.BlockNames)
		printNames(&text, "-", change.Unblock, change.UnblockNames)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func runListsExport(ctx context.Context, env *environment, options ExportOptions) error {
	config, err := env.config(options.ConfigFlag, false)
	if err != nil {
		return err
	}
	client, running, err := runningLists(config)
	if err != nil {
		return err
	}
	if !running {
		return exportStored(ctx, env, config, options)
	}
	query := url.Values{"list": {string(options.List)}, "format": {options.Format}}
	reply, err := client.open(ctx, "GET", "export?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	_, err = io.Copy(env.stdout, reply.Body)
	return err
}

// exportStored exports from the last good copies, as a server on this state would load them.
func exportStored(ctx context.Context, env *environment, config *Config, options ExportOptions) error {
	made, err := newRules(config)
	if err != nil {
		return err
	}
	held, now := state{dir: config.StateDir()}, time.Now()
	ledger, err := readLedger(held.path(holdsFile), now)
	if err != nil {
		return err
	}
	logger := env.logger()
	compiled, _, err := bundle.Compile(ctx, made.catalog, nil, newListStore(config, nil, logger).LastGood(), bundle.Empty(), made.guard.With(ledger), now, logger)
	if err != nil {
		return err
	}
	if err := checkExport(compiled, options.List, options.Format); err != nil {
		return err
	}
	return writeExport(env.stdout, compiled, startOverlay(held.path(overlayFile), logger), options.List, options.Format)
}
