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
	office, err := accounts.New(accounts.Config{Secret: secret}, database, accountLog{}, n.logger)
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
