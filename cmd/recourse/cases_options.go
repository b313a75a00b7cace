package main

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ByFlag is which of the machine's people acts.
type ByFlag struct {
	By string `placeholder:"NAME" help:"Who you are, beside the user of this machine: who decided does not decide an appeal."`
}

// PartOptions say which part of a block is let go, or when.
type PartOptions struct {
	NarrowTo     string    `placeholder:"NAME" help:"With narrow: the name below the entry that stays blocked."`
	NarrowScope  string    `placeholder:"exact" help:"With narrow: exact, and of what the entry covers the name itself alone stays blocked."`
	Except       []string  `placeholder:"NAME" help:"With narrow: names below the entry that are let go."`
	Jurisdiction []string  `placeholder:"CODE" help:"With narrow: the countries where the block stays."`
	Until        time.Time `placeholder:"TIME" help:"With shorten: when the block ends, as 2026-12-31T00:00:00Z."`
}

// into adds the parts that are given to a request.
func (o *PartOptions) into(request map[string]any) {
	if o.NarrowTo != "" {
		request["narrow_to"] = o.NarrowTo
	}
	if o.NarrowScope != "" {
		request["narrow_scope"] = o.NarrowScope
	}
	if len(o.Except) > 0 {
		request["except"] = o.Except
	}
	if len(o.Jurisdiction) > 0 {
		request["jurisdiction"] = o.Jurisdiction
	}
	if !o.Until.IsZero() {
		request["until"] = o.Until
	}
}

// caseCommand is what commands on one case share.
type caseCommand struct {
	ConfigFlag
	JSONFlag
	ByFlag
	ID string `arg:"" help:"The case."`
}

// WritingOptions say in which language somebody of ours writes.
type WritingOptions struct {
	Language string `placeholder:"TAG" help:"The language that you write in, as en; the desk's own where it is not given."`
}

// in adds the language, where it is given, to a request.
func (o *WritingOptions) in(request map[string]any) map[string]any {
	if o.Language != "" {
		request["language"] = o.Language
	}
	return request
}

// AskOptions are the flags of cases ask.
type AskOptions struct {
	caseCommand
	Question string `default:"merits" enum:"implementation,merits" help:"Which question waits for the answer."`
	Text     string `required:"" placeholder:"TEXT" help:"What the party reads."`
	WritingOptions
}

// Help shows the command at work.
func (AskOptions) Help() string {
	return example("Our clock stands still until the party answers. After 14 days a person may close the case; nothing closes it by itself.",
		`recourse cases ask ID --text "Which version of the shop do you run?"`)
}

// Run is called by the command line.
func (o *AskOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "question", o.in(map[string]any{"question": o.Question, "text": o.Text}))
}

// ReplyOptions are the flags of cases reply.
type ReplyOptions struct {
	caseCommand
	Text string `required:"" placeholder:"TEXT" help:"What the party reads."`
	WritingOptions
}

// Run is called by the command line.
func (o *ReplyOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "messages", o.in(map[string]any{"text": o.Text}))
}

// EndCaseOptions are the flags of cases dismiss and close.
type EndCaseOptions struct {
	caseCommand
	Facts  string `required:"" placeholder:"TEXT" help:"What was found."`
	Ground string `required:"" placeholder:"TEXT" help:"Why that ends the case."`
	WritingOptions
}

func (o *EndCaseOptions) request() map[string]any {
	return o.in(map[string]any{"facts": o.Facts, "ground": o.Ground})
}

// DismissOptions are the flags of cases dismiss.
type DismissOptions struct{ EndCaseOptions }

// Run is called by the command line.
func (o *DismissOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "dismissal", o.request())
}

// CloseOptions are the flags of cases close.
type CloseOptions struct{ EndCaseOptions }

// Run is called by the command line.
func (o *CloseOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "closing", o.request())
}

// FactsOptions are the flags of cases facts.
type FactsOptions struct{ CaseOptions }

// Run is called by the command line.
func (o *FactsOptions) Run(ctx context.Context, env *environment) error {
	return runCasesRead(ctx, env, o.CaseOptions, "facts")
}

// StatementOptions are the flags of cases statement.
type StatementOptions struct{ CaseOptions }

// Run is called by the command line.
func (o *StatementOptions) Run(ctx context.Context, env *environment) error {
	return runCasesRead(ctx, env, o.CaseOptions, "statement")
}

// MergeOptions are the flags of cases merge.
type MergeOptions struct {
	caseCommand
	Into string `required:"" placeholder:"ID" help:"The case that stands for it."`
}

// Run is called by the command line.
func (o *MergeOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "merger", map[string]any{"into": o.Into})
}

