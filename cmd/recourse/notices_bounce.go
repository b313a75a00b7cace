package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// BounceOptions are the flags of notices bounce.
type BounceOptions struct {
	ConfigFlag
}

// Help shows the command at work.
func (BounceOptions) Help() string {
	return example("Let the mail server hand over what comes back to desk.mail.from, as in /etc/aliases:",
		`redress: "|recourse notices bounce --config /etc/recourse/recourse.yaml"`)
}

// Run is called by the command line. What is no report is no fault: a holiday's answer that was
// refused here would travel back and forth.
func (o *BounceOptions) Run(ctx context.Context, env *environment) error {
	content, err := io.ReadAll(io.LimitReader(env.stdin, notify.MaxReport+1))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	report, err := notify.ReadReport(content)
	if err != nil {
		_, err := fmt.Fprintln(env.stdout, "no report of a message of ours; nothing is noted")
		return err
	}
	return callDesk(ctx, env, o.ConfigFlag, false, http.MethodPost, noticePaths+"/bounce", report, func(noted notify.Report) string {
		return fmt.Sprintf("noted: status %s\n", noted.Status)
	})
}

// bounce notes a report of returned mail. One of a message that we do not know is nothing to us.
func (n *notices) bounce(ctx context.Context, report notify.Report, _ string) (notify.Report, error) {
	err := n.database.Tx(ctx, func(tx *store.Tx) error { return notify.Bounce(ctx, tx, report, time.Now()) })
	if errors.Is(err, notify.ErrNoReport) {
		err = nil
	}
	return report, err
}
