package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/fleet"
	public "github.com/recourse-dns/recourse/redress/report"
)

type auditCommands struct {
	Verify AuditVerifyOptions `cmd:"" help:"Find out whether the log of events is still what it was."`
	Export AuditExportOptions `cmd:"" help:"Write the log, or the entries in force, as JSON lines."`
	Rotate AuditRotateOptions `cmd:"" help:"Make a new key for heads, signed by the old one; the server must be stopped."`
}

// AuditVerifyOptions are the flags of audit verify.
type AuditVerifyOptions struct {
	ConfigFlag
	JSONFlag
	Heads []string `placeholder:"FILE" type:"path" help:"Heads that you kept: lines of /audit/heads, or receipts. May be given several times."`
	Key   string   `placeholder:"FILE" type:"path" help:"The public key that you trust, in PEM or hexadecimal; without it the first that is named."`
	Log   string   `placeholder:"FILE" type:"path" help:"An exported log, in place of this machine's."`
}

// Help shows the command at work.
func (AuditVerifyOptions) Help() string {
	return example("Works on a running and on a stopped server, and on a log that was exported. Exit status 1 says that something is wrong with it.",
		"recourse audit verify --config recourse.yaml", "recourse audit verify --log log.jsonl --heads kept.jsonl --key operator.pem")
}

// Run is called by the command line.
func (o *AuditVerifyOptions) Run(ctx context.Context, env *environment) error {
	checker, err := o.checker()
	if err != nil {
		return err
	}
	result, err := o.verify(ctx, env, checker)
	if err != nil {
		return err
	}
	if err := o.print(env.stdout, &result); err != nil {
		return err
	}
	if len(result.Faults) > 0 {
		return errNo
	}
	return nil
}

// checker has the key and the heads that the auditor brings.
func (o *AuditVerifyOptions) checker() (*audit.Checker, error) {
	var key ed25519.PublicKey
	if o.Key != "" {
		octets, err := os.ReadFile(o.Key)
		if err != nil {
			return nil, wrongUse("%s", err)
		}
		if key, err = audit.ParseKey(octets); err != nil {
			return nil, wrongUse("%s: %s", o.Key, err)
		}
	}
	checker := audit.NewChecker(key)
	for _, path := range o.Heads {
		file, err := os.Open(path)
		if err != nil {
			return nil, wrongUse("%s", err)
		}
		lines, err := audit.ReadHeads(bufio.NewReader(file), checker)
		file.Close()
		switch {
		case err != nil:
			return nil, wrongUse("%s: %s", path, err)
		case lines == 0:
			return nil, wrongUse("%s: no head is in it", path)
		}
	}
	return checker, nil
}

func (o *AuditVerifyOptions) verify(ctx context.Context, env *environment, checker *audit.Checker) (audit.Result, error) {
	if o.Log != "" {
		file, err := os.Open(o.Log)
		if err != nil {
			return audit.Result{}, wrongUse("%s", err)
		}
		defer file.Close()
		result, err := audit.VerifyLog(file, checker)
		if err != nil {
			return result, fmt.Errorf("%s: %w", o.Log, err)
		}
		return result, nil
	}
	database, _, err := readDatabase(ctx, env, o.ConfigFlag)
	if err != nil {
		return audit.Result{}, err
	}
	result, err := audit.VerifyDatabase(ctx, database, checker)
	if err == nil && len(result.Faults) == 0 { // else it is known already that the log cannot be counted on
		result.Faults, err = public.VerifyBooks(ctx, database)
	}
	return result, errors.Join(err, database.Close())
}

// readDatabase opens the database to read, whether a server runs on it or not.
func readDatabase(ctx context.Context, env *environment, flag ConfigFlag) (*store.DB, *Config, error) {
	config, err := env.config(flag, false)
	if err != nil {
		return nil, nil, err
	}
	database, err := config.database().OpenReader(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: nothing was ever logged here", err)
	}
	return database, config, err
}

