package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// validate tells the report what the decoder cannot see: what is missing, what
// does not fit together, and files that are not there. The order is that of the file.
func (c *Config) validate() {
	c.checkOperator()
	c.checkListen()
	c.checkTLS()
	c.checkBlockPage()
	c.checkOnCall()
	c.checkState()
	c.checkResolver()
	c.checkBundle()
	c.checkLists()
	c.checkPasses()
	c.checkCanaries()
	c.checkProfiles()
	c.checkClients()
	c.checkServeRPZ()
	c.checkDesk()
	c.checkFleet()
}

func (c *Config) checkState() {
	if c.State == "" {
		c.report.problem("state", "is missing: the directory for what has to outlive a restart, as ./state")
		return
	}
	if about, err := os.Stat(c.StateDir()); err == nil && !about.IsDir() {
		c.fileProblem("state", c.State, errors.New("is not a directory"))
	}
}

var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (c *Config) checkOperator() {
	if c.Operator.Name == "" {
		c.report.problem("operator.name", "is missing: who answers for this resolver")
	}
	switch contact := c.Operator.Contact; {
	case contact == "":
		c.report.problem("operator.contact", "is missing: a mailto:, tel: or https: address where a person reads")
	case !isContact(contact):
		c.report.problem("operator.contact", "%s is not a mailto:, tel: or https: address%s", quote(contact), contactHint(contact))
	}
	if phone := c.Operator.Phone; phone != "" && (!isContact(phone) || !strings.HasPrefix(phone, "tel:")) {
		c.report.problem("operator.phone", "%s is not a tel: address, as tel:+390612345678", quote(phone))
	}
	if database := c.Operator.Database; database != "" && !blocklists.IsDatabase(database) {
		c.report.problem("operator.database", "%s is not the name of a database of filtering incidents, as isp-example; none leaves it out", quote(database))
	}
	for i, language := range c.Operator.Languages {
		if !languageForm.MatchString(language) {
			c.report.problem(item("operator.languages", i), "%s is not a language tag, as en or pt-BR", quote(language))
		}
	}
	c.checkLanguages()
	c.checkPortal()
	c.checkHelpNames()
}

func contactHint(contact string) string {
	if strings.Contains(contact, "@") && !strings.Contains(contact, ":") {
		return ": write mailto:" + clip(contact)
	}
	return ""
}

func isContact(text string) bool {
	address, err := url.Parse(text)
	if err != nil {
		return false
	}
	switch address.Scheme {
	case "mailto":
		name, host, found := strings.Cut(address.Opaque, "@")
		return found && name != "" && host != ""
	case "tel":
		return strings.ContainsAny(address.Opaque, "0123456789")
	case "https":
		return address.Host != ""
	}
	return false
}

func (c *Config) checkPortal() {
	if c.Operator.Portal == "" {
		if len(c.Blocklists) > 0 && !c.report.isBad("operator.portal") {
			c.report.warn("operator.portal", "is missing: a blocked answer cannot say where its reason is explained")
		}
		return
	}
	address, err := url.Parse(c.Operator.Portal)
	switch {
	case len(c.Operator.Portal) > policy.MaxPortal:
		c.report.problem("operator.portal", "is longer than %d octets, so that it would not fit into a DNS answer", policy.MaxPortal)
	case err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" || address.User != nil:
		c.report.problem("operator.portal", "%s is not an http or https address, as https://dns.example.net", quote(c.Operator.Portal))
	case address.RawQuery != "" || address.Fragment != "":
		c.report.problem("operator.portal", "%s has a query or a fragment: an address of a reason is made by adding to it", quote(c.Operator.Portal))
	case address.Scheme == "http":
		c.checkPlainPortal(address.Hostname())
	}
}

// checkFile says that a file that the configuration names must be there and readable.
func (c *Config) checkFile(path, file string) {
	if file == "" {
		return
	}
	handle, err := openFile(c.File(file))
	if err != nil {
		c.fileProblem(path, file, err)
		return
	}
	_ = handle.Close() // read only: nothing is lost
}

// openFile opens what is a file. Opening a pipe would wait for who writes to it.
func openFile(path string) (*os.File, error) {
	about, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !about.Mode().IsRegular():
		return nil, errors.New("is not a file")
	}
	return os.Open(path)
}

// fileProblem names a file as the configuration does and, where that differs, as
// the program sought it.
func (c *Config) fileProblem(path, file string, err error) {
	shown := quote(file)
	if absolute, err := filepath.Abs(c.File(file)); err == nil && absolute != file {
		shown += " (" + absolute + ")"
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = fmt.Errorf("cannot be read: %w", cause.Err)
	}
	c.report.problem(path, "%s %s", shown, err)
}

// reason is the cause of a file's error without the path, which has been said.
func reason(err error) string {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return cause.Err.Error()
	}
	return err.Error()
}
