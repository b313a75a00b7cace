package main

import (
	"context"
	"errors"
	"time"
)

// DossierOptions are the flags of cases refer.
type DossierOptions struct {
	caseCommand
	Sent bool      `help:"Say that you sent the authority the dossier: its time counts from then."`
	On   time.Time `placeholder:"TIME" help:"With --sent: when, as 2026-11-26T10:00:00Z; without it now."`
}

// Help shows the command at work.
func (DossierOptions) Help() string {
	return example("Where no mail address of the authority is known, whoever is on call sends the dossier within a working day, and says so:",
		"recourse cases refer ID > dossier.txt", "recourse cases refer ID --sent")
}

// Run is called by the command line.
func (o *DossierOptions) Run(ctx context.Context, env *environment) error {
	switch {
	case !o.Sent && (!o.On.IsZero() || o.By != ""):
		return errors.New("--on and --by belong to --sent")
	case !o.Sent:
		return runCasesRead(ctx, env, CaseOptions{ConfigFlag: o.ConfigFlag, JSONFlag: o.JSONFlag, ID: o.ID}, "dossier")
	}
	request := map[string]any{}
	if !o.On.IsZero() {
		request["on"] = o.On
	}
	return o.post(ctx, env, "dossier", request)
}
