package pages

import (
	"context"
	"io/fs"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/listening"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver"
)

// Config is what the pages work with.
type Config struct {
	Kit       *page.Kit
	Languages []string // offered; empty: all
	More      fs.FS    // an operator's own texts; nil: none
	Gate      Gate
	Office    *household.Office
	Devices   Devices
	Registry  *devices.Registry
	Ear       *listening.Book
	// Probes are nil where no name of ours can be looked up: the portal has no address.
	Probes *probe.Probes
	Check  Check
	// Hosts are the names by which the pages may be opened, beside addresses: a name that somebody else
	// leads here must not reach what a home has set up (DNS rebinding).
	Hosts  []string
	Origin string // scheme and host of the portal's public address; "" where it has none
	// Address is where a request comes from.
	Address func(*http.Request) netip.Addr
	Limits  *redress.Limits
	Own     OwnNames
	// Categories are those of the lists that a household can choose from, now.
	Categories func() []string
	// Reaches says whether an account may change a profile.
	Reaches func(account, profile string) bool
	// Servers are the addresses that a router is to hand out for names, as a client reaches them.
	Servers func(client netip.Addr) []netip.Addr
	// Port is that at which they answer, where it is not 53.
	Port uint16
	// Zone is the time zone that new bedtimes are in.
	Zone   string
	Charts Charts
	// Console is where an operator finds lists and cases; "" where that is not beside these pages.
	Console string
}

// Gate tells who asks, and keeps out who may not come in. [accounts.Gate] is one.
type Gate interface {
	Who(r *http.Request) (accounts.Identity, bool)
	Require(next accounts.Handler, roles ...redress.ActorRole) http.HandlerFunc
}

// Devices are those of the home.
type Devices interface {
	// Visitor is who a client of the resolver is; the zero value where it is not served.
	Visitor(client resolver.Client) household.Visitor
	// List is all that are known, also those that nobody has named.
	List() []household.Device
}

// Check is where the names of probes are.
type Check struct {
	Zone   string // without a dot at its end
	Scheme string
	Port   string // "" for the scheme's own
}

// OwnNames are what devices with a name of their own connect to.
type OwnNames struct {
	Host string // "" where there are no encrypted doors, or they have no name
	DoH  string // the port of DNS over HTTPS as an address has it, with its colon; "" for the usual
	// HasDoH and HasDoT say which doors are open.
	HasDoH, HasDoT bool
	Operator       string
}

// Charts count for a home, where somebody switched that on.
type Charts interface {
	On() bool
	Switch(ctx context.Context, by string, on bool) error
	// Weeks are the last ones, the oldest first.
	Weeks(ctx context.Context) ([]Week, error)
}

// Week is how often something was withheld in a week, by category.
type Week struct {
	Start  time.Time
	Counts map[string]int
}

func mayManage() []redress.ActorRole { return []redress.ActorRole{redress.Household, redress.Operator} }

// reachable are the profiles that an account may change.
func (h *handler) reachable(who accounts.Identity) []string {
	return slices.DeleteFunc(h.config.Office.Profiles(), func(id string) bool { return !h.reaches(who, id) })
}

func (h *handler) reaches(who accounts.Identity, profile string) bool {
	return h.config.Reaches == nil || h.config.Reaches(who.Name, profile)
}

// everything says whether an account may change every profile, so that all devices on the link are of its home.
func (h *handler) everything(who accounts.Identity) bool { return h.reaches(who, "") }
