package dot

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/sockets"
	"github.com/recourse-dns/recourse/transports/stream"
)

// Protocol is the name of DNS over TLS for ALPN (RFC 7858, section 3.1, and RFC 7301).
const Protocol = "dot"

// Config is one address to serve on.
type Config struct {
	Address netip.AddrPort // port 0 takes a free one
	// TLS says what is presented, with [Protocol] alone to agree on. Clients that name no
	// protocol are served too.
	TLS *tls.Config
	// Zones are served and heard of beside the chain, over TLS too (RFC 9103).
	Zones transports.Zones
	// Proxies are load balancers, which say for whom they connect.
	Proxies proxy.Trusted
	// Sockets opens the address, or has it open from before; nil opens it.
	Sockets *sockets.Set
	// Limits bounds what one connection may take. Idle is [Idle] where it is 0.
	Limits stream.Limits
}

// Server serves one address over TLS until it is closed.
type Server = stream.Server

// Listen opens the address and serves. The server is answering when it returns.
func Listen(config Config, service *transports.Service, logger *slog.Logger) (*Server, error) {
	listener, err := stream.Listen(config.Sockets, config.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, err)
	}
	if config.Limits.Idle <= 0 {
		config.Limits.Idle = Idle
	}
	server, err := stream.Serve(stream.Config{
		Listener: listener, Door: resolver.TLS, TLS: config.TLS, Zones: config.Zones, Proxies: config.Proxies, Limits: config.Limits,
	}, service, logger)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Address, err)
	}
	return server, nil
}
