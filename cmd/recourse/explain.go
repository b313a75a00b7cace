package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// runExplain judges a name by what the configuration says now and the exceptions
// that its state has. It reads the lists as they are and changes nothing, so that it
// works beside a running server; or it asks that server, which alone knows of passes, of
// bindings and of devices.
func runExplain(ctx context.Context, env *environment, options ExplainOptions) error {
	config, err := env.config(options.ConfigFlag, false)
	if err != nil {
		return err
	}
	said, err := explanationOf(ctx, env, config, &options)
	if err != nil {
		return err
	}
	if err := printExplanation(env.stdout, options.JSON, said); err != nil {
		return err
	}
	if said.Verdict == policy.Block.String() {
		return errNo
	}
	return nil
}

func explanationOf(ctx context.Context, env *environment, config *Config, options *ExplainOptions) (reasoning.Reasoning, error) {
	name, err := nameOf(options.Name)
	if err != nil {
		return reasoning.Reasoning{}, usageError{err}
	}
	if options.Running {
		return askWhy(ctx, config, options)
	}
	snapshot, err := snapshotOf(ctx, config, env.logger())
	if err != nil {
		return reasoning.Reasoning{}, err
	}
	at := options.At.Time
	if at.IsZero() {
		at = time.Now()
	}
	verdict, err := snapshot.Explain(name, policy.Subject{Client: options.client(), Profile: options.Profile}, at)
	if err != nil {
		return reasoning.Reasoning{}, err
	}
	return reasoning.Of(&verdict), nil
}

// nameOf reads a name as a person writes it, in Unicode too; what is no name of a host
// is still one that DNS can carry.
func nameOf(text string) (wire.Name, error) {
	if name, err := parse.Name(text); err == nil {
		return name, nil
	}
	return wire.ParseName(text)
}

// snapshotOf is what a server with this configuration would have in force.
func snapshotOf(ctx context.Context, config *Config, logger *slog.Logger) (*policy.Snapshot, error) {
	made, err := newRules(config)
	if err != nil {
		return nil, err
	}
	held := state{dir: config.StateDir()}
	ledger, err := readLedger(held.path(holdsFile), time.Now())
	if err != nil {
		return nil, err
	}
	changed, err := readChanged(held.path(profilesFile))
	if err != nil {
		return nil, err
	}
	made.with(changed)
	safeguards := made.guard.With(ledger)
	store := newListStore(config, nil, logger).Preview()
	catalog, err := expandCatalogs(made.catalog, store, logger)
	if err != nil {
		return nil, err
	}
	compiled, _, err := bundle.Compile(ctx, catalog, made.own, store, bundle.Empty(), safeguards, time.Now(), logger)
	if err != nil {
		return nil, err
	}
	// Without the deployment's key, codes would be others than those that people see.
	key, err := held.readKey()
	if err != nil {
		return nil, err
	}
	snapshot := &policy.Snapshot{
		Bundle: compiled, Overlay: startOverlay(held.path(overlayFile), logger), Clients: made.clients, Operator: made.operator, StandIns: made.standIns, Key: key, Guard: safeguards,
	}
	if err := ordersOf(ctx, config.database(), snapshot, logger); err != nil {
		return nil, err
	}
	return policy.NewCurrent(snapshot).Load(), nil
}

func printExplanation(to io.Writer, asJSON bool, said reasoning.Reasoning) error {
	if asJSON {
		return printJSON(to, said)
	}
	return said.Print(to)
}

func printJSON(to io.Writer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// config loads the file that was named, or the quick start, and prints warnings.
func (e *environment) config(flag ConfigFlag, lab bool) (*Config, error) {
	if flag.Config == "" {
		return QuickStart(lab)
	}
	config, warnings, err := LoadConfig(flag.Config)
	for _, warning := range warnings {
		fmt.Fprintln(e.stderr, warning)
	}
	var problems *ConfigError
	if errors.As(err, &problems) {
		fmt.Fprintln(e.stderr, problems)
		return nil, errNo
	}
	return config, err
}

// logger writes JSON lines to standard error: what commands have to say beside
// their output, from warnings on.
func (e *environment) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
