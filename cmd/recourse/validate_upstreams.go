package main

import "slices"

// checkUpstreams looks at whom we ask, and how they are found.
func (c *Config) checkUpstreams() {
	settings := &c.Resolver
	c.checkNames("resolver.forward", settings.Forward)
	c.checkAddresses("resolver.bootstrap", settings.Bootstrap)
	if len(settings.Bootstrap) > 0 && !settings.hasNames() {
		c.report.warn("resolver.bootstrap", "is not used: all upstreams have addresses")
	}
	if settings.UpstreamCA != "" {
		if _, err := c.upstreamRoots(); err != nil {
			c.fileProblem("resolver.upstream_ca", settings.UpstreamCA, err)
		}
	}
	switch forwards := settings.Mode == "forward"; {
	case forwards && len(settings.Forward) == 0:
		c.report.problem("resolver.forward", "is missing: whom to ask in mode forward, as [\"192.0.2.53\"]")
	case forwards && settings.Opportunistic != "off":
		c.report.warn("resolver.opportunistic", "does nothing: in mode forward no authoritative server is asked")
	case !forwards && len(settings.Forward) > 0:
		c.report.warn("resolver.forward", "is not used: resolver.mode is %s", settings.Mode)
	}
}

// hasNames says whether an upstream must be looked up.
func (r *Resolver) hasNames() bool {
	return slices.ContainsFunc(r.Forward, Upstream.isNamed) ||
		slices.ContainsFunc(r.Zones, func(zone Zone) bool { return slices.ContainsFunc(zone.Forward, Upstream.isNamed) })
}

// checkNames wants somebody to look names of upstreams up: who answers all questions cannot
// ask himself for the first one.
func (c *Config) checkNames(path string, upstreams []Upstream) {
	for i, upstream := range upstreams {
		if upstream.isNamed() && len(c.Resolver.Bootstrap) == 0 {
			name, transport := upstream.Server.Name, upstream.Server.Transport
			c.report.problem(item(path, i), "%s must be looked up: say who does, as resolver.bootstrap: [\"192.0.2.53\"], or give its address too, as %s://%s@192.0.2.53",
				quote(name), transport, name)
		}
	}
}

// checkAddresses refuses names where nothing is looked up.
func (c *Config) checkAddresses(path string, upstreams []Upstream) {
	for i, upstream := range upstreams {
		if upstream.isNamed() {
			name, transport := upstream.Server.Name, upstream.Server.Transport
			c.report.problem(item(path, i), "%s has no address: write %s://%s@192.0.2.53", quote(name), transport, name)
		}
	}
}
