package policy

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
)

// Operator is who runs the resolver, and where people find them.
type Operator struct {
	Name      string   `yaml:"name"`
	Contact   string   `yaml:"contact"` // a mailto: or tel: address
	Portal    string   `yaml:"portal"`  // the public address of the pages
	Languages []string `yaml:"languages"`
}

// maxPortal leaves room, in the 200 octets of an explanation, for the code twice.
const maxPortal = 120

// Problems lists what is wrong; the keys are dotted from the top of the configuration.
func (o *Operator) Problems() []blocklists.Problem {
	var found []blocklists.Problem
	add := func(key, format string, args ...any) {
		found = append(found, blocklists.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	if o.Name == "" {
		add("operator.name", "is missing: who blocks must say who they are")
	}
	if o.Contact != "" && !strings.HasPrefix(o.Contact, "mailto:") && !strings.HasPrefix(o.Contact, "tel:") {
		add("operator.contact", "%q is not a mailto: or tel: address", o.Contact)
	}
	switch address, err := url.Parse(o.Portal); {
	case o.Portal == "":
		add("operator.portal", "is missing: every block leads to a page of it, as http://127.0.0.1:8080")
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https":
		add("operator.portal", "%q is not an http or https address", o.Portal)
	case address.RawQuery != "" || address.Fragment != "" || address.User != nil:
		add("operator.portal", "%q must be an address without user, query or fragment", o.Portal)
	case len(o.Portal) > maxPortal:
		add("operator.portal", "is longer than %d octets, so that it would not fit into a DNS answer", maxPortal)
	}
	return found
}

// address is where a path of the portal is; "" where there is no portal.
func (o *Operator) address(path string) string {
	if o.Portal == "" {
		return ""
	}
	return strings.TrimRight(o.Portal, "/") + path
}
