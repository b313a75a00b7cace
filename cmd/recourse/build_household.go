package main

import (
	"context"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/listening"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/links"
)

// localCheckZone is where probes have their names when the portal has none but an address.
const localCheckZone = "check.recourse.internal"

// home is what the pages of a household know of its devices.
type home struct {
	devices *homeDevices
	ear     *listening.Book
	probes  *probe.Probes
	check   pages.Check
	stage   resolver.Stage // that sees who looks probes up
	counts  policy.Counter
}

// startHome makes what sees devices, before the stages of a query are joined.
func (n *node) startHome(current *policy.Current, counts policy.Counter) *home {
	known := &homeDevices{current: current, clients: n.clients, rows: func() []profile.Client {
		if n.importer == nil || n.importer.last.Load() == nil { // while the node starts
			return n.config.Clients
		}
		return n.importer.last.Load().rules.rows
	}}
	h := &home{devices: known, ear: listening.New(known), probes: probe.New(known), counts: counts}
	current.Update(func(snapshot policy.Snapshot) policy.Snapshot { snapshot.Witness = h.ear; return snapshot })
	var zone probe.Zone
	h.check, zone = n.config.checkZone(links.New())
	h.stage = h.probes.Stage(zone)
	return h
}

// checkZone is where probes have their names, and where those lead: to the pages.
func (c *Config) checkZone(machine *links.Machine) (pages.Check, probe.Zone) {
	check := pages.Check{Zone: localCheckZone, Scheme: "http"}
	zone := probe.Zone{Toward: c.pagesToward(machine)}
	portal, err := url.Parse(c.Operator.Portal)
	if err == nil && portal.Host != "" {
		check.Scheme, check.Port = portal.Scheme, portal.Port()
	} else if len(c.Listen.Web) > 0 && c.Listen.Web[0].Port() != 80 {
		check.Port = strconv.Itoa(int(c.Listen.Web[0].Port()))
	}
	if name := hostOf(c.Operator.Portal); name != "" {
		check.Zone = "check." + strings.TrimSuffix(name.String(), ".")
		if !local.MayHold(name, parsedNames(c.Resolver.PrivateNames)) {
			zone.Toward, zone.Host = nil, name
		}
	} else if addr, err := netip.ParseAddr(portal.Hostname()); err == nil {
		zone.Toward = func(netip.Addr) []netip.Addr { return []netip.Addr{addr.Unmap()} }
	}
	if zone.Name, err = wire.ParseName(check.Zone); err != nil { // longer than a name may be: nobody can look it up
		check.Zone, zone.Name = localCheckZone, wire.MustName(localCheckZone)
	}
	return check, zone
}

// stages joins stages of which any may be nil, the first on top; nil for none.
func stages(all ...resolver.Stage) resolver.Stage {
	all = slices.DeleteFunc(all, func(stage resolver.Stage) bool { return stage == nil })
	if len(all) == 0 {
		return nil
	}
	return func(next resolver.Handler) resolver.Handler {
		for _, stage := range slices.Backward(all) {
			next = stage(next)
		}
		return next
	}
}

// householdPages puts the pages of a home before the others.
func (n *node) householdPages(ctx context.Context, office *household.Office, limits *redress.Limits, kit *page.Kit, charts pages.Charts) (http.Handler, error) {
	n.background(ctx, func(ctx context.Context) { office.Run(ctx, n.logger) })
	machine, address := links.New(), n.address()
	made := pages.Config{
		Kit: kit, Languages: n.config.Operator.Languages, More: n.config.languageFiles(), Gate: n.people.gate, Office: office, Devices: n.home.devices, Registry: n.clients.devices,
		Ear: n.home.ear, Probes: n.home.probes, Check: n.home.check, Hosts: n.config.pageHosts(), Origin: n.config.portalOrigin(), Address: address, Limits: limits,
		Own: n.config.deviceNames(), Categories: n.offeredCategories, Reaches: n.config.reaches(), Zone: systemZone(), Charts: charts,
		Servers: func(client netip.Addr) []netip.Addr { return servedAt(n.config.Listen.Do53, machine.Toward(client)) },
	}
	if !n.config.Desk.Console.Apart() {
		made.Console = console.Path
	}
	if do53 := n.config.Listen.Do53; !slices.ContainsFunc(do53, func(one netip.AddrPort) bool { return one.Port() == 53 }) && len(do53) > 0 {
		made.Port = do53[0].Port()
	}
	return pages.New(made)
}

// householdTexts are the texts of the pages of a home, with those that an operator adds.
func householdTexts(more fs.FS) (*language.Catalogue, error) { return pages.Catalogue(more) }

