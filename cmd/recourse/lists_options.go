package main

import (
	"context"
	"errors"
	"os/user"

	"github.com/recourse-dns/recourse/blocklists"
)

// listsCommands are the life of a list from its first reading on.
type listsCommands struct {
	Plan     PlanOptions     `cmd:"" help:"Show what an import would block, unblock and hold, before it does."`
	Apply    ApplyOptions    `cmd:"" help:"Import the lists now."`
	Status   StatusOptions   `cmd:"" help:"Show how each list stands, and what somebody should look at."`
	Holds    HoldsOptions    `cmd:"" help:"Show what safeguards hold back, and who has released it."`
	Release  ReleaseOptions  `cmd:"" help:"Let go of something that is held."`
	Confirm  ConfirmOptions  `cmd:"" help:"Say that entries were reviewed and stand."`
	Rollback RollbackOptions `cmd:"" help:"Put a generation before the one in force back in force."`
	Diff     DiffOptions     `cmd:"" help:"Show what differs between two generations."`
	Export   ExportOptions   `cmd:"" help:"Print what is in force, for other programs."`
}

// Help says how the commands belong together.
func (listsCommands) Help() string {
	return example("A list is read, its entries pass the safeguards, and what passes is in force. What a safeguard holds waits for people.",
		"recourse lists plan --config recourse.yaml",
		"recourse lists holds --config recourse.yaml",
		"recourse lists rollback --config recourse.yaml")
}

// PlanOptions are the flags of lists plan.
type PlanOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (PlanOptions) Help() string {
	return example("Compares the lists as they are now with what is in force, and changes nothing. Says what is held and why, which popular names are covered, by rank, and of which names the lists disagree:",
		"recourse lists plan --config forward.yaml")
}

// Run is called by the command line.
func (o *PlanOptions) Run(ctx context.Context, env *environment) error {
	return runListsPlan(ctx, env, *o)
}

// ApplyOptions are the flags of lists apply.
type ApplyOptions struct {
	ConfigFlag
	JSONFlag
	List []blocklists.ListID `placeholder:"LIST" help:"Import this list only anew; may be given more than once. Without it, all."`
}

// Help shows the command at work.
func (ApplyOptions) Help() string {
	return example("Imports now, without waiting for the next refresh. A list that a rollback fixed is read again, and an edition with a lower serial than before is taken:",
		"recourse lists apply --config forward.yaml", "recourse lists apply --list phishing --config forward.yaml")
}

// Run is called by the command line.
func (o *ApplyOptions) Run(ctx context.Context, env *environment) error {
	return runListsApply(ctx, env, *o)
}

// StatusOptions are the flags of lists status.
type StatusOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (StatusOptions) Help() string {
	return example("Works on a running and on a stopped server. Exit status 1 says that a list is missing:", "recourse lists status --config forward.yaml --json")
}

// Run is called by the command line.
func (o *StatusOptions) Run(ctx context.Context, env *environment) error {
	return runListsStatus(ctx, env, *o)
}

// HoldsOptions are the flags of lists holds.
type HoldsOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (HoldsOptions) Help() string {
	return example("Each line has the list, the name, the safeguard with what it found, since when, and who has released it. Works on a running and on a stopped server:",
		"recourse lists holds --config forward.yaml")
}

// Run is called by the command line.
func (o *HoldsOptions) Run(ctx context.Context, env *environment) error {
	return runListsHolds(ctx, env, *o)
}

// ReleaseOptions are the flags of lists release.
type ReleaseOptions struct {
	ConfigFlag
	JSONFlag
	By     string            `required:"" placeholder:"NAME" help:"Who releases it: the name of a person."`
	Note   string            `placeholder:"TEXT" help:"Why."`
	Growth bool              `help:"Release all entries that are held because the list grew."`
	Shrink bool              `help:"Take the list although it lost much."`
	Spike  bool              `help:"Let new entries go on that were halted."`
	List   blocklists.ListID `arg:"" help:"The list."`
	Name   string            `arg:"" optional:"" help:"The name or network that is held."`
}

// Help shows the command at work.
func (ReleaseOptions) Help() string {
	return example("What a law or security list holds is released by two different people, what a user list holds by one. A release is for this list and name, and survives every new import:",
		`recourse lists release phishing shop.example --by "Ada Example" --note "seen the page" --config forward.yaml`,
		`recourse lists release phishing --growth --by "Ada Example" --config forward.yaml`)
}

