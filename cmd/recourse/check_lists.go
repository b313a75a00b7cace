package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// Findings is what lies behind a configuration: what its lists hold.
type Findings struct {
	Lists    []ListFinding // in file order
	Problems []Problem
	Warnings []Warning
}

// ListFinding is what was read of one list.
type ListFinding struct {
	ID      blocklists.ListID
	Purpose blocklists.Purpose
	Entries int
	Refused int // lines that are no name
}

// maxRefusals is how many refused lines of a list are shown.
const maxRefusals = 5

// inspectLists reads all lists as an import does, and keeps nothing. A list that
// cannot be read is a problem here, where serve would go on with its last good copy. Lists
// of the network are left out.
func inspectLists(ctx context.Context, config *Config) Findings {
	var findings Findings
	for _, list := range config.Loadable() {
		if list.Manifest.Source.File == "" {
			continue // check asks nobody: lists plan does
		}
		report, err := readList(ctx, config, list.Manifest)
		if err != nil {
			findings.Problems = append(findings.Problems, config.Problem(child(list.Path, keyOfCause(err)), "%q: %s", list.Manifest.Source.File, err))
			continue
		}
		findings.Lists = append(findings.Lists, ListFinding{ID: list.Manifest.ID, Purpose: list.Manifest.Purpose, Entries: report.Entries, Refused: report.Refused})
		for i, refusal := range report.Samples {
			if i == maxRefusals {
				break
			}
			findings.Warnings = append(findings.Warnings, Warning{Problem{
				File: list.Manifest.Source.File, Line: int(refusal.Line),
				Text: fmt.Sprintf("left out of list %q: %s", list.Manifest.ID, refusal.Reason),
			}})
		}
	}
	return findings
}

// keyOfCause is the key to mend where a list cannot be read.
func keyOfCause(err error) string {
	if errors.Is(err, parse.ErrColumns) {
		return "columns"
	}
	return "source.file"
}

func readList(ctx context.Context, config *Config, manifest *blocklists.Manifest) (parse.Report, error) {
	file, err := openList(config, manifest)
	if err != nil {
		return parse.Report{}, errors.New(reason(err))
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	return parse.List(parse.OptionsOf(manifest), file, func(parse.Row) error { return ctx.Err() })
}

func openList(config *Config, manifest *blocklists.Manifest) (fs.File, error) {
	if name, builtin := strings.CutPrefix(manifest.Source.File, builtinScheme); builtin {
		return builtinLists().Open(name)
	}
	return openFile(config.File(manifest.Source.File))
}
