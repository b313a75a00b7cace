package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/passing"
)

// sharesPasses says whether other nodes have to know the passes that this one knows.
func (c *Config) sharesPasses() bool {
	return !c.hasDesk() || len(c.Fleet.Desks) > 0 || c.hasNodes()
}

// hasNodes says whether nodes may follow this desk.
func (c *Config) hasNodes() bool {
	return slices.ContainsFunc(c.Desk.Tokens, func(token Token) bool { return token.Role == string(redress.Node) })
}

// startPasses makes the book of passes, which lives as long as the node and nowhere else.
func (n *node) startPasses(ctx context.Context, held *state, current *policy.Current) (*passDesk, error) {
	zone, is := n.config.ticketZone()
	if !is {
		return new(passDesk), nil
	}
	made := new(passDesk)
	root, keys := passing.RandomRoot(), pass.RandomKey // a node by itself shares its keys with nobody
	var told func(pass.Pass)
	var tell passing.Tell
	if n.config.sharesPasses() {
		key, err := n.config.deploymentKey(held)
		if err != nil {
			return nil, err
		}
		root = passing.RootOf(key)
		keys = root.Hours()
		if tell, err = n.tellOfTickets(held, made); err != nil {
			return nil, fmt.Errorf("fleet: %w", err)
		}
	}
	if n.config.hasDesk() {
		made.carried = fleet.NewPasses()
		told = made.carried.Add
	}
	made.book, made.tell = pass.New(keys, told), tell
	current.Update(func(snapshot policy.Snapshot) policy.Snapshot { snapshot.Passes = made.book; return snapshot })
	n.background(ctx, made.book.Run)
	made.tickets = passing.NewTickets(current.Load, root, tell)
	made.stage = made.tickets.Stage(zone)
	for _, one := range made.followed {
		follower := fleet.FollowPasses(one, made.take, made.carried, made.client, n.logger)
		n.background(ctx, follower.Run)
	}
	return made, nil
}

// tellOfTickets is how others learn who looked a ticket up here, and notes whose passes are followed: those
// of the node's desk, or of the desks beside this one.
func (n *node) tellOfTickets(held *state, made *passDesk) (passing.Tell, error) {
	if !n.config.hasDesk() {
		desk, client, err := n.config.following(held)
		if err != nil {
			return nil, err
		}
		made.followed, made.client = []fleet.FollowConfig{desk}, client
		return fleet.TellDesk(desk, client).Tell, nil
	}
	others, client, err := n.config.otherDesks(held)
	if err != nil {
		return nil, err
	}
	made.followed, made.client = others, client
	return fleet.TellDesks(others, client).Tell, nil
}

// otherDesks are those beside this one, which sign with the same key.
func (c *Config) otherDesks(held *state) ([]fleet.FollowConfig, *http.Client, error) {
	if len(c.Fleet.Desks) == 0 {
		return nil, nil, nil
	}
	key, err := c.signingKey(held)
	if err != nil {
		return nil, nil, err
	}
	token, err := c.ReadToken(&Token{File: c.Fleet.TokenFile})
	if err != nil {
		return nil, nil, err
	}
	client, err := c.fleetClient()
	if err != nil {
		return nil, nil, err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	var others []fleet.FollowConfig
	for _, address := range c.Fleet.Desks {
		others = append(others, fleet.FollowConfig{Node: c.nodeName(), Version: agent(), Desk: strings.TrimRight(address, "/"), Keys: []ed25519.PublicKey{public}, Token: token})
	}
	return others, client, nil
}

// take puts a pass in force that another desk gave, and carries it on where this is a desk, too.
func (p *passDesk) take(given pass.Pass) bool {
	if !p.book.Take(given, time.Now()) {
		return false
	}
	if p.carried != nil {
		p.carried.Add(given)
	}
	return true
}

// serveNodes adds what nodes need to know of passes.
func (p *passDesk) serveNodes(to *fleet.DeskConfig) {
	if p.carried == nil {
		return
	}
	to.Passes, to.Note, to.Tell = p.carried, p.tickets.Note, p.tell
	if to.Tell == nil {
		to.Tell = func(context.Context, passing.Look) error { return nil }
	}
}

// maxDesks bounds the desks of one fleet.
const maxDesks = 16

// checkDesks holds the desks beside this one to addresses that a token may be sent to.
func (c *Config) checkDesks() {
	if len(c.Fleet.Desks) == 0 {
		if offered := c.passesOffered(); offered >= 0 && c.hasDesk() && c.sharesDatabase() && c.passZone() != "" {
			c.report.warn(child(item("blocklists", offered), "pass"), "is for this desk and the nodes that follow it: where other desks share the database, name them all under fleet.desks, as https://desk-2.isp.example, with fleet.token_file")
		}
		return
	}
	if !c.hasDesk() {
		c.report.problem("fleet.desks", "are desks beside this one, and there is none here: name the one that this node follows as fleet.desk")
		return
	}
	if c.Fleet.TokenFile == "" {
		c.report.problem("fleet.token_file", "is missing: the token of role node that the desks under fleet.desks have under desk.tokens")
	}
	if len(c.Fleet.Desks) > maxDesks {
		c.report.problem("fleet.desks", "are %d, and more than %d are not carried to", len(c.Fleet.Desks), maxDesks)
	}
	for i, address := range c.Fleet.Desks {
		key := item("fleet.desks", i)
		switch at, err := url.Parse(address); {
		case !isDeskAddress(at, err):
			c.report.problem(key, "%s is not an https address of a desk, as https://desk-2.isp.example", quote(address))
		case at.Scheme == "http" && !isLoopback(at.Hostname()):
			c.report.problem(key, "sends the nodes' token unencrypted: write https://%s", at.Host)
		}
	}
}

func isDeskAddress(at *url.URL, err error) bool {
	return err == nil && at.Host != "" && at.User == nil && at.RawQuery == "" && (at.Scheme == "https" || at.Scheme == "http")
}
