package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// guarding is what safeguards are made of, here and in the process that compiles: files
// as the program opens them, and what is known beside them.
type guarding struct {
	Off       bool              `json:"off,omitempty"`
	Own       []string          `json:"own,omitempty"` // the operator's own names
	Protected []string          `json:"protected,omitempty"`
	Popular   string            `json:"popular,omitempty"`
	HoldAbove uint32            `json:"hold_above,omitempty"`
	Limits    blocklists.Limits `json:"limits"`
	Licensed  []Licensed        `json:"licensed,omitempty"`

	Afresh []blocklists.ListID `json:"afresh,omitempty"`
	Ledger json.RawMessage     `json:"ledger,omitempty"`
}

func (c *Config) guarding() guarding {
	made := guarding{
		Off: c.Bundle.Guard == "off", Own: c.ownNames(), Protected: c.Bundle.Protected, HoldAbove: c.Bundle.Popular.HoldAbove, Limits: c.Bundle.Limits,
	}
	if c.Bundle.Popular.File != "" {
		made.Popular = c.File(c.Bundle.Popular.File)
	}
	for _, licensed := range c.Bundle.Licensed {
		licensed.File = c.File(licensed.File)
		made.Licensed = append(made.Licensed, licensed)
	}
	return made
}

// same says whether both make the same safeguards, but for what people have released.
func (g *guarding) same(other *guarding) bool { return reflect.DeepEqual(g, other) }

// make makes the safeguards. A file that is not there has been warned of, and counts for
// nothing.
func (g *guarding) make(ledger *guard.Ledger, now time.Time) (*guard.Guard, error) {
	settings := guard.Config{Off: g.Off, HoldAbove: g.HoldAbove, Limits: g.Limits, Ledger: ledger}
	if len(g.Ledger) > 0 {
		var err error
		if settings.Ledger, err = guard.ReadLedger(bytes.NewReader(g.Ledger), now); err != nil {
			return nil, err
		}
	}
	for _, text := range slices.Concat(g.Own, g.Protected) {
		one, err := guard.ParseProtected(text)
		if err != nil {
			return nil, fmt.Errorf("bundle.protected: %w", err)
		}
		settings.Protected = append(settings.Protected, one)
	}
	var err error
	if settings.Popular, err = readRanks(g.Popular); err != nil && !isAbsent(err) {
		return nil, fmt.Errorf("bundle.popular.file: %w", err)
	}
	for i, licensed := range g.Licensed {
		names, err := readRanks(licensed.File)
		if err != nil && !isAbsent(err) {
			return nil, fmt.Errorf("bundle.licensed[%d].file: %w", i, err)
		}
		settings.Licences = append(settings.Licences, guard.Licence{Title: licensed.Title, Jurisdiction: licensed.Jurisdiction, Names: names})
	}
	return guard.New(settings).With(settings.Ledger, g.Afresh...), nil
}

// export writes it for the process that compiles, which needs no licences.
func (g guarding) export(ledger *guard.Ledger, afresh []blocklists.ListID) (json.RawMessage, error) {
	var text bytes.Buffer
	if err := ledger.Write(&text); err != nil {
		return nil, err
	}
	g.Ledger, g.Afresh, g.Licensed = text.Bytes(), afresh, nil
	return json.Marshal(g)
}

// readRanks reads a file of names; no file is no names.
func readRanks(file string) (*guard.Ranks, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // no file, no names
	}
	handle, err := openFile(file)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	ranks, err := guard.ReadRanks(handle)
	if err != nil {
		return nil, err
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
func (c *Config) ownNames() []string {
	var own []string
	add := func(mark, text string) {
		if _, err := parse.Name(text); err == nil { // else an address, or nothing
			own = append(own, mark+text)
		}
	}
	if portal, err := url.Parse(c.Operator.Portal); err == nil {
		add("", portal.Hostname())
	}
	if contact, err := url.Parse(c.Operator.Contact); err == nil {
		if _, host, found := strings.Cut(contact.Opaque, "@"); found && contact.Scheme == "mailto" {
			add("=", host)
		}
		add("", contact.Hostname())
	}
	for _, name := range c.Resolver.PrivateNames {
		add("", name)
	}
	return own
}