// RereadOptions are the flags of cases reread.
type RereadOptions struct {
	caseCommand
	Disagree bool   `help:"You would have decided otherwise: a third person decides."`
	Note     string `placeholder:"TEXT" help:"Why; needed where you disagree."`
}

// Run is called by the command line.
func (o *RereadOptions) Run(ctx context.Context, env *environment) error {
	return o.post(ctx, env, "reread", map[string]any{"agrees": !o.Disagree, "note": o.Note})
}

// AppealOptions are the flags of cases appeal.
type AppealOptions struct {
	caseCommand
	Token       string `required:"" placeholder:"TOKEN" help:"The party's, from its link."`
	Question    string `default:"merits" enum:"implementation,merits" help:"What is appealed."`
	Explanation string `required:"" placeholder:"TEXT" help:"What the party writes."`
}

// Help shows the command at work.
func (AppealOptions) Help() string {
	return example("For an appeal that came on paper. Somebody else decides it than who decided before.",
		`recourse cases appeal ID --token TOKEN --explanation "The page was moved in March."`)
}

// Run is called by the command line.
func (o *AppealOptions) Run(ctx context.Context, env *environment) error {
	desk, err := openDesk(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	desk.token = o.Token
	return errors.Join(desk.done(ctx, env.stdout, &o.caseCommand, "appeal", map[string]any{"question": o.Question, "explanation": o.Explanation}), desk.close())
}

// ElsewhereOptions are the flags of cases authority-decision and external.
type ElsewhereOptions struct {
	caseCommand
	Outcome   string `enum:"uphold,reverse,narrow,shorten," default:"" placeholder:"OUTCOME" help:"uphold, reverse, narrow or shorten; with external none while it is not decided."`
	Question  string `default:"merits" enum:"implementation,merits" help:"Which question was decided; of external only."`
	Authority string `required:"" placeholder:"NAME" help:"Who decided."`
	Ref       string `required:"" placeholder:"REF" help:"The decision's reference."`
	Facts     string `placeholder:"TEXT" help:"What was found; without it that the authority decided."`
	Ground    string `placeholder:"TEXT" help:"Why; without it the authority and the reference."`
	PartOptions
}

// AuthorityOptions are the flags of cases authority-decision.
type AuthorityOptions struct{ ElsewhereOptions }

// Run is called by the command line.
func (o *AuthorityOptions) Run(ctx context.Context, env *environment) error {
	return o.pronounce(ctx, env, "authority-decision")
}

// ExternalOptions are the flags of cases external.
type ExternalOptions struct{ ElsewhereOptions }

// Run is called by the command line.
func (o *ExternalOptions) Run(ctx context.Context, env *environment) error {
	return o.pronounce(ctx, env, "external")
}

// Help shows the command at work.
func (ElsewhereOptions) Help() string {
	return example("The track ends with the decision, and what is lifted is in force for the next question:",
		`recourse cases authority-decision ID --outcome reverse --authority "Tribunale di Esempio" --ref "RG 99/2027"`)
}

func (o *ElsewhereOptions) request() map[string]any {
	request := map[string]any{"outcome": o.Outcome, "question": o.Question, "authority": o.Authority, "ref": o.Ref, "facts": o.Facts, "ground": o.Ground}
	o.into(request)
	return request
}

// post does something with a case and prints how it stands.
func (o *caseCommand) post(ctx context.Context, env *environment, what string, request map[string]any) error {
	desk, err := openDesk(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	return errors.Join(desk.done(ctx, env.stdout, o, what, request), desk.close())
}

// pronounce records a decision that is not ours.
func (o *ElsewhereOptions) pronounce(ctx context.Context, env *environment, what string) error {
	desk, err := openDesk(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	raw, err := desk.raw(ctx, http.MethodPost, casePath(o.ID, what, o.By), o.request())
	if err == nil {
		err = printRuling(env.stdout, o.ID, raw, o.JSON)
	}
	return errors.Join(err, desk.close())
}

// narrows says whether any part is given that belongs to narrow.
func (o *PartOptions) narrows() bool {
	return o.NarrowTo != "" || o.NarrowScope != "" || len(o.Except) > 0 || len(o.Jurisdiction) > 0
}

// Validate holds an outcome and its parts together; kong calls it.
func (o *DecideOptions) Validate() error {
	switch {
	case (o.Outcome == "narrow") != o.narrows():
		return errors.New("--outcome narrow and --narrow-to go together, or one of --narrow-scope, --except and --jurisdiction in its place")
	case (o.Outcome == "shorten") != !o.Until.IsZero():
		return errors.New("--outcome shorten and --until go together")
	}
	return nil
}
