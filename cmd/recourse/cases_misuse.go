package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// UnfoundedOptions say that what was filed manifestly was unfounded.
type UnfoundedOptions struct {
	ManifestlyUnfounded string `placeholder:"TEXT" help:"With uphold: the filing was manifestly unfounded, and why anybody could have seen it. It is counted, and may lead to a warning."`
	Gravity             string `default:"minor" enum:"minor,serious" help:"Of a manifestly unfounded filing: minor or serious."`
	Intent              string `default:"unknown" enum:"unknown,careless,deliberate" help:"Of a manifestly unfounded filing: unknown, careless or deliberate."`
}

// blame adds it to a decision, where it is given.
func (o *UnfoundedOptions) blame(request map[string]any) {
	if o.ManifestlyUnfounded != "" {
		request["manifestly_unfounded"] = map[string]any{"gravity": o.Gravity, "intent": o.Intent, "reasons": o.ManifestlyUnfounded}
	}
}

// MeasuresOptions are the flags of cases measures.
type MeasuresOptions struct {
	ConfigFlag
	JSONFlag
}

// Run is called by the command line.
func (o *MeasuresOptions) Run(ctx context.Context, env *environment) error {
	return runRead(ctx, env, o.ConfigFlag, o.JSONFlag, "/measures", printMeasures)
}

func printMeasures(to io.Writer, raw json.RawMessage) error {
	var reply struct {
		Measures []struct {
			Case, Kind, State string
			Given, Until      *time.Time
		}
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return err
	}
	lines := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, one := range reply.Measures {
		until := ""
		if one.Until != nil {
			until = "until " + one.Until.Format(time.RFC3339)
		}
		fmt.Fprintf(lines, "%s\t%s\t%s\t%s\n", one.Case, one.Kind, one.State, until)
	}
	return lines.Flush()
}

// MeasureOptions are the flags of cases measure.
type MeasureOptions struct {
	caseCommand
	Outcome string `required:"" enum:"give,drop,uphold,lift" placeholder:"OUTCOME" help:"give or drop what is proposed; uphold or lift a suspension that is appealed."`
	Facts   string `required:"" placeholder:"TEXT" help:"What was filed, and how often."`
	Ground  string `required:"" placeholder:"TEXT" help:"Why that leads to the outcome."`
}

// Help shows the command at work.
func (MeasureOptions) Help() string {
	return example("Whoever gave a suspension does not decide the appeal against it. Whether a block is carried out rightly a suspended party can always ask.",
		`recourse cases measure ID --outcome give --facts "four filings about one phishing page" --ground "our terms, section 4"`,
		`recourse cases measure ID --outcome lift --facts "the name was sold" --ground "it is another party" --by anna`)
}

// Run is called by the command line.
func (o *MeasureOptions) Run(ctx context.Context, env *environment) error {
	what := "measure"
	if o.Outcome == "uphold" || o.Outcome == "lift" {
		what = "measure/appeal-decision"
	}
	return o.post(ctx, env, what, map[string]any{"outcome": o.Outcome, "facts": o.Facts, "ground": o.Ground})
}