// isHome says whether the pages are a home's: at a name or an address that nobody outside reaches.
func (c *Config) isHome() bool {
	if c.Operator.Portal == "" || hostname(c.Operator.Portal) == "localhost" {
		return true
	}
	if addr, err := netip.ParseAddr(hostname(c.Operator.Portal)); err == nil {
		return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
	}
	return c.localPortal(links.New()).Name != ""
}

// pageHosts are the names by which the pages of a home are opened.
func (c *Config) pageHosts() []string {
	hosts := []string{}
	for _, name := range []string{c.Listen.Name, hostname(c.Operator.Portal)} {
		if name = strings.ToLower(strings.TrimSuffix(name, ".")); name != "" {
			hosts = append(hosts, name)
		}
	}
	return hosts
}

func hostname(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}

// portalOrigin is scheme and host of the portal's public address, which a front end may have before a host of
// another name; "" where it has none.
func (c *Config) portalOrigin() string {
	parsed, err := url.Parse(c.Operator.Portal)
	if err != nil || parsed.Host == "" {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

// deviceNames are what devices with names of their own connect to.
func (c *Config) deviceNames() pages.OwnNames {
	own := pages.OwnNames{Host: c.Listen.Name, Operator: c.Operator.Name, HasDoH: len(c.Listen.DoH) > 0}
	if own.HasDoH && !slices.ContainsFunc(c.Listen.DoH, func(door netip.AddrPort) bool { return door.Port() == 443 }) {
		own.DoH = ":" + strconv.Itoa(int(c.Listen.DoH[0].Port()))
	}
	// Devices that are told a name alone ask at the usual port.
	own.HasDoT = slices.ContainsFunc(c.Listen.DoT, func(door netip.AddrPort) bool { return door.Port() == 853 })
	return own
}

// offeredCategories are those of the lists of purpose user that are in force.
func (n *node) offeredCategories() []string {
	var categories []string
	for _, manifest := range n.profiles.rules().offered {
		if manifest.Purpose == blocklists.User {
			categories = append(categories, manifest.Category)
		}
	}
	slices.Sort(categories)
	return slices.Compact(categories)
}

// HouseholdAccount binds an account of role household to the profiles of its home.
type HouseholdAccount struct {
	Account  string   `yaml:"account"`
	Profiles []string `yaml:"profiles"`
}

// reaches says which profiles an account may change. Where no account is bound there is one home, and each of its
// adults may change all of it; else an account that is not bound has no home here.
func (c *Config) reaches() func(account, profile string) bool {
	if len(c.Desk.Households) == 0 {
		return nil
	}
	bound := make(map[string][]string, len(c.Desk.Households))
	for _, one := range c.Desk.Households {
		bound[strings.ToLower(one.Account)] = one.Profiles
	}
	return func(account, profile string) bool { return profile != "" && slices.Contains(bound[account], profile) }
}

// checkHouseholds holds accounts to profiles that there are.
func (c *Config) checkHouseholds() {
	for i, one := range c.Desk.Households {
		path := item("desk.households", i)
		if one.Account == "" {
			c.report.problem(child(path, "account"), "is missing: the name that somebody signs in with")
		}
		if len(one.Profiles) == 0 {
			c.report.problem(child(path, "profiles"), "is missing: the profiles of that home, as [tablet]")
		}
	}
}

// systemZone is the time zone of the machine by its name.
func systemZone() string {
	for _, name := range []string{os.Getenv("TZ"), zoneLink()} {
		if _, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return name
		}
	}
	return "UTC"
}

func zoneLink() string {
	target, err := os.Readlink("/etc/localtime")
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(target, "/zoneinfo/")
	return name
}

// address is where requests of people come from.
func (n *node) address() func(*http.Request) netip.Addr {
	return route.Behind(n.config.Listen.WebTrustedProxies)
}

// withHome puts the pages of a home, and the pictures of its probes, before the other pages.
func (n *node) withHome(ctx context.Context, office *household.Office, database *store.DB, kit *page.Kit, limits *redress.Limits, others http.Handler) (http.Handler, error) {
	charts := newHomeCharts(database, func() map[string]int64 { return n.withheldByCategory(n.home.counts) }, n.logger)
	if err := n.later(charts.recall(ctx)); err != nil {
		return nil, err
	}
	n.background(ctx, charts.Run)
	made, err := n.householdPages(ctx, office, limits, kit, charts)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(pages.Root, made)
	mux.Handle("/home", http.RedirectHandler(pages.Root, http.StatusSeeOther))
	mux.Handle("/", others)
	return pages.Pictures(n.home.check.Zone, n.home.probes, n.address(), mux), nil
}
