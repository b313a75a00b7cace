package main

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/passing"
	"github.com/recourse-dns/recourse/redress/portal"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// localPassZone is where tickets have their names when the portal has none but an address:
// below a top-level name that ICANN set aside for private use. Browsers ask the DNS for it,
// as they do not for localhost and local.
const localPassZone = "pass.recourse.internal"

// passZone is the zone of the tickets' names; "" where nobody can have a pass. Over HTTPS a
// certificate must be good for every name in it, which nobody can know but the operator.
func (c *Config) passZone() string {
	address, err := url.Parse(c.Operator.Portal)
	switch {
	case err != nil || address.Host == "":
		return ""
	case c.Operator.PassZone != "":
		return strings.TrimSuffix(c.Operator.PassZone, ".")
	case address.Scheme != "http":
		return ""
	}
	if _, err := netip.ParseAddr(address.Hostname()); err == nil || !strings.Contains(address.Hostname(), ".") {
		return localPassZone
	}
	return "pass." + address.Hostname()
}

// operator is what is said of the operator, with what follows from it.
func (c *Config) operator() policy.Operator {
	said := c.Operator
	said.PassZone = c.passZone()
	said.BlockPage = c.BlockPage.addresses()
	return said
}

// ticketZone is where tickets' names lead: to the portal. False: nobody can have a pass.
func (c *Config) ticketZone() (passing.Zone, bool) {
	name, err := wire.ParseName(c.passZone())
	if c.passZone() == "" || err != nil {
		return passing.Zone{}, false
	}
	address, err := url.Parse(c.Operator.Portal)
	if err != nil {
		return passing.Zone{}, false
	}
	zone := passing.Zone{Name: name}
	if literal, err := netip.ParseAddr(address.Hostname()); err == nil {
		zone.Addresses = []netip.Addr{literal.Unmap()}
		return zone, true
	}
	zone.Host, err = wire.ParseName(address.Hostname())
	return zone, err == nil
}

// passDesk is what lets people past blocks of security.
type passDesk struct {
	tickets *passing.Tickets
	stage   resolver.Stage // above what resolves, below policy; nil where nobody can have a pass
	used    atomic.Int64   // passes that were given

	book     *pass.Book
	carried  *fleet.Passes        // to nodes; nil where this is no desk
	tell     passing.Tell         // of who looks tickets up here; nil where there is nobody to tell
	followed []fleet.FollowConfig // whose passes are followed
	client   *http.Client
}

// forPages is what the portal needs of them; nil where nobody can have a pass.
func (p *passDesk) forPages() portal.Passes {
	if p.tickets == nil {
		return nil
	}
	return countedPasses{p.tickets, &p.used}
}

// checkPasses says what keeps people from the passes that lists offer.
func (c *Config) checkPasses() {
	zone := c.Operator.PassZone
	name, err := wire.ParseName(zone)
	portal, _ := url.Parse(c.Operator.Portal)
	switch {
	case zone == "":
		c.checkPassesOffered(portal)
	case err != nil || name == wire.Root:
		c.report.problem("operator.pass_zone", "%s is not a name, as pass.dns.example.net", quote(zone))
	case portal == nil || portal.Host == "":
		c.report.problem("operator.pass_zone", "leads to the portal, and operator.portal is missing")
	case strings.EqualFold(strings.TrimSuffix(zone, "."), portal.Hostname()):
		c.report.problem("operator.pass_zone", "%s is the portal itself: names in it are answered here alone, so take one below it, as pass.%s", quote(zone), portal.Hostname())
	}
}

// passesOffered is the first list that offers passes; -1 where none does.
func (c *Config) passesOffered() int {
	return slices.IndexFunc(c.Blocklists, func(manifest *blocklists.Manifest) bool { return manifest.Pass > 0 })
}

func (c *Config) checkPassesOffered(portal *url.URL) {
	at := c.passesOffered()
	if at < 0 || c.passZone() != "" {
		return
	}
	key := child(item("blocklists", at), "pass")
	if portal == nil || portal.Host == "" {
		c.report.warn(key, "is offered on the portal, and operator.portal is missing: nobody can have a pass")
		return
	}
	c.report.warn(key, "needs operator.pass_zone, since the portal is at https: a zone whose names lead to the portal, with a certificate for all of them, as pass.%s with *.pass.%s; without it nobody can have a pass", portal.Hostname(), portal.Hostname())
}
