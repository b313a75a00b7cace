package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/rate"
)

const (
	// maxPerSecond is more than one machine answers.
	maxPerSecond = 10_000_000
	// maxHeld is more than there are descriptors or memory for.
	maxHeld = 10_000_000
	// maxSecretFile bounds a file of cookie secrets, comments included.
	maxSecretFile = 4096
)

// checkLimits looks at what bounds clients, and at what a server says of itself.
func (c *Config) checkLimits() {
	listen := &c.Listen
	c.checkRate("listen.rate_limit", "per_client", listen.RateLimit.PerClient, listen.RateLimit.Burst)
	c.checkRate("listen.response_rate_limit", "per_network", listen.ResponseRateLimit.PerNetwork, listen.ResponseRateLimit.Burst)
	for key, value := range map[string]uint32{"waiting": listen.Limits.Waiting, "connections": listen.Limits.Connections, "connections_per_client": listen.Limits.ConnectionsPerClient} {
		if value > maxHeld {
			c.report.problem(child("listen.limits", key), "%d is more than %d, which no machine holds", value, maxHeld)
		}
	}
	c.checkOpen()
	if all, each := listen.Limits.Connections, listen.Limits.ConnectionsPerClient; all > 0 && each > all {
		c.report.problem("listen.limits.connections_per_client", "%d is more than the %d connections of all clients", each, all)
	}
	switch nsid := listen.NSID; {
	case len(nsid) > transports.MaxNSID:
		c.report.problem("listen.nsid", "has %d octets, more than %d", len(nsid), transports.MaxNSID)
	case strings.ContainsFunc(nsid, func(r rune) bool { return r < ' ' || r > '~' }):
		c.report.problem("listen.nsid", "%s is not printable ASCII, as ams1.dns.example.net", quote(nsid))
	}
	if file := listen.CookieSecretFile; file != "" {
		if _, err := c.ReadCookieSecrets(); err != nil {
			c.fileProblem("listen.cookie_secret_file", file, err)
		}
	}
}

// checkOpen warns of a resolver that answers the whole Internet as often as it likes.
func (c *Config) checkOpen() {
	if c.Listen.RateLimit.PerClient > 0 {
		return
	}
	for i := range c.Clients {
		for k, network := range c.Clients[i].Match.Networks {
			if network.IsValid() && network.Bits() == 0 {
				c.report.warn(item(child(item("clients", i), "match.networks"), k), "%s admits everybody, and listen.rate_limit bounds nobody: what forges queries will find this server", network)
				return
			}
		}
	}
}

func (c *Config) checkRate(path, key string, perSecond, burst uint32) {
	switch window := uint64(rate.MaxWindow.Seconds()) * uint64(perSecond); {
	case perSecond > maxPerSecond:
		c.report.problem(child(path, key), "%d a second is more than %d, which is no limit", perSecond, maxPerSecond)
	case perSecond == 0 && burst > 0:
		c.report.problem(child(path, "burst"), "is of no use without %s: how many a second", key)
	case uint64(burst) > window:
		c.report.problem(child(path, "burst"), "%d is more than a minute of %s brings, %d", burst, key, window)
	}
}

// ReadCookieSecrets reads what a fleet makes its cookies with.
func (c *Config) ReadCookieSecrets() ([]cookie.Secret, error) {
	return readCookieSecrets(c.File(c.Listen.CookieSecretFile))
}

func readCookieSecrets(path string) ([]cookie.Secret, error) {
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSecretFile {
		return nil, fmt.Errorf("holds more than %d octets", maxSecretFile)
	}
	return cookie.ParseSecrets(text)
}
