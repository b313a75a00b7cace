package main

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"os"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/orders"
)

// startOrders makes the office where orders come in, and has it look after their dates.
func (n *node) startOrders(ctx context.Context, database *store.DB, book *orderBook) *orders.Office {
	settings := orders.Config{
		Node: n.config.nodeName(), AnswerTTL: n.config.Resolver.TTL.Max, BlockTTL: policy.BlockTTL,
		Operator: n.config.Operator.Name, Contact: n.config.Operator.Contact, Mail: make(map[string]string),
	}
	for _, token := range n.config.Desk.Tokens {
		if token.Authority != "" && token.Mail != "" {
			settings.Mail[token.Authority] = token.Mail
		}
	}
	office := orders.New(settings, database, officeRules{n.importer}, book, n.logger)
	n.background(ctx, office.Run)
	n.alone(lateness{n.config.nodeName(), database, office, n.logger}.run)
	return office
}

// nodeName is what this machine is called in receipts.
func (c *Config) nodeName() string {
	if c.Listen.NSID != "" {
		return c.Listen.NSID
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "this node"
}

// officeRules are the lists and safeguards in force.
type officeRules struct{ importer *importer }

// Catalog implements [orders.Rules].
func (r officeRules) Catalog() *blocklists.Catalog { return r.importer.last.Load().rules.catalog }

// Guard implements [orders.Rules].
func (r officeRules) Guard() *guard.Guard { return r.importer.current.Load().Guard }

// binding is what a token of an authority may do, and from where.
func (c *Config) binding(token *Token) (api.Binding, error) {
	made := api.Binding{Authority: token.Authority, Lists: token.Lists, Jurisdiction: token.Jurisdiction, DailyMax: token.DailyMax, Networks: token.Networks}
	if token.Certificate == "" {
		return made, nil
	}
	var err error
	made.Certificates, err = certificatePins(c.File(token.Certificate))
	return made, err
}

// certificatePins are the SHA-256 of the certificates in a file.
func certificatePins(path string) ([][32]byte, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var pins [][32]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			pins = append(pins, sha256.Sum256(block.Bytes))
		}
	}
	if len(pins) == 0 {
		return nil, errors.New("holds no certificate in PEM")
	}
	return pins, nil
}

// checkAuthority holds a token of an authority to what binds it.
func (c *Config) checkAuthority(path string, token *Token) {
	if len(token.Jurisdiction) == 0 {
		c.report.problem(child(path, "jurisdiction"), "is missing: where the authority's orders are in force, as [IT]")
	}
	if token.Certificate != "" {
		if _, err := certificatePins(c.File(token.Certificate)); err != nil {
			c.fileProblem(child(path, "certificate"), token.Certificate, err)
		}
		if len(c.Listen.WebTLS) == 0 {
			c.report.problem(child(path, "certificate"), "is asked for over https only, and listen.web_tls has no address")
		}
	}
	if token.Mail != "" {
		if _, err := notify.ParseAddress(token.Mail); err != nil {
			c.report.problem(child(path, "mail"), "%s is %s", quote(token.Mail), err)
		}
	}
	for i, network := range token.Networks {
		if network != network.Masked() {
			c.report.problem(item(child(path, "networks"), i), "%s has bits beyond its length: write %s", network, network.Masked())
		}
	}
	for i, id := range token.Lists {
		if list := c.listOf(id); list != nil && list.Purpose != blocklists.Law {
			c.report.problem(item(child(path, "lists"), i), "list %s is %s, and orders are law", quote(string(id)), list.Purpose)
		}
	}
}

func (c *Config) listOf(id blocklists.ListID) *blocklists.Manifest {
	for _, manifest := range c.Blocklists {
		if manifest.ID == id {
			return manifest
		}
	}
	return nil
}
