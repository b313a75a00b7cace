package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// Exit statuses, as the contract has them.
const (
	statusDone = iota
	statusNo   // invalid, not found, blocked, or it could not be done
	statusWrongUse
)

// errNo ends a command whose answer is no; all that is to be said was printed.
var errNo = errors.New("the answer is no")

// usageError is a command line that asks for what no command does.
type usageError struct{ error }

func wrongUse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// environment is what a command reads from and writes to: human output on stdout,
// diagnostics on stderr.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], &environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}))
}

// run is the whole program but for the process around it. It ends with the context.
func run(ctx context.Context, args []string, env *environment) int {
	printed := -1 // the status with which kong wanted to leave, after help
	parser, err := kong.New(new(commands),
		kong.Name("recourse"),
		kong.Description("A resolver that filters only for a lawful reason, says so in every answer it withholds, and gives whoever was blocked by mistake a way back."),
		kong.Writers(env.stdout, env.stderr),
		kong.Exit(func(status int) { printed = max(printed, status) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(env),
	)
	if err != nil {
		return env.fail(err)
	}
	command, err := parser.Parse(args)
	switch {
	case printed >= 0:
		return printed
	case err != nil:
		return env.fail(usageError{err})
	}
	return env.fail(command.Run())
}

// fail says what went wrong and gives the status for it.
func (e *environment) fail(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return statusDone
	case errors.Is(err, errNo):
		return statusNo
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(e.stderr, "recourse: %s\nTry recourse --help.\n", err)
		return statusWrongUse
	}
	_, _ = fmt.Fprintf(e.stderr, "recourse: %s\n", err)
	return statusNo
}

// commands is the command line.
type commands struct {
	Serve     ServeOptions     `cmd:"" help:"Run the resolver, the portal and the desk."`
	Check     CheckOptions     `cmd:"" help:"Validate a configuration and all that it names."`
	Query     QueryOptions     `cmd:"" help:"Ask a DNS server and explain its answer."`
	Explain   ExplainOptions   `cmd:"" help:"Show the verdict on a name and every match that led to it."`
	Lists     listsCommands    `cmd:"" help:"Plan, import, hold, release and roll back lists."`
	Orders    ordersCommands   `cmd:"" help:"Enter, lift and prove orders of authorities."`
	Cases     casesCommands    `cmd:"" help:"Work on cases without a browser."`
	Accounts  accountsCommands `cmd:"" help:"Let people in who work here, and see who they are."`
	Clients   clientsCommands  `cmd:"" help:"Bind addresses to profiles, and give devices names of their own."`
	Alarms    alarmsCommands   `cmd:"" help:"See what whoever is on call has to know of, and say who looks after it."`
	Notices   noticesCommands  `cmd:"" help:"Work on messages that did not arrive."`
	Fleet     fleetCommands    `cmd:"" help:"See the nodes that follow this desk."`
	Report    ReportOptions    `cmd:"" help:"Print what this resolver does and keeps, and the annex to its impact assessment."`
	Audit     auditCommands    `cmd:"" help:"Verify and export the log of events."`
	Backup    BackupOptions    `cmd:"" help:"Copy the desk's database while the server runs."`
	Cache     cacheCommands    `cmd:"" help:"Work on what the running resolver keeps."`
	Trace     TraceOptions     `cmd:"" help:"Resolve a name and show every step of it."`
	Trust     trustCommands    `cmd:"" help:"Say what validation trusts."`
	Discovery DiscoveryOptions `cmd:"" help:"Print what clients are told of the encrypted doors, also for DHCP and router advertisements."`
	Lab       LabOptions       `cmd:"" help:"Run the miniature Internet alone."`
	Bench     BenchOptions     `cmd:"" help:"Load a DNS server and say how it answers."`
	Kit       KitOptions       `cmd:"" help:"Hold any resolver to the verdict kit."`
	Version   VersionOptions   `cmd:"" help:"Say which build this is."`
	Compile   CompileOptions   `cmd:"" hidden:"" help:"Compile lists for a server; it runs this itself."`
}

type casesCommands struct {
	List   CasesOptions  `cmd:"" help:"List the cases, those whose time runs out first."`
	Show   CaseOptions   `cmd:"" help:"Show one case with its events."`
	Decide DecideOptions `cmd:"" help:"Decide a case."`

	Ask       AskOptions       `cmd:"" help:"Ask the party for what is missing."`
	Reply     ReplyOptions     `cmd:"" help:"Write to the party."`
	Relieve   RelieveOptions   `cmd:"" help:"Test the site of a case again, and unblock it for now where all speaks for it."`
	Dismiss   DismissOptions   `cmd:"" help:"End a case as inadmissible, with reasons."`
	Close     CloseOptions     `cmd:"" help:"End a case that the party did not answer in."`
	Merge     MergeOptions     `cmd:"" help:"Let another case of the same entry stand for one."`
	Reread    RereadOptions    `cmd:"" help:"Say what you think of a decision that was drawn to be read again."`
	Refer     DossierOptions   `cmd:"" help:"Print the dossier of a case about an order, for its authority, or say that it was sent."`
	Facts     FactsOptions     `cmd:"" help:"Print what is known about a case."`
	Statement StatementOptions `cmd:"" help:"Print the statement of reasons of a case's decision."`
	Appeal    AppealOptions    `cmd:"" help:"Enter an appeal that came on paper, with the party's token."`
	Authority AuthorityOptions `cmd:"" name:"authority-decision" help:"Record what the authority decided of its order; a lift is in force at once."`
	External  ExternalOptions  `cmd:"" help:"Record what a court or an out-of-court body made of a decision."`
	Measures  MeasuresOptions  `cmd:"" help:"List warnings and suspensions for misuse, those that wait for a person first."`
	Measure   MeasureOptions   `cmd:"" help:"Give or drop a warning or suspension that is proposed, or decide the appeal against one."`
}

// ConfigFlag is the configuration of commands that work without a file too.
type ConfigFlag struct {
	Config string `placeholder:"FILE" help:"The configuration; without it the built-in quick start, with its state in ./recourse-state."`
}

// JSONFlag is for commands whose output programs read.
type JSONFlag struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// ServeOptions are the flags of serve.
type ServeOptions struct {
	ConfigFlag
	Lab bool `help:"Answer from the miniature Internet; no network is needed."`
}

// Help shows the command at work.
func (ServeOptions) Help() string {
	return example("Answers on 127.0.0.1:5300 and shows its pages on http://127.0.0.1:8080:",
		"recourse serve --lab", "recourse serve --config /etc/recourse/recourse.yaml")
}

// Run is called by the command line.
func (o *ServeOptions) Run(ctx context.Context, env *environment) error {
	return runServe(ctx, env, *o)
}

// ExplainOptions are the flags of explain.
type ExplainOptions struct {
	ConfigFlag
	JSONFlag
	Client  netip.Addr `placeholder:"ADDR" help:"Judge for the client at this address."`
	Server  string     `name:"server-name" placeholder:"NAME" help:"Who connected to this server name, or host of DNS over HTTPS."`
	Path    string     `placeholder:"PATH" help:"Who asked at this path of DNS over HTTPS, as /dns-query/tablet."`
	Profile string     `placeholder:"P" help:"Judge for a client with this profile."`
	At      moment     `placeholder:"TIME" help:"Judge as of this date, or time in RFC 3339."`
	Running bool       `help:"Ask the running server what is in force there, with passes, bindings and devices; else the configuration and the lists as they are now are judged by."`
	Name    string     `arg:"" help:"The name to judge."`
}

// Help shows the command at work.
func (ExplainOptions) Help() string {
	return example("Exit status 1 says that the name is blocked.",
		"recourse explain --config forward.yaml --client 127.0.0.2 www.casino.example",
		"recourse explain --config forward.yaml --running --client 127.0.0.1 phish.example",
		"recourse explain --config isp.yaml --client 203.0.113.7 --server-name family.dns.isp.example casino.example",
		"recourse explain --config forward.yaml --profile kids --at 2026-12-24T18:00:00Z --json casino.example")
}

// client is who asks, as the doors tell of it.
func (o *ExplainOptions) client() resolver.Client {
	return resolver.Client{
		Addr: o.Client.Unmap(), Name: strings.ToLower(strings.TrimSuffix(o.Server, ".")), Path: strings.TrimPrefix(o.Path, profile.PathPrefix),
	}
}

// Run is called by the command line.
func (o *ExplainOptions) Run(ctx context.Context, env *environment) error {
	return runExplain(ctx, env, *o)
}

// CasesOptions are the flags of cases list.
type CasesOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (CasesOptions) Help() string {
	return example("Works on a running and on a stopped server:", "recourse cases list --config forward.yaml")
}

// Run is called by the command line.
func (o *CasesOptions) Run(ctx context.Context, env *environment) error {
	return runCasesList(ctx, env, *o)
}

// CaseOptions are the flags of cases show.
type CaseOptions struct {
	ConfigFlag
	JSONFlag
	ID string `arg:"" help:"The case."`
}

// Help shows the command at work.
func (CaseOptions) Help() string {
	return example("The ID is in the list of cases and in the party's status link:", "recourse cases show ID --config forward.yaml")
}

// Run is called by the command line.
func (o *CaseOptions) Run(ctx context.Context, env *environment) error {
	return runCasesShow(ctx, env, *o)
}

// DecideOptions are the flags of cases decide.
type DecideOptions struct {
	ConfigFlag
	JSONFlag
	ID       string `arg:"" help:"The case."`
	Outcome  string `required:"" enum:"uphold,reverse,narrow,shorten" placeholder:"OUTCOME" help:"uphold, reverse, narrow or shorten."`
	Question string `default:"merits" enum:"implementation,merits" help:"What is decided: merits, or implementation (did we carry it out rightly)."`
	Facts    string `required:"" placeholder:"TEXT" help:"What was found."`
	Ground   string `required:"" placeholder:"TEXT" help:"Why that leads to the outcome."`
	PartOptions
	UnfoundedOptions
	ByFlag
}

// Help shows the command at work.
func (DecideOptions) Help() string {
	return example("A reversal is in force for the next question, and survives every new import of the list. The merits of a law list are its authority's to decide.",
		`recourse cases decide ID --outcome reverse --facts "the site was cleaned" --ground "no longer phishing"`,
		`recourse cases decide ID --outcome narrow --narrow-to bad.shop.example --facts "only one host is meant" --ground "the rest is somebody else's"`)
}

// Run is called by the command line.
func (o *DecideOptions) Run(ctx context.Context, env *environment) error {
	return runCasesDecide(ctx, env, *o)
}

// LabOptions are the flags of lab.
type LabOptions struct {
	Port uint16 `placeholder:"PORT" help:"The port of its servers on loopback; without it, or 0, any free one. It is printed."`
}

// Help shows the command at work.
func (LabOptions) Help() string {
	return example("Prints the addresses of its servers, and a key with which nsupdate changes its zones:", "recourse lab --port 5301")
}

// Run is called by the command line.
func (o *LabOptions) Run(ctx context.Context, env *environment) error { return runLab(ctx, env, *o) }

// moment is a point in time on the command line; the zero value is now.
type moment struct{ time.Time }

// UnmarshalText reads what the configuration takes for a time.
func (m *moment) UnmarshalText(text []byte) error {
	at, err := parseTime(string(text))
	m.Time = at
	return err
}

// example is the text of a help: a sentence, and command lines that kong leaves as they are.
func example(sentence string, lines ...string) string {
	return sentence + "\n\nExample:\n\n    " + strings.Join(lines, "\n    ") + "\n"
}
