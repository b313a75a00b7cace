package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// TraceOptions are the flags of trace.
type TraceOptions struct {
	ConfigFlag
	JSONFlag
	Lab     bool          `help:"Trace in the miniature Internet; no network is needed."`
	Timeout time.Duration `default:"20s" help:"How long to try."`
	Name    string        `arg:"" help:"The name to resolve."`
	Type    string        `arg:"" optional:"" default:"A" help:"The type of record."`
}

// Help shows the command at work.
func (TraceOptions) Help() string {
	return example("Resolves anew, without a running server, its cache or its lists, and shows every server that is asked. Exit status 1 says that the name did not resolve.",
		"recourse trace www.example.com AAAA --config recourse.yaml",
		"recourse trace www.signed.example --lab --json")
}

// Run is called by the command line.
func (o *TraceOptions) Run(ctx context.Context, env *environment) error {
	question, err := o.question()
	if err != nil {
		return err
	}
	if o.Timeout <= 0 {
		return wrongUse("--timeout %s: must be longer than nothing", o.Timeout)
	}
	config, err := env.config(o.ConfigFlag, o.Lab)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, o.Timeout)
	defer stop()
	outcome, err := o.trace(ctx, env, config, question)
	if err != nil {
		return err
	}
	if outcome.failure != nil || outcome.message.Rcode != dns.RcodeSuccess {
		return errNo
	}
	return nil
}

func (o *TraceOptions) question() (wire.Question, error) {
	kind, err := queryType(o.Type)
	if err != nil {
		return wire.Question{}, err
	}
	text, err := queryName(o.Name)
	if err != nil {
		return wire.Question{}, err
	}
	name, err := nameOf(text)
	return wire.Question{Name: name, Type: kind, Class: wire.ClassIN}, asWrongUse(err)
}

// trace resolves and prints.
func (o *TraceOptions) trace(ctx context.Context, env *environment, config *Config, question wire.Question) (*traceOutcome, error) {
	var internet *lab.Internet
	if o.Lab {
		var err error
		if internet, err = lab.New(lab.Config{}); err != nil {
			return nil, err
		}
	}
	steps := &traceSteps{began: time.Now()}
	if !o.JSON {
		steps.show = func(step traceStep) { step.print(env.stdout) }
	}
	handler, err := newTrace(config, internet, steps, env)
	if err != nil {
		return nil, err
	}
	outcome, err := resolveTraced(ctx, handler, question)
	if err != nil {
		return nil, err
	}
	if o.JSON {
		return outcome, outcome.printJSON(env.stdout, steps)
	}
	return outcome, outcome.printText(env.stdout)
}

// newTrace joins the stages that serve would have for this, without policy and
// cache, so that every step is taken and can be seen.
func newTrace(config *Config, internet *lab.Internet, steps *traceSteps, env *environment) (resolver.Handler, error) {
	out, err := newNetwork(config, internet, env.logger())
	if err != nil {
		return nil, err
	}
	search, err := newSearcher(config, internet, recurse.Config{}, asking{&tracedExchanger{inner: out, steps: steps}, out.hosts}, env.logger())
	if err != nil {
		return nil, err
	}
	validator, err := newValidator(config, internet, nil, env.logger())
	if err != nil {
		return nil, err
	}
	names, err := newLocal(config, local.Discovery{})
	if err != nil {
		return nil, err
	}
	return resolver.Chain(search, names, newDNS64(config, names), newRebinding(config), validator.Stage, steps.stage), nil
}

// traceOutcome is what came of it: a failure, or an answer with its message.
type traceOutcome struct {
	question wire.Question
	failure  error
	extended []resolver.Extended
	security resolver.Security
	origin   resolver.Origin
	message  *dns.Msg
	took     time.Duration
	queries  int
}

func resolveTraced(ctx context.Context, handler resolver.Handler, question wire.Question) (*traceOutcome, error) {
	query := resolver.NewQuery(question.Name, question.Type, resolver.NewWork())
	outcome := &traceOutcome{question: question}
	answer, err := handler.Resolve(ctx, query)
	outcome.took, outcome.queries = time.Since(query.Now), query.Work.Queries()
	if err != nil {
		outcome.failure = err
		if failure := (*resolver.Failure)(nil); errors.As(err, &failure) {
			outcome.extended = failure.Extended
		}
		return outcome, nil
	}
	outcome.extended, outcome.security, outcome.origin = answer.Extended, answer.Security, answer.Origin
	if outcome.message, err = answer.Unpack(); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return outcome, nil
}

// verdict says in words what validation made of it.
func (o *traceOutcome) verdict() string {
	switch {
	case o.failure != nil:
		for _, extended := range o.extended {
			if extended.Code >= resolver.Indeterminate && extended.Code <= resolver.DenialMissing {
				return "bogus"
			}
		}
		return "failed"
	case o.origin == resolver.Local:
		return "local"
	case o.security == resolver.Secure:
		return "secure"
	case o.security == resolver.Insecure:
		return "insecure"
	}
	return "unchecked"
}
