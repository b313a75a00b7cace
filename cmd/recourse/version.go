package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set when a release is built: -ldflags "-X main.version=v1.2.3".
var version string

// VersionOptions has no flags.
type VersionOptions struct{}

// Help shows the command at work.
func (VersionOptions) Help() string {
	return example("Name this line when you report a fault:", "recourse version")
}

// Run is called by the command line.
func (VersionOptions) Run(env *environment) error {
	info, _ := debug.ReadBuildInfo() // nil without modules
	_, err := fmt.Fprintf(env.stdout, "recourse %s (%s %s/%s)\n", buildVersion(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion is the release, else the module's version, else the commit.
func buildVersion(info *debug.BuildInfo) string {
	switch {
	case version != "":
		return version
	case info == nil:
		return "of unknown origin"
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	commit, changed := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = ", changed"
		}
	}
	if commit == "" {
		return "development"
	}
	return "development, commit " + commit + changed
}
