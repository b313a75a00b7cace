package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/provider"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/household/pages"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/redress/signin"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// accountLog puts what happens to accounts into the one log of events.
type accountLog struct{}

// Note appends an event of a subject.
func (accountLog) Note(ctx context.Context, tx *store.Tx, subject string, kind redress.EventKind, by redress.Actor, facts any) error {
	event, err := redress.About(subject, kind, by, time.Now(), facts)
	if err != nil {
		return err
	}
	return cases.Append(ctx, tx, event)
}

// people is who signs in, and the gate before pages that want somebody in particular.
type people struct {
	office *accounts.Office
	gate   *accounts.Gate
}

// newPeople makes the office over the database. What its keys are made from is the deployment's key, which
// every desk of a deployment has and which is backed up anyway.
func newPeople(config *Config, held *state, database *store.DB, n *node) (*people, error) {
	secret, err := held.key()
	if err != nil {
		return nil, err
	}
	office, err := accounts.New(accounts.Config{Secret: secret, Origin: config.Operator.Portal, Title: config.Operator.Name}, database, accountLog{}, n.logger)
	if err != nil {
		return nil, err
	}
	return &people{office: office, gate: accounts.NewGate(accounts.GateConfig{Secure: config.secure}, office)}, nil
}

// secure says whether a request came over TLS: to us, or to the front end that the portal's address is of. Who
// says so falsely over plain HTTP gets a cookie that no browser keeps.
func (c *Config) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	portal, err := url.Parse(c.Operator.Portal)
	return err == nil && portal.Scheme == "https" && strings.EqualFold(portal.Host, r.Host)
}

// maySignIn says whether somebody may sign in over this connection: over TLS, on this machine, and where
// plain_sign_in says so on the local network. A password never crosses a public network in clear.
func (c *Config) maySignIn(r *http.Request) bool {
	if c.secure(r) {
		return true
	}
	client := route.Behind(c.Listen.WebTrustedProxies)(r)
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	named, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if client.IsLoopback() && (strings.EqualFold(host, "localhost") || err == nil && named.IsLoopback()) {
		return true
	}
	return c.Desk.PlainSignIn && isNear(client, localOf(r))
}

// localOf is the address of ours that a request came to.
func localOf(r *http.Request) netip.Addr {
	local, is := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !is {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap().WithZone("")
}

// isNear says whether a client is on the local network: at a private address, or with an address from the same
// link as ours.
func isNear(client, own netip.Addr) bool {
	if isPrivately(client) {
		return isPrivately(own)
	}
	if !client.Is6() || !own.Is6() {
		return false
	}
	link, err := own.Prefix(64)
	return err == nil && link.Contains(client)
}

func isPrivately(addr netip.Addr) bool {
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
}

// linkAddress is where a word for a first sign-in is used.
func (c *Config) linkAddress(word string) string {
	return c.Operator.Portal + "/welcome?token=" + url.QueryEscape(word)
}

// claimAddresses are where the first account is claimed: by the portal's name, and by addresses of this machine, for
// a telephone that does not ask us for names yet.
func (n *node) claimAddresses() []string {
	var found []string
	add := func(base string) {
		for _, has := range found {
			if has == base {
				return
			}
		}
		found = append(found, base)
	}
	for _, address := range n.web {
		for _, own := range ownAddresses(address.Addr()) {
			add(fmt.Sprintf("http://%s", netip.AddrPortFrom(own, address.Port())))
		}
	}
	if n.config.Operator.Portal != "" {
		add(n.config.Operator.Portal)
	}
	return found
}

// maxOwn bounds how many addresses of a machine are told.
const maxOwn = 4

// ownAddresses are those that a listener is reached at from the local network; it itself where it is one.
func ownAddresses(listener netip.Addr) []netip.Addr {
	if !listener.IsUnspecified() {
		return []netip.Addr{listener}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the portal's name is told all the same
	}
	var found []netip.Addr
	for _, one := range all {
		prefix, err := netip.ParsePrefix(one.String())
		if err == nil && prefix.Addr().IsPrivate() && prefix.Addr().Is4() == listener.Is4() && len(found) < maxOwn {
			found = append(found, prefix.Addr())
		}
	}
	return found
}

// withSignIn puts the pages of sign-in before others.
func (n *node) withSignIn(kit *page.Kit, others http.Handler) (http.Handler, error) {
	vouching, name, err := n.config.provider()
	if err != nil {
		return nil, err
	}
	made, err := signin.New(signin.Config{
		Portal: n.config.Operator.Portal, Title: n.config.Operator.Name, Offered: n.config.Operator.Languages, More: n.config.languageFiles(), Provider: vouching, ProviderName: name,
		May: n.config.maySignIn, Network: route.Behind(n.config.Listen.WebTrustedProxies), Home: n.config.workplace,
	}, kit, n.people.office, n.people.gate, n.logger)
	if err != nil {
		return nil, err
	}
	handler, err := made.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", others)
	for _, one := range made.Routes() {
		mux.Handle(one.Method+" "+one.Path, handler)
	}
	return mux, nil
}

// workplace is where somebody of a role comes to when signed in. In a home the first account is an operator's, and what
// its owner came for are the devices.
func (c *Config) workplace(role redress.ActorRole) string {
	if role == redress.Household || role == redress.Operator && c.isHome() {
		return pages.Root
	}
	return console.Path
}

// provider is who vouches for people; nil where nobody does.
func (c *Config) provider() (*provider.Provider, string, error) {
	oidc := &c.Desk.OIDC
	if oidc.Issuer == "" {
		return nil, "", nil
	}
	secret, err := readSecret(c.File(oidc.ClientSecretFile))
	if err != nil {
		return nil, "", fmt.Errorf("desk.oidc.client_secret_file: %w", err)
	}
	name := oidc.Name
	if address, err := url.Parse(oidc.Issuer); name == "" && err == nil {
		name = address.Host
	}
	return provider.New(provider.Config{
		Issuer: oidc.Issuer, ClientID: oidc.ClientID, ClientSecret: secret, Redirect: c.Operator.Portal + signin.CallbackPath, Roles: oidc.Roles.roles(),
	}), name, nil
}

// The words that are looked for where the configuration names none: recourse-reviewer and so on, in the claim roles.
const (
	rolesClaim  = "roles"
	rolesPrefix = "recourse-"
)

// roles is how the provider's words become roles. An authority's account needs to say whose it is, which no
// provider does.
func (c Claims) roles() provider.Roles {
	made := provider.Roles{Claim: c.Claim, Map: map[string]redress.ActorRole{}}
	if made.Claim == "" {
		made.Claim = rolesClaim
	}
	for word, role := range c.Map {
		made.Map[word] = redress.ActorRole(role)
	}
	for _, role := range accounts.Roles() {
		if len(c.Map) == 0 && role != redress.Authority {
			made.Map[rolesPrefix+string(role)] = role
		}
	}
	return made
}
