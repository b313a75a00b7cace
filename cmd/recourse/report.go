package main

import (
	"context"

	public "github.com/recourse-dns/recourse/redress/report"
)

// ReportOptions are the flags of report.
type ReportOptions struct {
	ConfigFlag
	Policy bool   `xor:"what" help:"What this resolver does and what it keeps, as on the page /policy."`
	DPIA   bool   `name:"dpia" xor:"what" help:"The annex to a data protection impact assessment."`
	Format string `default:"text" enum:"text,html,json" help:"text, html or json."`
}

// Help shows the command at work.
func (ReportOptions) Help() string {
	return example("Both are made from the configuration, whether a server runs or not:",
		"recourse report --policy --config recourse.yaml", "recourse report --dpia --format html --config recourse.yaml")
}

// Run is called by the command line.
func (o *ReportOptions) Run(_ context.Context, env *environment) error {
	config, err := env.config(o.ConfigFlag, false)
	if err != nil {
		return err
	}
	var made *public.Statement
	switch {
	case o.Policy:
		made = public.Disclosure(config.deployment())
	case o.DPIA:
		made = public.Assessment(config.deployment())
	default:
		return wrongUse("say --policy or --dpia: the report over a time comes with a later version")
	}
	return o.print(env, made)
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
