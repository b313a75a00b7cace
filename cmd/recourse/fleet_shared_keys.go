package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/fleet"
)

// Uses of the keys that all desks of one database share.
const (
	useContact    = "contact"
	useDeployment = "deployment"
	useFleet      = "fleet"
	useAudit      = "audit"
)

// keyFiles says where this desk has those keys. That of the fleet counts where nodes or other desks hold a desk to it.
func (c *Config) keyFiles() []fleet.DeskKey {
	at := func(named, own string) string {
		if named != "" {
			return c.File(named)
		}
		return filepath.Join(c.StateDir(), own)
	}
	files := []fleet.DeskKey{
		{Use: useContact, File: at(c.Desk.ContactKey, contactKeyFile)},
		{Use: useDeployment, File: at(c.Fleet.DeploymentKeyFile, keyFile)},
		{Use: useAudit, File: at("", auditKeyFile)},
	}
	if c.hasNodes() || len(c.Fleet.Desks) > 0 {
		files = append(files, fleet.DeskKey{Use: useFleet, File: at(c.Fleet.SigningKeyFile, fleetKeyFile)})
	}
	return files
}

// sharedKeys reads them. Each was made before, or is copied from another desk.
func (c *Config) sharedKeys() ([]fleet.DeskKey, error) {
	keys := c.keyFiles()
	for i := range keys {
		if err := readShared(&keys[i]); err != nil {
			return nil, fmt.Errorf("%s key: %w", keys[i].Use, err)
		}
	}
	return keys, nil
}

func readShared(key *fleet.DeskKey) error {
	if key.Use == useFleet || key.Use == useAudit {
		private, err := readSigningKey(key.File)
		if err != nil {
			return fmt.Errorf("%s: %w", key.File, err)
		}
		public, _ := private.Public().(ed25519.PublicKey)
		key.Value = fleet.CheckValue(key.Use, public)
		return nil
	}
	octets, err := readBounded(key.File)
	if err != nil {
		return err
	}
	if key.Use == useDeployment {
		key.Value = fleet.CheckValue(key.Use, octets)
		return nil
	}
	const size = len(sealed.Key{})
	if len(octets) == 0 || len(octets)%size != 0 {
		return fmt.Errorf("%s has %d octets, and a key has %d: put the right file back", key.File, len(octets), size)
	}
	key.Value = fleet.CheckValue(key.Use, octets[:size])
	for octets = octets[size:]; len(octets) > 0; octets = octets[size:] {
		key.Older = append(key.Older, fleet.CheckValue(key.Use, octets[:size]))
	}
	return nil
}

// errOtherKeys says that a desk has other keys than those that share its database.
var errOtherKeys = errors.New("this desk has other keys than its database")

// checkShared holds a desk to the keys of the database that it shares, before it writes anything with its own.
// Where the database is away the desk starts, and is told when that is back.
func (n *node) checkShared(ctx context.Context, held *state, database *store.DB) error {
	if !n.config.hasDesk() || !n.config.sharesDatabase() {
		return nil
	}
	err := n.config.shareKeys(ctx, held, database)
	if !store.Unavailable(err) {
		return err
	}
	n.background(ctx, func(ctx context.Context) {
		for err := err; store.Unavailable(err) && ctx.Err() == nil; {
			pause(ctx, keepUpRetry)
			if err = n.config.shareKeys(ctx, held, database); errors.Is(err, errOtherKeys) {
				n.logger.Error("ALARM: stop this desk, and copy the keys", "error", err)
			}
		}
	})
	return nil
}

