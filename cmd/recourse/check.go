package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// CheckOptions are the flags of check.
type CheckOptions struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration."`
}

// Help shows the command at work.
func (CheckOptions) Help() string {
	return example("Says all that serve would complain about, with file, line and a hint. Exit status 1 says that serve would not start. A warning begins with the word.",
		"recourse check --config forward.yaml")
}

// Run is called by the command line.
func (o *CheckOptions) Run(ctx context.Context, env *environment) error {
	return runCheck(ctx, env, *o, inspectLists)
}

// runCheck reads the configuration, and has inspect look behind it. Inspect gets a
// configuration that may have problems; [Config.Loadable] and [Config.Sound] say
// what of it can be relied on.
func runCheck(ctx context.Context, env *environment, options CheckOptions, inspect func(context.Context, *Config) Findings) error {
	config := readConfig(options.Config)
	report := config.report
	var findings Findings
	if !report.bad[""] {
		findings = inspect(ctx, config)
		report.problems = append(report.problems, findings.Problems...)
		report.warnings = append(report.warnings, findings.Warnings...)
	}
	for _, warning := range report.sortedWarnings() {
		_, _ = fmt.Fprintln(env.stderr, warning)
	}
	if err := report.err(); err != nil {
		_, _ = fmt.Fprintln(env.stderr, err)
		return errNo
	}
	return config.summary(env.stdout, findings.Lists)
}

// summary says in a few lines what a good configuration amounts to.
func (c *Config) summary(to io.Writer, lists []ListFinding) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: ok\n", c.report.file)
	fmt.Fprintf(&text, "%s, %s, %s\n", count(len(c.Blocklists), "list"), count(len(c.Profiles), "profile"), count(len(c.Clients), "client row"))
	for _, found := range lists {
		fmt.Fprintf(&text, "list %s (%s): %s", found.ID, found.Purpose, count(found.Entries, "entry"))
		if found.Refused > 0 {
			fmt.Fprintf(&text, ", %s refused", count(found.Refused, "line"))
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(to, text.String())
	return err
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, found := strings.CutSuffix(noun, "y"); found {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
