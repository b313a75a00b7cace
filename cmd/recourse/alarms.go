package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress/notify"
)

type alarmsCommands struct {
	List AlarmsOptions `cmd:"" help:"Show what whoever is on call has to know of."`
	Ack  AckOptions    `cmd:"" help:"Say that you look after an alarm, so that it is not told again."`
}

// Help says how the commands belong together.
func (alarmsCommands) Help() string {
	return example("An alarm is told by mail and webhook, and again until somebody says that he looks after it.",
		"recourse alarms list --config recourse.yaml", `recourse alarms ack 17 --by "Ada Example" --config recourse.yaml`)
}

type noticesCommands struct {
	List   NoticesOptions     `cmd:"" help:"Show the messages that did not arrive."`
	Retry  RetryNoticeOptions `cmd:"" help:"Send one again."`
	Drop   DropNoticeOptions  `cmd:"" help:"Give one up and erase what was in it."`
	Bounce BounceOptions      `cmd:"" help:"Note a report of returned mail, read from standard input."`
}

// Help says how the commands belong together.
func (noticesCommands) Help() string {
	return example("A message that was refused, or that nobody took for four days, waits for a person.",
		"recourse notices list --config recourse.yaml", "recourse notices retry 23 --config recourse.yaml")
}

// AlarmsOptions are the flags of alarms list.
type AlarmsOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (AlarmsOptions) Help() string {
	return example("Works on a running and on a stopped server:", "recourse alarms list --config forward.yaml")
}

// Run is called by the command line.
func (o *AlarmsOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodGet, alarmPaths, nil, printAlarms)
}

func printAlarms(open []notify.Raised) string {
	if len(open) == 0 {
		return "there is no alarm\n"
	}
	var text strings.Builder
	for _, alarm := range open {
		heard := "not acknowledged"
		if !alarm.Acknowledged.IsZero() {
			heard = fmt.Sprintf("acknowledged by %s at %s", alarm.AcknowledgedBy, alarm.Acknowledged.Format(time.RFC3339))
		}
		fmt.Fprintf(&text, "%d  since %s  %s%s\n    %s\n", alarm.ID, alarm.Since.Format(time.RFC3339), heard, urgentWord(alarm.Urgent), alarm.Subject)
	}
	return text.String()
}

func urgentWord(urgent bool) string {
	if urgent {
		return ", urgent"
	}
	return ""
}

// AckOptions are the flags of alarms ack.
type AckOptions struct {
	ConfigFlag
	ID int64  `arg:"" help:"The alarm, as the message and the list have it."`
	By string `placeholder:"NAME" help:"Who looks after it; whoever is signed in, where nobody is named."`
}

// Help shows the command at work.
func (AckOptions) Help() string {
	return example("The alarm stays open until what it tells of has ended:", `recourse alarms ack 17 --by "Ada Example" --config forward.yaml`)
}

// Run is called by the command line.
func (o *AckOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, false, http.MethodPost, alarmPaths+"/ack", acknowledgement{ID: o.ID, By: o.By}, func(alarm notify.Raised) string {
		return fmt.Sprintf("alarm %d is acknowledged by %s\n", alarm.ID, alarm.AcknowledgedBy)
	})
}

// NoticesOptions are the flags of notices list.
type NoticesOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (NoticesOptions) Help() string {
	return example("They were refused, or not taken for four days. The log says why; what was in them is kept for a month:", "recourse notices list --config forward.yaml")
}

// Run is called by the command line.
func (o *NoticesOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodGet, noticePaths, nil, printDead)
}

func printDead(dead []notify.Dead) string {
	if len(dead) == 0 {
		return "every message has arrived or is under way\n"
	}
	var text strings.Builder
	for _, one := range dead {
		fmt.Fprintf(&text, "%d  given up %s after %s by %s  %s  %s\n", one.ID, one.Ended.Format(time.RFC3339), count(one.Attempts, "attempt"), one.Channel, one.Kind, one.Key)
	}
	return text.String()
}

// RetryNoticeOptions are the flags of notices retry.
type RetryNoticeOptions struct {
	ConfigFlag
	ID int64 `arg:"" help:"The message, as the list has it."`
}

// Help shows the command at work.
func (RetryNoticeOptions) Help() string {
	return example("When the cause is mended:", "recourse notices retry 23 --config forward.yaml")
}

// Run is called by the command line.
func (o *RetryNoticeOptions) Run(ctx context.Context, env *environment) error {
	return workOnNotice(ctx, env, o.ConfigFlag, o.ID, "retry", "message %d is sent again\n")
}

// DropNoticeOptions are the flags of notices drop.
type DropNoticeOptions struct {
	ConfigFlag
	ID int64 `arg:"" help:"The message, as the list has it."`
}

// Help shows the command at work.
func (DropNoticeOptions) Help() string {
	return example("What was in it is gone:", "recourse notices drop 23 --config forward.yaml")
}

// Run is called by the command line.
func (o *DropNoticeOptions) Run(ctx context.Context, env *environment) error {
	return workOnNotice(ctx, env, o.ConfigFlag, o.ID, "drop", "message %d is given up\n")
}

func workOnNotice(ctx context.Context, env *environment, flag ConfigFlag, id int64, what, said string) error {
	return callDesk(ctx, env, flag, false, http.MethodPost, noticePaths+"/"+what, deadNotice{ID: id}, func(done deadNotice) string {
		return fmt.Sprintf(said, done.ID)
	})
}
