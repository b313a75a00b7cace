package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/upstreams"
)

// Upstream is one server of the configuration.
type Upstream struct {
	Server resolver.Server
}

// UnmarshalText reads what [resolver.ParseServer] does.
func (u *Upstream) UnmarshalText(text []byte) error {
	server, err := resolver.ParseServer(string(text))
	u.Server = server
	return err
}

// isNamed says that the server's address must be looked up.
func (u Upstream) isNamed() bool { return !u.Server.Addr.Addr().IsValid() }

// servers are the upstreams as they are asked.
func servers(upstreams []Upstream) []resolver.Server {
	var all []resolver.Server
	for _, upstream := range upstreams {
		all = append(all, upstream.Server)
	}
	return all
}

// asking is how servers are asked: over what, and where those are that have a name alone.
type asking struct {
	recurse.Exchanger
	hosts forward.Addresses // nil where all have an address
}

// network is all that goes out.
type network struct {
	asking
	opportunistic *upstreams.Opportunistic // nil where no server is tried
	closers       []io.Closer              // from the first to the last
}

// Close ends what waits for servers, above first.
func (n *network) Close() error {
	var errs []error
	for _, closer := range n.closers {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}

// newNetwork is the clients of all transports, or the laboratory that stands for them.
func newNetwork(config *Config, internet *lab.Internet, logger *slog.Logger) (*network, error) {
	if internet != nil {
		return &network{asking: asking{Exchanger: internet}}, nil
	}
	roots, err := config.upstreamRoots()
	if err != nil {
		return nil, fmt.Errorf("upstream_ca: %w", err)
	}
	client := newClient(trust{roots: roots}, 0)
	made := &network{asking: asking{Exchanger: client}, closers: []io.Closer{client}}
	if config.Resolver.Opportunistic == "dot" {
		made.tryServers(&config.Resolver, client, logger)
	}
	return made, made.lookUp(&config.Resolver, client, logger)
}

// tryServers has authoritative servers tried over TLS. Whom the operator named is asked as
// he says.
func (n *network) tryServers(settings *Resolver, client recurse.Exchanger, logger *slog.Logger) {
	secure := dot.NewClient(dot.ClientConfig{Opportunistic: true})
	n.opportunistic = upstreams.NewOpportunistic(upstreams.OpportunisticConfig{PlainPort: settings.UpstreamPort, Except: settings.named()}, client, secure, logger)
	n.Exchanger = n.opportunistic
	n.closers = slices.Insert(n.closers, 0, io.Closer(n.opportunistic), io.Closer(secure))
}

// lookUp has upstreams looked up that are configured by name.
func (n *network) lookUp(settings *Resolver, client recurse.Exchanger, logger *slog.Logger) error {
	if len(settings.Bootstrap) == 0 {
		return nil
	}
	through, err := forward.New(forward.Config{Servers: servers(settings.Bootstrap), EDNSSize: settings.EDNSSize, RandomCase: settings.RandomiseCase}, client, logger)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	hosts := forward.NewHosts(forward.HostsConfig{Through: through, IPv4: settings.IPv4, IPv6: settings.IPv6}, logger)
	n.hosts = hosts
	n.closers = slices.Insert(n.closers, 0, io.Closer(hosts))
	return nil
}

// named are the addresses that the configuration names.
func (r *Resolver) named() []netip.Addr {
	all := slices.Concat(r.Forward, r.Bootstrap)
	for _, zone := range r.Zones {
		all = slices.Concat(all, zone.Forward, zone.Stub)
	}
	var addresses []netip.Addr
	for _, upstream := range all {
		if !upstream.isNamed() {
			addresses = append(addresses, upstream.Server.Addr.Addr())
		}
	}
	return addresses
}

// trust is whose certificates are good.
type trust struct {
	roots    *x509.CertPool // nil: the system's
	insecure bool           // anybody's
	// local is the address that questions come from; the zero value: the kernel chooses.
	local netip.Addr
}

// newClient asks over any transport. The timeout is for one question; 0 is as usual.
func newClient(whom trust, timeout time.Duration) *upstreams.Client {
	return upstreams.NewClient(upstreams.Transports{
		Plain: do53.NewClient(do53.ClientConfig{Timeout: timeout, Local: whom.local}),
		TLS:   dot.NewClient(dot.ClientConfig{Timeout: timeout, Local: whom.local, Roots: whom.roots, Opportunistic: whom.insecure}),
		HTTPS: doh.NewClient(doh.ClientConfig{Timeout: timeout, Local: whom.local, Roots: whom.roots, Insecure: whom.insecure}),
		QUIC:  doq.NewClient(doq.ClientConfig{Timeout: timeout, Local: whom.local, Roots: whom.roots, Opportunistic: whom.insecure}),
	})
}

// upstreamRoots are the certificates that those of upstreams may come from; nil for the
// system's alone.
func (c *Config) upstreamRoots() (*x509.CertPool, error) {
	if c.Resolver.UpstreamCA == "" {
		return nil, nil //nolint:nilnil // nothing was named
	}
	return readRoots(c.File(c.Resolver.UpstreamCA))
}

// readRoots reads certificates in PEM, and adds them to the system's.
func readRoots(path string) (*x509.CertPool, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	octets, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(octets) {
		return nil, errors.New("holds no certificate in PEM")
	}
	return roots, nil
}