func (c *Config) shareKeys(ctx context.Context, held *state, database *store.DB) error {
	if _, err := fleet.KnownKeys(ctx, database); err != nil { // no key is made for a database that is away
		return err
	}
	if err := audit.Resume(ctx, database, held.path(auditKeyFile)); err != nil { // a change of the key that was cut off
		return err
	}
	if _, err := audit.LoadKey(held.path(auditKeyFile)); err != nil { // made where there is none, as the others
		return err
	}
	if _, err := c.deploymentKey(held); err != nil {
		return err
	}
	if _, err := c.signingKey(held); err != nil {
		return err
	}
	keys, err := c.sharedKeys()
	if err != nil {
		return err
	}
	others, known, err := fleet.ShareKeys(ctx, database, c.nodeName(), keys)
	if err != nil || len(others) == 0 {
		return err
	}
	return otherKeys(others, known)
}

// otherKeys names the files and the remedy.
func otherKeys(others []fleet.DeskKey, known []fleet.KnownKey) error {
	var files []string
	for i := range others {
		files = append(files, fmt.Sprintf("%s (the %s key, since %s that of %s)", others[i].File, others[i].Use, known[i].At.Format(time.DateOnly), known[i].Node))
	}
	return fmt.Errorf("%w: %s. Copy them from a desk that runs, as `recourse fleet keys` says there, and start again; where they are lost for good, or were replaced on purpose: `recourse fleet keys --adopt` here",
		errOtherKeys, strings.Join(files, "; "))
}

// FleetKeysOptions are the flags of fleet keys.
type FleetKeysOptions struct {
	ConfigFlag
	Adopt bool `help:"Make this desk's keys those of the database, where the ones before are lost or were replaced. Desks with others are then refused."`
}

// Help shows the command at work.
func (FleetKeysOptions) Help() string {
	return example("Desks that share a PostgreSQL need the same keys. Shows where this one has them, whether they are the database's, and how to copy them. Exit status 1 says that one is another:",
		"recourse fleet keys --config recourse.yaml", "recourse fleet keys --adopt --config recourse.yaml")
}

// Run is called by the command line.
func (o *FleetKeysOptions) Run(ctx context.Context, env *environment) error {
	config, err := env.config(o.ConfigFlag, false)
	if err != nil {
		return err
	}
	if !config.hasDesk() || !config.sharesDatabase() {
		return wrongUse("this is for desks that share a PostgreSQL, and desk.store is none")
	}
	database, err := config.database().Open(ctx, env.logger())
	if err != nil {
		return err
	}
	return errors.Join(o.run(ctx, env, config, database), database.Close())
}

func (o *FleetKeysOptions) run(ctx context.Context, env *environment, config *Config, database *store.DB) error {
	keys, err := config.sharedKeys()
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: the first start of a desk makes it, or copy it from another", err)
	}
	if err != nil {
		return err
	}
	if o.Adopt {
		if err := fleet.AdoptKeys(ctx, database, config.nodeName(), keys); err != nil {
			return err
		}
	}
	known, err := fleet.KnownKeys(ctx, database)
	if err != nil {
		return err
	}
	same, text := sharedText(keys, known)
	if _, err := fmt.Fprint(env.stdout, text); err != nil {
		return err
	}
	if !same {
		return errNo
	}
	return nil
}

// sharedText is a table of the keys, and how they are copied.
func sharedText(keys []fleet.DeskKey, known map[string]fleet.KnownKey) (same bool, text string) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tCHECK\tDATABASE\tFILE")
	same = true
	for i := range keys {
		is, there := known[keys[i].Use]
		state := "the same"
		switch {
		case !there:
			state = "not known yet"
		case is.Value != keys[i].Value:
			state, same = is.Value+", of "+is.Node, false
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", keys[i].Use, keys[i].Value, state, keys[i].File)
	}
	_ = table.Flush() // into memory
	if !same {
		out.WriteString("\nThis desk is refused until it has the database's keys: copy the files from a desk that has them.\n")
		return same, out.String()
	}
	out.WriteString("\nEach desk of this database needs a copy of each, mode 0600, before its first start. From here, as the user that recourse runs as:\n")
	for i := range keys {
		fmt.Fprintf(&out, "  scp -p %s DESK:%s\n", keys[i].File, keys[i].File)
	}
	return same, out.String()
}
