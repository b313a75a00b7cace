package main

import (
	"net/url"

	"golang.org/x/net/proxy"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/retest"
	"github.com/recourse-dns/recourse/resolver"
)

// RetestPoint is a network from which sites are looked at.
type RetestPoint struct {
	Name  string `yaml:"name"`
	Proxy string `yaml:"proxy"` // socks5://address:port; this machine's own network where empty
}

// retester looks at sites whose owners say that they were cleaned; nil where there are not two
// networks to do so from, since from one alone it would mean nothing.
func (n *node) retester(below resolver.Handler) redress.Retester {
	var points []retest.Point
	for i := range n.config.Desk.Retest {
		connect, err := n.config.Desk.Retest[i].connect()
		if err != nil {
			n.logger.Error("sites are not looked at from a network", "network", n.config.Desk.Retest[i].Name, "error", err)
			continue
		}
		points = append(points, retest.Point{Name: n.config.Desk.Retest[i].Name, Connect: connect})
	}
	if len(points) < 2 {
		return nil
	}
	return retest.New(points, outbound.NewDialer(hosts{below}, nil))
}

// connect gives the way through the proxy; nil for this machine's own.
func (p *RetestPoint) connect() (outbound.Connect, error) {
	if p.Proxy == "" {
		return nil, nil
	}
	at, err := url.Parse(p.Proxy)
	if err != nil {
		return nil, err
	}
	through, err := proxy.FromURL(at, proxy.Direct)
	if err != nil {
		return nil, err
	}
	return through.(proxy.ContextDialer).DialContext, nil // every dialer of the package is one
}

func (c *Config) checkRetest() {
	names := map[string]bool{}
	for i := range c.Desk.Retest {
		point, path := &c.Desk.Retest[i], item("desk.retest", i)
		switch {
		case point.Name == "":
			c.report.problem(child(path, "name"), "is missing: what the network is called in the facts of a case")
		case names[point.Name]:
			c.report.problem(child(path, "name"), "%s is the name of another network here", quote(point.Name))
		}
		names[point.Name] = true
		if at, err := url.Parse(point.Proxy); point.Proxy != "" && (err != nil || at.Scheme != "socks5" || at.Port() == "" || at.Hostname() == "") {
			c.report.problem(child(path, "proxy"), "is not the address of a SOCKS proxy, as socks5://192.0.2.5:1080")
		}
	}
	if len(c.Desk.Retest) == 1 {
		c.report.warn("desk.retest", "has one network: nobody is unblocked before a person has looked, which takes two that the site cannot tell for ours")
	}
}
