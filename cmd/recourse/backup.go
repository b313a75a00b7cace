package main

import (
	"context"
	"fmt"
)

// BackupOptions are the flags of backup.
type BackupOptions struct {
	ConfigFlag
	To string `arg:"" placeholder:"FILE" help:"The copy, which must not be there yet."`
}

// Help shows an example.
func (BackupOptions) Help() string {
	return example("Copies the database as of one moment, also while the server runs. Its keys are not in it; docs/desk.md says how it is put back:",
		"recourse backup --config recourse.yaml backup.db")
}

// Run is called by the command line.
func (o *BackupOptions) Run(ctx context.Context, env *environment) error {
	config, err := env.config(o.ConfigFlag, false)
	if err != nil {
		return err
	}
	if err := config.database().Backup(ctx, o.To); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s has the database. Back up deployment.key, audit.key and contact.key too, and apart from it.\n", o.To)
	return err
}
