package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// defaults is what holds where the file says nothing.
func defaults() *Config {
	return &Config{
		Operator: policy.Operator{Languages: []string{"en"}},
		Roles:    []string{"resolve", "desk"},
		Listen:   Listen{ResponseRateLimit: ResponseRateLimit{PerNetwork: 200}, Slip: 2},
		Resolver: Resolver{
			Mode: "recurse", DNSSEC: "validate", Cache: 64 << 20, PersistCache: true, QNAMEMinimisation: "relaxed", LocalZones: "default",
			SHA1: "validate", Rollover: "builtin", Opportunistic: "off", MinimalResponses: true,
			IPv4: true, IPv6: true, UpstreamPort: 53, EDNSSize: 1232, Priming: true, EDE: true, Structured: Structured{Option: structuredOption},
			TTL:    TTL{Max: 24 * time.Hour, MaxNegative: time.Hour},
			Harden: Harden{Glue: true, BelowNXDomain: true}, AggressiveNSEC: true,
		},
		TLS:    Certificates{ACME: ACME{Challenge: tlsconf.ChallengeTLSALPN, Update: DynamicUpdate{Wait: 10 * time.Second}}},
		Bundle: Bundle{Guard: "on", Keep: 4},
		Desk:   Desk{Store: "sqlite", Retention: Retention{Contacts: contactsKept}},
	}
}

// LoadConfig reads and validates a file. The error is a *ConfigError with all that
// is wrong; the warnings come with it too.
func LoadConfig(path string) (*Config, []Warning, error) {
	config := readConfig(path)
	if err := config.report.err(); err != nil {
		return nil, config.report.sortedWarnings(), err
	}
	return config, config.report.sortedWarnings(), nil
}

// readConfig gives what can be had of a file, with the report of what is wrong in it.
func readConfig(path string) *Config {
	report := newReport(path)
	data, err := readBounded(path)
	if err != nil {
		report.problem("", "cannot be read: %s", reason(err))
		return &Config{report: report}
	}
	return parseConfig(data, report)
}

// parseConfig decodes and validates.
func parseConfig(data []byte, report *report) *Config {
	config := defaults()
	config.report = report
	decode(data, config, report)
	if !report.bad[""] {
		config.Operator.Portal = strings.TrimRight(config.Operator.Portal, "/")
		config.validate()
	}
	return config
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}

// File gives a path of the configuration as the program opens it. What is built in
// stays as it is.
func (c *Config) File(path string) string { return c.report.resolve(path) }

// Problem makes a problem about a key of the file, as blocklists[0].source.file,
// with the line where it stands.
func (c *Config) Problem(path, format string, args ...any) Problem {
	return c.report.positions.problem(path, fmt.Sprintf(format, args...))
}

// Sound says that neither the path nor anything below it has a problem.
func (c *Config) Sound(path string) bool { return !c.report.isBadWithin(path) }

// Loadable is the lists that have no problem, with
// their index in the file, in file order.
func (c *Config) Loadable() []IndexedList {
	var lists []IndexedList
	for i, manifest := range c.Blocklists {
		if c.Sound(item("blocklists", i)) {
			lists = append(lists, IndexedList{Path: item("blocklists", i), Manifest: manifest})
		}
	}
	return lists
}

// IndexedList is a list and its path in the file, as blocklists[0].
type IndexedList struct {
	Path     string
	Manifest *blocklists.Manifest
}

// Catalog is the lists that this version can load. Their sources are named as the
// program opens them.
func (c *Config) Catalog() (*blocklists.Catalog, error) {
	var manifests []*blocklists.Manifest
	for _, list := range c.Loadable() {
		manifests = append(manifests, c.opened(list.Manifest))
	}
	return blocklists.NewCatalog(manifests)
}

// opened is a list whose files are named as the program opens them. A zone that is
// transferred has one format.
func (c *Config) opened(manifest *blocklists.Manifest) *blocklists.Manifest {
	made := *manifest
	source := &made.Source
	for _, path := range []*string{&source.File, &source.Verify.OpenPGP, &source.TSIG.SecretFile, &source.TLS.CA} {
		*path = c.File(*path)
	}
	if key := source.Verify.Minisign; key != "" && !fetch.IsMinisignKey(key) {
		source.Verify.Minisign = c.File(key)
	}
	if source.IsZone() {
		made.Format = "rpz"
	}
	return &made
}

// Bounds of a token's length. Short ones can be guessed.
const (
	minSecret = 16
	maxSecret = 1024
)

// ReadToken reads the secret of a token: what its file holds, without white space around it.
func (c *Config) ReadToken(token *Token) (string, error) { return readSecret(c.File(token.File)) }

// readSecret reads a file with one secret in it.
func readSecret(path string) (string, error) {
	file, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	switch secret := strings.TrimSpace(string(data)); {
	case len(data) > maxSecret:
		return "", fmt.Errorf("holds more than the %d octets of a token", maxSecret)
	case len(secret) < minSecret:
		return "", fmt.Errorf("holds a token of %d characters; at least %d cannot be guessed", len(secret), minSecret)
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("holds more than one word of printable ASCII")
	default:
		return secret, nil
	}
}

// StateDir is the state directory as the program opens it.
func (c *Config) StateDir() string { return c.File(filepath.Clean(c.State)) }
