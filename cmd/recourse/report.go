package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/language"
	public "github.com/recourse-dns/recourse/redress/report"
)

// ReportOptions are the flags of report.
type ReportOptions struct {
	ConfigFlag
	From string `placeholder:"DATE" help:"The first day of the transparency report; a year before the last where it is not given."`
	To   string `placeholder:"DATE" help:"The last day of it; yesterday where it is not given."`
	Log  string `placeholder:"FILE" type:"path" help:"Make it from an exported log, which is verified, and not from this machine's."`
	// Recount takes nothing from what the server counted.
	Recount bool `help:"Count every event of this machine's log again, in place of going on from what the server has counted so far."`
	Policy  bool `xor:"what" help:"What this resolver does and what it keeps, as on the page /policy, in its place."`
	DPIA    bool `name:"dpia" xor:"what" help:"The annex to a data protection impact assessment, in its place."`
	// Language is of the statement alone: the annex is for the operator's own people.
	Language string `placeholder:"TAG" help:"The language of --policy, as de; the operator's first where it is not given."`
	Format   string `enum:",text,html,csv,json" default:"" help:"html, csv or json; text, html or json of --policy and --dpia."`
}

// Help shows the command at work.
func (ReportOptions) Help() string {
	return example("The transparency report is recomputed from the log of events, whether a server runs or not; --recount reads the whole log and not only what is new. The two statements are made from the configuration:",
		"recourse report --from 2026-01-01 --to 2026-12-31 --format csv", "recourse report --recount --from 2026-01-01 --to 2026-12-31", "recourse report --log log.jsonl --from 2026-01-01 --to 2026-12-31 --format json",
		"recourse report --policy --config recourse.yaml", "recourse report --policy --language de --config recourse.yaml", "recourse report --dpia --format html --config recourse.yaml")
}

// Run is called by the command line.
func (o *ReportOptions) Run(ctx context.Context, env *environment) error {
	if o.Language != "" && !o.Policy {
		return wrongUse("--language is for --policy; the annex and the transparency report are in English, and the page /report is in all languages")
	}
	if !o.Policy && !o.DPIA {
		return o.transparency(ctx, env)
	}
	if o.From != "" || o.To != "" || o.Log != "" || o.Recount || o.Format == "csv" {
		return wrongUse("--policy and --dpia are of now: they take --format text, html or json, and no --from, --to, --log or --recount")
	}
	config, err := env.config(o.ConfigFlag, false)
	if err != nil {
		return err
	}
	teller, err := public.NewTeller(config.languageFiles())
	if err != nil {
		return err
	}
	if o.DPIA {
		return o.print(env, teller.Assessment(config.deployment()))
	}
	tag, err := o.tongue(config, teller.Languages())
	if err != nil {
		return err
	}
	return o.print(env, teller.Disclosure(config.deployment(), tag))
}

// tongue is the language of the statement: the one asked for, or the operator's first.
func (o *ReportOptions) tongue(config *Config, has []string) (string, error) {
	tag := o.Language
	if tag == "" && len(config.Operator.Languages) > 0 {
		tag = config.Operator.Languages[0]
	}
	if tag == "" {
		return language.Source, nil
	}
	if !slices.Contains(has, tag) {
		return "", wrongUse("there are no texts in %s; there are: %s", quote(tag), strings.Join(has, ", "))
	}
	return tag, nil
}

func (o *ReportOptions) print(env *environment, made *public.Statement) error {
	switch o.Format {
	case "json":
		return printJSON(env.stdout, made)
	case "html":
		return made.HTML(env.stdout)
	}
	return made.Text(env.stdout)
}

func (o *ReportOptions) transparency(ctx context.Context, env *environment) error {
	if o.Format == "text" {
		return wrongUse("the transparency report is written as html, csv or json")
	}
	period, err := public.ParsePeriod(o.From, o.To, time.Now())
	if err != nil {
		return wrongUse("%s", err)
	}
	make := o.fromDatabase
	if o.Log != "" {
		make = o.fromLog
	}
	made, err := make(ctx, env, period)
	if err != nil {
		return err
	}
	switch o.Format {
	case "json":
		return made.JSON(env.stdout)
	case "csv":
		return made.CSV(env.stdout)
	}
	return made.HTML(env.stdout)
}

func (o *ReportOptions) fromDatabase(ctx context.Context, env *environment, period public.Period) (*public.Transparency, error) {
	database, config, err := readDatabase(ctx, env, o.ConfigFlag)
	if err != nil {
		return nil, err
	}
	books := public.NewBooks(database, env.logger())
	make := books.Report
	if o.Recount {
		make = books.Recounted
	}
	made, err := make(ctx, config.Operator.Name, config.Operator.Portal, period)
	return made, errors.Join(err, database.Close())
}

// fromLog counts an exported log, and makes no report of one that is not whole.
func (o *ReportOptions) fromLog(_ context.Context, _ *environment, period public.Period) (*public.Transparency, error) {
	file, err := os.Open(o.Log)
	if err != nil {
		return nil, wrongUse("%s", err)
	}
	defer file.Close()
	checker, book, origin := audit.NewChecker(nil), public.NewBook(nil), ""
	err = audit.ReadLog(file, func(item audit.Item) error {
		switch {
		case item.Head != nil:
			checker.Head(*item.Head)
		case item.Key != nil:
			checker.Key(item.Key)
			origin = item.Key.Origin
		default:
			checker.Event(item.Event, item.Content)
			return book.Add(item.Event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Log, err)
	}
	if result := checker.End(); len(result.Faults) > 0 {
		return nil, fmt.Errorf("%s: the log is not whole, so there is no report of it: %s", o.Log, result.Faults[0].String())
	}
	return book.Make(origin, origin, period)
}
