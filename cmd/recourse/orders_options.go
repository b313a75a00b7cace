package main

import (
	"context"
	"errors"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// ordersCommands are the life of an order.
type ordersCommands struct {
	Add         OrderAddOptions     `cmd:"" help:"Enter an order; it is in force with the reply."`
	List        OrderListOptions    `cmd:"" help:"List the orders, the oldest first."`
	Show        OrderShowOptions    `cmd:"" help:"Show one order with its names and events."`
	Change      OrderChangeOptions  `cmd:"" help:"Add, lift and correct names, dates and texts of an order."`
	Lift        OrderLiftOptions    `cmd:"" help:"Lift names of an order, or the whole order."`
	Suspend     OrderSuspendOptions `cmd:"" help:"Stop an order's effect until a time."`
	Resume      OrderResumeOptions  `cmd:"" help:"End a suspension before its time."`
	Release     OrderReleaseOptions `cmd:"" help:"Let go of names that a safeguard holds."`
	Information InformationOptions  `cmd:"" help:"Take down that an authority asked for information, for the report."`
	Receipts    ReceiptsOptions     `cmd:"" help:"Prove since when each change of an order is in force."`
}

// Help says how the commands belong together.
func (ordersCommands) Help() string {
	return example("Orders of authorities, on a running and on a stopped server. What no safeguard holds is in force at once, and what is lifted resolves at once:",
		"recourse orders add order.json --config recourse.yaml",
		`recourse orders lift "RG 1234/2026" shop.example --why "wrong name" --config recourse.yaml`,
		`recourse orders receipts "RG 1234/2026" --config recourse.yaml`)
}

// OrderFlag names one order.
type OrderFlag struct {
	ConfigFlag
	JSONFlag
	List blocklists.ListID `placeholder:"LIST" help:"The list, where several have an order of this reference."`
	By   string            `placeholder:"NAME" help:"Who enters it: the name of a person. Without it, this account."`
	Ref  string            `arg:"" help:"The order's reference."`
}

// OrderAddOptions are the flags of orders add.
type OrderAddOptions struct {
	ConfigFlag
	JSONFlag
	By           string            `placeholder:"NAME" help:"Who enters it: the name of a person. Without it, this account."`
	List         blocklists.ListID `placeholder:"LIST" help:"The law list that the names belong to."`
	Ref          string            `placeholder:"REF" help:"The number under which the authority keeps the order."`
	Authority    string            `placeholder:"NAME" help:"Who gives the order."`
	Act          string            `placeholder:"ACT" help:"The act that permits it."`
	Article      string            `placeholder:"N" help:"Its article."`
	Jurisdiction []string          `placeholder:"CODE" help:"Where it is in force, as IT; may be given more than once."`
	Language     string            `placeholder:"LANG" help:"The language of the order, as it."`
	Reason       map[string]string `placeholder:"LANG=TEXT" help:"Why, by language; may be given more than once."`
	Venue        string            `placeholder:"NAME" help:"Where it is contested."`
	Effective    string            `placeholder:"TIME" help:"From when the names are blocked; now without it."`
	EnforceBy    string            `placeholder:"TIME" help:"By when they have to be."`
	Expires      string            `placeholder:"TIME" help:"Until when."`
	Scope        string            `default:"exact" enum:"exact,subtree,below" help:"What each --name covers: exact, subtree or below."`
	Name         []string          `placeholder:"NAME" help:"A name; may be given more than once."`
	File         string            `arg:"" optional:"" help:"The order as JSON, in the form of POST /api/v1/orders; - for standard input."`
}

// Help shows the command at work.
func (OrderAddOptions) Help() string {
	return example("Says what the order lacks, what a safeguard holds, and since when the rest is in force. Flags take the place of what the file says. The same order entered twice is one order:",
		"recourse orders add order.json --config recourse.yaml",
		`recourse orders add --ref "RG 1/2026" --authority "Tribunale di Esempio" --act "Legge 633/1941" --article 163 --jurisdiction IT --name pirate.example --scope subtree --config recourse.yaml`)
}

// Run is called by the command line.
func (o *OrderAddOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersAdd(ctx, env, *o)
}

// OrderListOptions are the flags of orders list.
type OrderListOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (OrderListOptions) Help() string {
	return example("Each line has the state, how many names, how many of them are held, list, reference and authority:", "recourse orders list --config recourse.yaml")
}

// Run is called by the command line.
func (o *OrderListOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersList(ctx, env, *o)
}

// OrderShowOptions are the flags of orders show.
type OrderShowOptions struct{ OrderFlag }

// Help shows the command at work.
func (OrderShowOptions) Help() string {
	return example("Names that were lifted are shown too, with who lifted them:", `recourse orders show "RG 1234/2026" --config recourse.yaml`)
}

// Run is called by the command line.
func (o *OrderShowOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersShow(ctx, env, *o)
}

// OrderChangeOptions are the flags of orders change.
type OrderChangeOptions struct {
	OrderFlag
	File string `arg:"" help:"The change as JSON, in the form of PATCH /api/v1/orders/REF; - for standard input."`
}

// Help shows the command at work.
func (OrderChangeOptions) Help() string {
	return example(`The file may say add, lift, correct, effective, enforce_by, expires, reasons, language, redress, document, why and decision, as {"add": ["new.example"], "expires": "2027-06-30T00:00:00Z"}:`,
		`recourse orders change "RG 1234/2026" change.json --config recourse.yaml`)
}

// Run is called by the command line.
func (o *OrderChangeOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersChange(ctx, env, *o)
}

// OrderLiftOptions are the flags of orders lift.
type OrderLiftOptions struct {
	OrderFlag
	Why         string   `placeholder:"TEXT" help:"Why, for the record."`
	DecisionBy  string   `placeholder:"AUTHORITY" help:"Another authority or a higher court that decided so. Two people enter the same then."`
	DecisionRef string   `placeholder:"REF" help:"The number of that decision."`
	Name        []string `arg:"" optional:"" help:"The names; without any, the whole order."`
}

// Help shows the command at work.
func (OrderLiftOptions) Help() string {
	return example("What is lifted resolves with the reply. Nothing is erased. A decision of another than the order's own authority is entered by two people with the same words, and goes before what that authority orders:",
		`recourse orders lift "RG 1234/2026" shop.example --why "wrong name" --config recourse.yaml`,
		`recourse orders lift "RG 1234/2026" --decision-by "Corte di Appello" --decision-ref 12/2026 --by "Ada Example" --config recourse.yaml`)
}

// Validate holds the flags of a decision together; kong calls it.
func (o *OrderLiftOptions) Validate() error {
	if (o.DecisionBy == "") != (o.DecisionRef == "") {
		return errors.New("--decision-by and --decision-ref go together")
	}
	if o.DecisionBy != "" && o.By == "" {
		return errors.New("--by is missing: another authority's decision is entered by two people")
	}
	return nil
}

// Run is called by the command line.
func (o *OrderLiftOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersLift(ctx, env, *o)
}

// OrderSuspendOptions are the flags of orders suspend.
type OrderSuspendOptions struct {
	OrderFlag
	Until  time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When it is in force again, as 2026-12-01T00:00:00Z."`
	Reason string    `required:"" placeholder:"TEXT" help:"Why; the authority is told."`
}

// Help shows the command at work.
func (OrderSuspendOptions) Help() string {
	return example("The names resolve with the reply, and are blocked again at the time without anybody's doing:",
		`recourse orders suspend "RG 1234/2026" --until 2026-12-01T00:00:00Z --reason "the court hears both sides" --config recourse.yaml`)
}

// Run is called by the command line.
func (o *OrderSuspendOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersSuspend(ctx, env, *o)
}

// OrderResumeOptions are the flags of orders resume.
type OrderResumeOptions struct{ OrderFlag }

// Help shows the command at work.
func (OrderResumeOptions) Help() string {
	return example("The order is in force again with the reply:", `recourse orders resume "RG 1234/2026" --config recourse.yaml`)
}

// Run is called by the command line.
func (o *OrderResumeOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersResume(ctx, env, *o)
}

// OrderReleaseOptions are the flags of orders release.
type OrderReleaseOptions struct {
	OrderFlag
	Note string   `placeholder:"TEXT" help:"Why."`
	Name []string `arg:"" optional:"" help:"The names; without any, all that are held."`
}

// Help shows the command at work.
func (OrderReleaseOptions) Help() string {
	return example("What a safeguard holds of an order is released by two different people; the second puts it in force:",
		`recourse orders release "RG 1234/2026" --by "Ada Example" --note "the court means the whole domain" --config recourse.yaml`)
}

// Validate wants a person; kong calls it.
func (o *OrderReleaseOptions) Validate() error {
	if o.By == "" {
		return errors.New("--by is missing: who releases it")
	}
	return nil
}

// Run is called by the command line.
func (o *OrderReleaseOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersRelease(ctx, env, *o)
}

// ReceiptsOptions are the flags of orders receipts.
type ReceiptsOptions struct{ OrderFlag }

// Help shows the command at work.
func (ReceiptsOptions) Help() string {
	return example("Each line says what was done, since when it is in force at the resolver, on which node and with which generation, and until when somebody may still hold an answer from before:",
		`recourse orders receipts "RG 1234/2026" --json --config recourse.yaml`)
}

// Run is called by the command line.
func (o *ReceiptsOptions) Run(ctx context.Context, env *environment) error {
	return runOrdersReceipts(ctx, env, *o)
}
