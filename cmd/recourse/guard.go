package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// newGuard makes the safeguards of a configuration, without what people have released.
func newGuard(config *Config) (*guard.Guard, error) {
	settings := guard.Config{
		Off: config.Bundle.Guard == "off", HoldAbove: config.Bundle.Popular.HoldAbove, Limits: config.Bundle.Limits,
		Protected: config.ownNames(),
	}
	for _, text := range config.Bundle.Protected {
		one, err := guard.ParseProtected(text)
		if err != nil {
			return nil, fmt.Errorf("bundle.protected: %w", err)
		}
		settings.Protected = append(settings.Protected, one)
	}
	var err error
	if settings.Popular, err = config.readRanks(config.Bundle.Popular.File); err != nil && !isAbsent(err) {
		return nil, fmt.Errorf("bundle.popular.file: %w", err)
	}
	for i, licensed := range config.Bundle.Licensed {
		names, err := config.readRanks(licensed.File)
		if err != nil && !isAbsent(err) {
			return nil, fmt.Errorf("bundle.licensed[%d].file: %w", i, err)
		}
		settings.Licences = append(settings.Licences, guard.Licence{Title: licensed.Title, Jurisdiction: licensed.Jurisdiction, Names: names})
	}
	return guard.New(settings), nil
}

// readRanks reads a file of names; no file is no names.
func (c *Config) readRanks(file string) (*guard.Ranks, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // no file, no names
	}
	handle, err := openFile(c.File(file))
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	ranks, err := guard.ReadRanks(handle)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", file, err)
	}
	return ranks, nil
}

// isAbsent says that a file cannot be opened, which the validation has warned of.
func isAbsent(err error) bool {
	var cause *fs.PathError
	return errors.As(err, &cause)
}

// ownNames are the names without which nobody who is blocked finds a way back: the
// portal's, and where the operator's mail is read.
func (c *Config) ownNames() []guard.Protected {
	var own []guard.Protected
	add := func(text string) {
		if _, err := parse.Name(text); err != nil {
			return // an address, or nothing
		}
		if one, err := guard.ParseProtected(text); err == nil {
			own = append(own, one)
		}
	}
	if portal, err := url.Parse(c.Operator.Portal); err == nil {
		add(portal.Hostname())
	}
	if contact, err := url.Parse(c.Operator.Contact); err == nil {
		if _, host, found := strings.Cut(contact.Opaque, "@"); found && contact.Scheme == "mailto" {
			if one, err := guard.ParseProtected("=" + host); err == nil {
				own = append(own, one)
			}
		}
		if contact.Scheme == "https" {
			add(contact.Hostname())
		}
	}
	for _, name := range c.Resolver.PrivateNames {
		add(name)
	}
	return own
}
