package main

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"

	"github.com/recourse-dns/recourse/policy/store"
)

// contactKeyFile is what personal texts are sealed with, of a state of its own.
const contactKeyFile = "contact.key"

// database is where the desk keeps its records.
func (c *Config) database() store.Config {
	config := store.Config{Address: filepath.Join(c.StateDir(), databaseFile), KeyFile: filepath.Join(c.StateDir(), contactKeyFile)}
	if store.IsPostgres(c.Desk.Store) {
		config.Address = c.Desk.Store
	}
	if c.Desk.ContactKey != "" {
		config.KeyFile = c.File(c.Desk.ContactKey)
	}
	return config
}

func (c *Config) checkStore() {
	if c.Desk.ContactKey != "" {
		c.checkFile("desk.contact_key_file", c.Desk.ContactKey)
	}
	switch {
	case c.Desk.Store == "sqlite":
	case store.IsPostgres(c.Desk.Store):
		c.checkPostgres()
	default:
		c.report.problem("desk.store", "%s is neither sqlite nor a postgres:// address", quote(c.Desk.Store))
	}
}

// checkPostgres looks at the address. No message shows a password.
func (c *Config) checkPostgres() {
	address, err := url.Parse(c.Desk.Store)
	if err != nil { // whose text would show the address
		c.report.problem("desk.store", "is no address of PostgreSQL, as postgres://recourse@db.example/recourse")
		return
	}
	if address.Path == "" || address.Path == "/" {
		c.report.problem("desk.store", "names no database: postgres://%s@%s/recourse", cmp.Or(address.User.Username(), "recourse"), address.Host)
		return
	}
	c.checkPassword(address)
	config, err := store.ParsePostgres(c.Desk.Store)
	if err != nil {
		c.report.problem("desk.store", "%s", err)
		return
	}
	if store.Whichever(config) {
		c.report.warn("desk.store", "names several servers, of which the first that answers is taken, also one that only stands by: add target_session_attrs=read-write")
	}
	if open := store.Remote(config); open != "" {
		c.report.warn("desk.store", "%s is reached without looking at its certificate, so that whoever sits between reads and answers: add sslmode=verify-full, with sslrootcert=FILE where the certificate is of your own authority", quote(open))
	}
}

// checkPassword says where a password lies open. A file for it alone is better than the address.
func (c *Config) checkPassword(address *url.URL) {
	values := address.Query()
	_, inAddress := address.User.Password()
	if open, err := os.Stat(c.report.file); err == nil && open.Mode().Perm()&0o004 != 0 && (inAddress || values.Get("password") != "") {
		c.report.problem("desk.store", "has a password, and everybody on this machine can read this file: put it into a file of mode 0600, a line HOST:PORT:DATABASE:USER:PASSWORD, and name that with ?passfile=FILE or PGPASSFILE; or chmod 640 this one")
	}
	for _, file := range []string{values.Get("passfile"), os.Getenv("PGPASSFILE")} {
		about, err := os.Stat(file) //nolint:gosec // the operator says which file it is
		switch {
		case file == "":
		case err != nil:
			c.fileProblem("desk.store", file, permissionHint(err))
		case about.Mode().Perm()&0o077 != 0:
			c.report.problem("desk.store", "the password file %s is open to others: chmod 600", quote(file))
		}
	}
}
