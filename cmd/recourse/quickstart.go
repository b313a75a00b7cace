package main

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// quickstart is the configuration and the lists that `recourse serve` has without a file.
//
//go:embed quickstart.yaml quickstart
var quickstart embed.FS

// quickstartName is what messages call the built-in configuration.
const quickstartName = "quickstart.yaml (built in)"

// builtinScheme begins the name of a list's source that is part of the program.
const builtinScheme = "builtin:"

func isBuiltin(path string) bool { return strings.HasPrefix(path, builtinScheme) }

// builtinLists is the lists that come with the program, by what follows builtin:.
func builtinLists() fs.FS {
	lists, err := fs.Sub(quickstart, "quickstart")
	if err != nil {
		panic(err) // the folder's name is no valid path: a mistake in this line
	}
	return lists
}

// QuickStart is the built-in configuration. It is read as a file is, so that what
// holds for one holds for the other. With a laboratory, servers on loopback are asked.
func QuickStart(lab bool) (*Config, error) {
	data, err := quickstart.ReadFile("quickstart.yaml")
	if err != nil {
		return nil, fmt.Errorf("built-in configuration: %w", err)
	}
	config := parseConfig(data, newReport(quickstartName))
	if err := config.report.err(); err != nil {
		return nil, err
	}
	if lab {
		config.Resolver.QueryLocalhost = true
	}
	return config, nil
}
