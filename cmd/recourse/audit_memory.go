package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/audit"
)

// memory is what was told last, so that over a restart only what is different is told. It is
// a file of the state; where that is lost, everything is told once more.
type memory struct {
	path     string
	Settings map[string]string               `json:"settings"`
	Lists    map[blocklists.ListID]knownList `json:"lists"`
	Staff    audit.StaffFacts                `json:"staff"`
}

func readMemory(path string, logger *slog.Logger) *memory {
	made := &memory{path: path}
	octets, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(octets, made)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("what the log was last told of lists cannot be read; it is told again", "error", err)
		made = &memory{path: path}
	}
	if made.Lists == nil {
		made.Lists = map[blocklists.ListID]knownList{}
	}
	return made
}

func (m *memory) save(logger *slog.Logger) {
	octets, err := json.Marshal(m)
	if err == nil {
		err = writeSecret(m.path, octets)
	}
	if err != nil {
		logger.Warn("what the log was told of lists is not on the disk; it will be told again", "error", err)
	}
}

// configured tells under which configuration the server goes on, and what is different.
func (a *auditing) configured(kind string, config *Config, key policy.Key, restart bool) {
	if a == nil {
		return
	}
	is := settingsOf(config, key)
	facts := config.standing()
	facts.Hash, facts.Restart = hashOf(is), restart
	if a.memory.Settings != nil {
		facts.Before, facts.Changed = hashOf(a.memory.Settings), differencesOf(a.memory.Settings, is)
		facts.More = max(0, len(facts.Changed)-maxChanges)
		facts.Changed = facts.Changed[:len(facts.Changed)-facts.More]
	}
	event := audit.Reloaded
	if kind == "started" {
		info, _ := debug.ReadBuildInfo()
		event, facts.Program = audit.Started, buildVersion(info)
	}
	a.memory.Settings = is
	a.memory.save(a.logger)
	a.record(audit.Configuration, event, facts)
}