// Validate holds the name and the flags apart; kong calls it.
func (o *ReleaseOptions) Validate() error {
	given := 0
	for _, said := range []bool{o.Name != "", o.Growth, o.Shrink, o.Spike} {
		if said {
			given++
		}
	}
	if given != 1 {
		return errors.New("give one of a name, --growth, --shrink and --spike")
	}
	if blocklists.Person(o.By) == "" {
		return errors.New("--by needs the name of a person")
	}
	return nil
}

func (o *ReleaseOptions) whole() blocklists.Safeguard {
	switch {
	case o.Growth:
		return blocklists.Growth
	case o.Shrink:
		return blocklists.Shrink
	case o.Spike:
		return blocklists.Spike
	}
	return ""
}

// Run is called by the command line.
func (o *ReleaseOptions) Run(ctx context.Context, env *environment) error {
	return runListsRelease(ctx, env, *o)
}

// ConfirmOptions are the flags of lists confirm.
type ConfirmOptions struct {
	ConfigFlag
	JSONFlag
	By   string            `required:"" placeholder:"NAME" help:"Who has reviewed it: the name of a person."`
	Note string            `placeholder:"TEXT" help:"What was found."`
	List blocklists.ListID `arg:"" help:"The list."`
	Name string            `arg:"" optional:"" help:"The name; without it, the whole list."`
}

// Help shows the command at work.
func (ConfirmOptions) Help() string {
	return example("The review of an entry is due again when the list's review_every has passed. Entries of security lists that nobody confirms stop:",
		`recourse lists confirm phishing shop.example --by "Ada Example" --config forward.yaml`)
}

// Validate refuses a name of blanks; kong calls it.
func (o *ConfirmOptions) Validate() error {
	if blocklists.Person(o.By) == "" {
		return errors.New("--by needs the name of a person")
	}
	return nil
}

// Run is called by the command line.
func (o *ConfirmOptions) Run(ctx context.Context, env *environment) error {
	return runListsConfirm(ctx, env, *o)
}

// RollbackOptions are the flags of lists rollback.
type RollbackOptions struct {
	ConfigFlag
	JSONFlag
	Generation uint64 `arg:"" optional:"" help:"The generation; without it, the one before the one in force."`
}

// Help shows the command at work.
func (RollbackOptions) Help() string {
	return example("In force on every door when it returns. The lists that differ stay as they are, whatever their sources say, until recourse lists apply:",
		"recourse lists rollback --config forward.yaml", "recourse lists rollback 41 --config forward.yaml")
}

// Run is called by the command line.
func (o *RollbackOptions) Run(ctx context.Context, env *environment) error {
	return runListsRollback(ctx, env, *o)
}

// DiffOptions are the flags of lists diff.
type DiffOptions struct {
	ConfigFlag
	JSONFlag
	From uint64 `arg:"" optional:"" help:"A generation; without it, the one before the one in force."`
	To   uint64 `arg:"" optional:"" help:"Another; without it, the one in force."`
}

// Help shows the command at work.
func (DiffOptions) Help() string {
	return example("Shows what the second has more and fewer than the first:", "recourse lists diff --config forward.yaml", "recourse lists diff 41 42 --config forward.yaml")
}

// Run is called by the command line.
func (o *DiffOptions) Run(ctx context.Context, env *environment) error {
	return runListsDiff(ctx, env, *o)
}

// ExportOptions are the flags of lists export.
type ExportOptions struct {
	ConfigFlag
	List   blocklists.ListID `placeholder:"LIST" help:"This list only; without it, all."`
	Format string            `default:"domains" enum:"hosts,domains,rpz,jsonl" help:"hosts, domains, rpz or jsonl."`
}

// Help shows the command at work.
func (ExportOptions) Help() string {
	return example("Prints what is in force, and nothing that is held. In hosts and domains the last line counts the entries that also cover what lies below their names, which these cannot say:",
		"recourse lists export --list phishing --format rpz --config forward.yaml")
}

// Run is called by the command line.
func (o *ExportOptions) Run(ctx context.Context, env *environment) error {
	return runListsExport(ctx, env, *o)
}

// localActor is who runs this process, as the system knows it.
func localActor() string {
	who, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return who.Username
}
