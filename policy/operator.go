package policy

import (
	"net/netip"
	"strings"

	"github.com/recourse-dns/recourse/resolver"
)

// Operator is who runs the resolver, and where people find them.
type Operator struct {
	Name      string   `yaml:"name"`
	Contact   string   `yaml:"contact"` // a mailto:, tel: or https: address
	Phone     string   `yaml:"phone"`   // a tel: address beside it
	Address   string   `yaml:"address"` // where letters go to, in one line
	Portal    string   `yaml:"portal"`  // the public address of the pages
	Languages []string `yaml:"languages"`
	// LanguagesDir is a folder with texts in further languages.
	LanguagesDir string `yaml:"languages_dir"`
	// PassZone is the zone of the names that browsers look up to show which client they are
	// served as; where it is "" nobody gets a pass.
	PassZone string `yaml:"pass_zone"`
	// HelpNames are names, beside those that are built in, which nothing that a user asked for
	// withholds, each with what lies below it.
	HelpNames []string `yaml:"help_names"`
	// Database is the name under which clients know our reason pages as a database of filtering
	// incidents. Empty: the portal's host; "none" for none.
	Database string `yaml:"database"`
	// BlockPage is the addresses of the block page, which answers of the form page give; it is not of this section.
	BlockPage []netip.Addr `yaml:"-"`
}

// MaxPortal is the longest portal in octets with which code and address of a reason
// fit into the text of a DNS answer. With a longer one the address is left out.
const MaxPortal = resolver.TextBudget - 2*len("7K4Q-92QF-M3TX") - len(" /r/")

// address is where a path of the portal is; "" where there is no portal.
func (o *Operator) address(path string) string {
	if o.Portal == "" {
		return ""
	}
	return strings.TrimRight(o.Portal, "/") + path
}