func (o *AuditVerifyOptions) print(to io.Writer, result *audit.Result) error {
	if o.JSON {
		return printJSON(to, result)
	}
	for i := range result.Faults {
		if _, err := fmt.Fprintln(to, result.Faults[i].String()); err != nil {
			return err
		}
	}
	verdict := "the log is whole"
	if len(result.Faults) > 0 {
		verdict = "the log is NOT what it was"
	}
	_, err := fmt.Fprintf(to, "%s: %d events, the last one %s\n", verdict, result.Sequence, result.Hash)
	if err == nil && result.Heads > 0 {
		_, err = fmt.Fprintf(to, "held to %d heads, signed from %s to %s\n", result.Heads, result.Since.Format(time.RFC3339), result.Until.Format(time.RFC3339))
	}
	return err
}

// AuditExportOptions are the flags of audit export.
type AuditExportOptions struct {
	ConfigFlag
	Entries bool  `help:"The entries in force of all lists that are not secret, and the exceptions from them, in place of the log."`
	After   int64 `placeholder:"SEQUENCE" help:"Only events after this one."`
}

// Help shows the command at work.
func (AuditExportOptions) Help() string {
	return example("The log ends with a signed head. Works on a running and on a stopped server:",
		"recourse audit export > log.jsonl", "recourse audit export --entries > entries.jsonl")
}

// Run is called by the command line.
func (o *AuditExportOptions) Run(ctx context.Context, env *environment) error {
	if o.Entries {
		return runListsExport(ctx, env, ExportOptions{ConfigFlag: o.ConfigFlag, Format: auditFormat})
	}
	database, config, err := readDatabase(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	signer, err := signerOf(config)
	if err != nil {
		return errors.Join(err, database.Close())
	}
	out := bufio.NewWriterSize(env.stdout, 1<<20)
	return errors.Join(audit.Export(ctx, database, out, o.After, signer), out.Flush(), database.Close())
}

// signerOf signs as the server does; nil where this machine has no key.
func signerOf(config *Config) (*audit.Signer, error) {
	path := filepath.Join(config.StateDir(), auditKeyFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // what is exported is then signed by published heads alone
	}
	key, err := audit.LoadKey(path)
	if err != nil {
		return nil, err
	}
	return audit.NewSigner(config.Operator.Portal, key)
}

// AuditRotateOptions are the flags of audit rotate.
type AuditRotateOptions struct{ ConfigFlag }

// Help shows the command at work.
func (AuditRotateOptions) Help() string {
	return example("The old key signs the new one, and both are published at /audit/heads:", "recourse audit rotate --config recourse.yaml")
}

// Run is called by the command line.
func (o *AuditRotateOptions) Run(ctx context.Context, env *environment) error {
	config, err := env.config(o.ConfigFlag, false)
	if err != nil {
		return err
	}
	held, err := openState(config.StateDir())
	if errors.Is(err, errHeld) {
		return fmt.Errorf("%w: stop the server first", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(o.rotate(ctx, env, config, held), held.Close())
}

func (o *AuditRotateOptions) rotate(ctx context.Context, env *environment, config *Config, held *state) error {
	database, err := config.database().Open(ctx, env.logger())
	if err != nil {
		return err
	}
	defer database.Close()
	path := held.path(auditKeyFile)
	if err := audit.Resume(ctx, database, path); err != nil {
		return err
	}
	key, err := audit.LoadKey(path)
	if err != nil {
		return err
	}
	signer, err := audit.NewSigner(config.Operator.Portal, key)
	if err != nil {
		return err
	}
	publisher := audit.NewPublisher(database, signer, env.logger())
	if err := publisher.Begin(ctx); err != nil {
		return err
	}
	if err := publisher.Rotate(ctx, path); err != nil {
		return err
	}
	next, err := audit.LoadKey(path)
	if err == nil && config.sharesDatabase() {
		shared := fleet.DeskKey{Use: useAudit, Value: fleet.CheckValue(useAudit, next.Public().(ed25519.PublicKey))}
		err = fleet.AdoptKeys(ctx, database, config.nodeName(), []fleet.DeskKey{shared})
	}
	if err == nil {
		_, err = fmt.Fprintf(env.stdout, "the key of heads is now %x\n", next.Public())
	}
	return err
}
