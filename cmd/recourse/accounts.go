package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recourse-dns/recourse/redress"
)

type accountsCommands struct {
	Add      AddAccountOptions      `cmd:"" help:"Make an account, and print the link for its first sign-in."`
	Reset    ResetAccountOptions    `cmd:"" help:"Forget what an account signs in with, and print a link to begin anew."`
	List     AccountsOptions        `cmd:"" help:"List the accounts."`
	Role     AccountRoleOptions     `cmd:"" help:"Give an account another role."`
	Remove   RemoveAccountOptions   `cmd:"" help:"Remove an account, and forget its name."`
	Sessions AccountSessionsOptions `cmd:"" help:"Show an account's sessions, or end them."`
	Claim    ClaimOptions           `cmd:"" help:"Print a new code for the first account."`
}

// Help says who may use them.
func (accountsCommands) Help() string {
	return example("They need this machine, not the network: whoever may read the state directory.",
		"recourse accounts add anna --role reviewer --config recourse.yaml", "recourse accounts reset anna --config recourse.yaml")
}

// AccountArg is an account.
type AccountArg struct {
	Name string `arg:"" help:"What the account is called, or its ID."`
}

// RoleFlags are what an account may do.
type RoleFlags struct {
	Role      string `required:"" enum:"reviewer,second_reviewer,operator,auditor,authority,household" placeholder:"ROLE" help:"reviewer, second_reviewer, operator, auditor, authority or household."`
	Authority string `placeholder:"NAME" help:"With authority: whose account it is."`
	Cleared   bool   `help:"May see and decide cases about secret lists."`
}

func (f *RoleFlags) call(name string) accountCall {
	return accountCall{Name: name, Role: redress.ActorRole(f.Role), Authority: f.Authority, Cleared: f.Cleared}
}

// AddAccountOptions are the flags of accounts add.
type AddAccountOptions struct {
	ConfigFlag
	JSONFlag
	AccountArg
	RoleFlags
}

// Help shows the command at work.
func (AddAccountOptions) Help() string {
	return example("The link works once, within 48 hours:", "recourse accounts add anna --role reviewer", "recourse accounts add agcom --role authority --authority AGCOM")
}

// Run is called by the command line.
func (o *AddAccountOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/add", o.call(o.Name), printAccount)
}

// ResetAccountOptions are the flags of accounts reset.
type ResetAccountOptions struct {
	ConfigFlag
	JSONFlag
	AccountArg
}

// Help shows the command at work.
func (ResetAccountOptions) Help() string {
	return example("For who has lost telephone, passkey and recovery codes. Their sessions end.", "recourse accounts reset anna")
}

// Run is called by the command line.
func (o *ResetAccountOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/reset", accountCall{Name: o.Name}, printAccount)
}

// AccountsOptions are the flags of accounts list.
type AccountsOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (AccountsOptions) Help() string {
	return example("Works on a running and on a stopped server:", "recourse accounts list")
}

// Run is called by the command line.
func (o *AccountsOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodGet, accountPaths, nil, printAccounts)
}

// AccountRoleOptions are the flags of accounts role.
type AccountRoleOptions struct {
	ConfigFlag
	JSONFlag
	AccountArg
	RoleFlags
}

// Help shows the command at work.
func (AccountRoleOptions) Help() string {
	return example("Their sessions end, so that nobody goes on as what they began:", "recourse accounts role anna --role second_reviewer --cleared")
}

// Run is called by the command line.
func (o *AccountRoleOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/role", o.call(o.Name), printAccount)
}

// RemoveAccountOptions are the flags of accounts remove.
type RemoveAccountOptions struct {
	ConfigFlag
	JSONFlag
	AccountArg
}

// Help shows the command at work.
func (RemoveAccountOptions) Help() string {
	return example("The log of events keeps the account's ID; its name is forgotten:", "recourse accounts remove anna")
}

// Run is called by the command line.
func (o *RemoveAccountOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/remove", accountCall{Name: o.Name}, func(reply shownAccount) string {
		return fmt.Sprintf("account %s (%s) is removed\n", reply.Name, reply.ID)
	})
}

// AccountSessionsOptions are the flags of accounts sessions.
type AccountSessionsOptions struct {
	ConfigFlag
	JSONFlag
	AccountArg
	End bool `help:"End them all."`
}

// Help shows the command at work.
func (AccountSessionsOptions) Help() string {
	return example("Nothing is kept of where they came from:", "recourse accounts sessions anna --end")
}

// Run is called by the command line.
func (o *AccountSessionsOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/sessions", accountCall{Name: o.Name, End: o.End}, printSessions)
}

// ClaimOptions are the flags of accounts claim.
type ClaimOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (ClaimOptions) Help() string {
	return example("While there is no account. The code before does not work any more; this one does for an hour, once:", "recourse accounts claim")
}

// Run is called by the command line.
func (o *ClaimOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, accountPaths+"/claim", accountCall{}, printClaim)
}

func printAccount(reply shownAccount) string {
	text := fmt.Sprintf("account %s (%s), %s\n", reply.Name, reply.ID, reply.Role)
	if reply.Link != "" {
		text += fmt.Sprintf("  %s\nThe link works once, until %s. It is not told again.\n", reply.Link, reply.LinkEnds.Local().Format("2 January 15:04"))
	}
	return text
}

func printAccounts(reply []shownAccount) string {
	if len(reply) == 0 {
		return "there is no account; recourse accounts claim prints the code for the first\n"
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for i := range reply {
		used := "never signed in"
		if !reply[i].Used.IsZero() {
			used = "last " + reply[i].Used.Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", reply[i].Name, reply[i].ID, reply[i].Role, signsInWith(&reply[i]), used) // a builder takes all
	}
	if err := table.Flush(); err != nil {
		return err.Error()
	}
	return text.String()
}

// signsInWith says what an account has.
func signsInWith(account *shownAccount) string {
	var has []string
	if account.Issuer != "" {
		has = append(has, account.Issuer)
	}
	if account.Passkeys > 0 {
		has = append(has, count(account.Passkeys, "passkey"))
	}
	if account.Password && account.SecondFactor {
		has = append(has, "password and code")
	}
	if len(has) == 0 {
		return "link not used yet"
	}
	return strings.Join(has, ", ")
}

func printSessions(reply []shownSession) string {
	if len(reply) == 0 {
		return "no session is open\n"
	}
	var text strings.Builder
	for _, one := range reply {
		fmt.Fprintf(&text, "%s  by %s since %s, last request %s, ends %s\n", one.ID, one.Method, one.Made.Format(time.RFC3339), one.Seen.Format(time.RFC3339), one.Ends.Format(time.RFC3339))
	}
	return text.String()
}
