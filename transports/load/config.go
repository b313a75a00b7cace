package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// Config is one run. Of what is 0 the default for the door is taken.
type Config struct {
	Server    resolver.Server
	Questions []Question // asked in turn, again and again
	Extras    Extras

	Connections int // sockets, for datagrams
	InFlight    int // queries under way on each connection at most
	// Rate is queries a second over all connections, whatever comes back; latency then counts
	// from when a query was due and not from when it could be sent. 0: as fast as answers come.
	Rate    float64
	Queries int           // how many in all; 0: no bound
	Time    time.Duration // how long; 0: no bound
	Timeout time.Duration // after which a query is lost

	Sources []netip.Addr // connections take these in turn; none: the system chooses
	TLS     *tls.Config  // for the doors that are encrypted
	GET     bool         // over HTTP: GET in place of POST
}

const (
	defaultTimeout     = 2 * time.Second
	defaultConnections = 4
	defaultInFlight    = 32
	streamInFlight     = 64
	// pacedInFlight is so many that a server has to be a while behind before queries are held back.
	pacedInFlight  = 4096
	maxConnections = 1 << 20
)

// withDefaults fills in and checks.
func (c Config) withDefaults() (Config, error) {
	if !c.Server.Addr.IsValid() {
		return c, errors.New("the server has no address")
	}
	if len(c.Questions) == 0 {
		return c, errors.New("there is nothing to ask")
	}
	if c.Rate < 0 || c.Queries < 0 || c.Time < 0 || c.Timeout < 0 {
		return c, errors.New("rate, queries and times are not negative")
	}
	if c.Queries == 0 && c.Time == 0 {
		return c, errors.New("neither a time nor a number of queries bounds the run")
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	if c.InFlight == 0 {
		c.InFlight = c.usualInFlight()
	}
	if c.Connections < 1 || c.Connections > maxConnections || c.InFlight < 1 || c.InFlight > maxInFlight {
		return c, fmt.Errorf("of connections there are 1 to %d, of queries in flight on each 1 to %d", maxConnections, maxInFlight)
	}
	for _, source := range c.Sources {
		if source.Unmap().Is4() != c.Server.Addr.Addr().Unmap().Is4() {
			return c, fmt.Errorf("source %s and server %s are of different families", source, c.Server.Addr)
		}
	}
	return c, nil
}

func (c Config) usualInFlight() int {
	switch {
	case c.Rate > 0:
		return pacedInFlight
	case c.Server.Transport == resolver.OverTCP, c.Server.Transport == resolver.OverTLS:
		return streamInFlight
	}
	return defaultInFlight
}

// source is where connection i comes from; invalid: anywhere.
func (c *Config) source(i int) netip.Addr {
	if len(c.Sources) == 0 {
		return netip.Addr{}
	}
	return c.Sources[i%len(c.Sources)]
}
